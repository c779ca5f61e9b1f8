/** A page in a test: its address, and a server that answers by method and path. */
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, within } from "@testing-library/react";
import type { ReactElement } from "react";
import { MemoryRouter, Route, Routes, useLocation } from "react-router";
import { vi } from "vitest";

/** What a door answers: bytes as they are, everything else as JSON. */
export type Door = (request: Request) => unknown | Promise<unknown>;

export class TestServer {
  /** By "GET /api/v1/...", without the query. A test may add to it and change it. */
  constructor(readonly doors: Record<string, Door>) {
    vi.stubGlobal("fetch", (input: Request | string) =>
      this.answer(typeof input === "string" ? new Request(new URL(input, location.origin)) : input),
    );
  }

  private async answer(request: Request): Promise<Response> {
    const door = this.doors[`${request.method} ${new URL(request.url).pathname}`];
    if (!door) return Response.json({ code: "not_found", message: "" }, { status: 404 });
    const found = await door(request);
    if (found instanceof Response) return found;
    return found instanceof Uint8Array ? new Response(found.slice()) : Response.json(found);
  }
}

/** Show a page at an address that its route's pattern fits; anywhere else the address is all there is. */
export function showPage(page: ReactElement, pattern: string, address: string): QueryClient {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={queries}>
      <MantineProvider>
        <MemoryRouter initialEntries={[address]}>
          <Routes>
            <Route path={pattern} element={page} />
            <Route path="*" element={<Elsewhere />} />
          </Routes>
        </MemoryRouter>
      </MantineProvider>
    </QueryClientProvider>,
  );
  return queries;
}

/** The rows of a table below its head, cell by cell: a figure and what is below it as "a / b". */
export function rowsOf(table: HTMLElement): string[][] {
  return [...table.querySelectorAll("tbody tr")].map((row) => [...row.children].map(cellText));
}

/** Blanks that do not break are like others here. */
function cellText(cell: Element): string {
  const parts = [...cell.childNodes].map(({ textContent }) => textContent ?? "");
  return parts.join(" / ").replaceAll("\u00a0", " ").replaceAll("\u2060", "");
}

/** Open the figures of a plot and return them as the table has them, its head first. */
export function figuresOf(plot: HTMLElement): string[][] {
  const details = plot.querySelector("details")!;
  details.open = true;
  fireEvent(details, new Event("toggle"));
  const head = [...details.querySelectorAll("thead th")].map(cellText);
  return [head, ...rowsOf(details)];
}

/** Give everything that measures itself a width: without one, plots draw nothing. */
export function stubWidth(width: number): void {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(private readonly tell: ResizeObserverCallback) {}
      observe(target: Element): void {
        const contentRect = { width, height: 0, x: 0, y: 0, top: 0, left: 0, right: 0, bottom: 0 };
        this.tell([{ target, contentRect } as ResizeObserverEntry], this as never);
      }
      unobserve(): void {}
      disconnect(): void {}
    },
  );
}

/** The lines of a plot that is drawn: of each its colour and its way. */
export async function linesOf(plot: HTMLElement): Promise<[string | null, string | null][]> {
  const picture = await within(plot).findByRole("img");
  const lines = picture.querySelectorAll("path:not([stroke=none])");
  return [...lines].map((line) => [line.getAttribute("stroke"), line.getAttribute("d")]);
}

function Elsewhere() {
  return <p>{useLocation().pathname}</p>;
}
