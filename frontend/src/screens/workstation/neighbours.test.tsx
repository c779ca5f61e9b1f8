// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { MemoryJournal } from "../../journal/journal";
import { FakeServer } from "../../work/fake-server";
import { Reading } from "../../work/reading";
import { Workstation } from "../../work/workstation";
import { TestServer } from "../test-page";
import { Neighbours } from "./neighbours";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it.each(["load", "error"] as const)("keeps the place of a picture until its %s", async (event) => {
  const server = Object.assign(new FakeServer(1), { suggest: true, askMaps: () => undefined });
  const station = new Workstation(new Reading("c", 7, server, new MemoryJournal()), server);
  await station.reading.start();
  const { id } = station.assignment!;
  new TestServer({
    [`GET /api/v1/assignments/${id}/neighbours`]: () => [
      { image: 1, patient: "P-2", slice: 3, picture_url: "/picture" },
    ],
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MantineProvider>
        <Neighbours station={station} />
      </MantineProvider>
    </QueryClientProvider>,
  );
  fireEvent.click(screen.getByRole("button", { name: "Show them" }));
  const picture = await screen.findByRole("img", { name: "P-2, slice 4", hidden: true });
  expect(picture.parentElement?.dataset.visible).toBe("true");
  fireEvent[event](picture);
  expect(picture.parentElement?.dataset.visible).toBeUndefined();
  station.close();
  station.reading.close();
});
