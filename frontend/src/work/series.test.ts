import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryJournal } from "../journal/journal";
import { FakeServer } from "./fake-server";
import { Reading } from "./reading";

const FRAMES = 3;
let server: FakeServer;
let journal: MemoryJournal;
let reading: Reading;

beforeEach(async () => {
  server = new FakeServer(4, FRAMES);
  journal = new MemoryJournal();
  reading = new Reading("c", 7, server, journal);
  await reading.start();
});
afterEach(() => reading.close());

const work = () => reading.store.get().work!;
const ids = () => work().slices.map((slice) => slice.assignment);
const first = (place: number) => work().slices[place]!.mask.data[0];

function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 8000, interval: 10 });
}

function draw(place: number, value: number): void {
  work().slices[place]!.mask.data.fill(value);
  work().history.commit({ x0: 0, y0: 4 * place, x1: 4, y1: 4 * place + 4 });
  reading.changed([place]);
}

async function again(): Promise<void> {
  reading.close();
  reading = new Reading("c", 7, server, journal);
  await reading.start();
}

describe("a series in one reader's hands", () => {
  it("has a slice for each frame, over one map", () => {
    expect(ids()).toEqual([101, 1101, 2101]);
    expect(work().stack.rows).toBe(4 * FRAMES);
    draw(2, 5);
    expect(work().stack.data.subarray(32)).toEqual(new Uint8Array(16).fill(5));
    expect(work().history.undo()).toEqual({ x0: 0, y0: 8, x1: 4, y1: 12 });
  });

  it("saves only the frames that were drawn on", async () => {
    draw(1, 3);
    await until(() => reading.store.get().save.kind === "saved");
    expect(server.rows.get(1101)?.draft).not.toBeNull();
    expect(server.rows.get(101)?.draft).toBeNull();
    expect(server.rows.get(2101)?.draft).toBeNull();
  });

  it("hands in every frame at once and goes on to the next series", async () => {
    const sent = ids();
    draw(0, 1);
    draw(2, 2);
    await reading.submit();
    expect(sent.map((id) => server.rows.get(id)?.mask?.[0])).toEqual([1, 0, 2]);
    expect(server.submits).toBe(1);
    expect(ids()).toEqual([102, 1102, 2102]);
    expect(await journal.unsent(7, "c")).toEqual([]);
  });

  it("brings back drafts and what only the browser has", async () => {
    draw(0, 1);
    await until(() => reading.store.get().save.kind === "saved");
    server.mode = "away";
    draw(2, 4);
    await vi.waitFor(async () => expect(await journal.get(7, 2101)).not.toBeNull());
    server.mode = "well";
    await again();
    expect([0, 1, 2].map(first)).toEqual([1, 0, 4]);
    expect(work().slices.map((slice) => slice.origin)).toEqual(["draft", "empty", "journal"]);
  });

  it("sends a series that was handed in while nothing answered, once, after a reload", async () => {
    draw(1, 6);
    server.mode = "deaf";
    void reading.submit();
    await until(() => server.submits === 1);
    const kept = await journal.unsent(7, "c");
    expect(kept.map((record) => record.frames)).toEqual([[101, 1101, 2101]]);
    server.mode = "well";
    await again();
    expect(server.submits).toBe(1);
    expect(server.rows.get(1101)?.mask?.[0]).toBe(6);
    expect(await journal.unsent(7, "c")).toEqual([]);
  });

  it("shows the gravest state of all its frames", async () => {
    draw(0, 1);
    await until(() => reading.store.get().save.kind === "saved");
    server.mode = "away";
    draw(1, 1);
    await until(() => reading.store.get().save.kind === "offline");
    server.mode = "well";
    reading.poke();
    await until(() => reading.store.get().save.kind === "saved");
  });
});
