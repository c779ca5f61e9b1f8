/** A page in a test: its address, and a server that answers by method and path. */
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
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

function Elsewhere() {
  return <p>{useLocation().pathname}</p>;
}
