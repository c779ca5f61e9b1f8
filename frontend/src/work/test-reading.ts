/** A reader at work in tests: a server in memory, a journal, and the room that is open. */
import { afterEach, beforeEach, expect, vi } from "vitest";
import { unpackMask } from "../domain/codec";
import { type Journal, MemoryJournal } from "../journal/journal";
import { ownSlice, type Slice } from "./case";
import { FakeServer } from "./fake-server";
import { Reading, type ReadingState } from "./reading";

export let server: FakeServer;
export let journal: Journal;
export let reading: Reading;

/** A server with five cases, an empty journal and a room of its own for each test of a file. */
export function eachAtWork(): void {
  beforeEach(() => {
    server = new FakeServer(5);
    journal = new MemoryJournal();
    reading = new Reading("c", 7, server, journal);
  });
  afterEach(() => reading.close());
}

export const now = (): ReadingState => reading.store.get();
export const own = (): Slice => ownSlice(now().work!);

/** Wait until the given holds; the real clock runs, so retries and saves happen as in life. */
export function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 30_000, interval: 10 });
}

/** Draw all over the case at hand: in the room that is open, or in another one. */
export function draw(value: number, where: Reading = reading): void {
  const { work } = where.store.get();
  ownSlice(work!).mask.data.fill(value);
  work!.history.commit({ x0: 0, y0: 0, x1: 4, y1: 4 });
  where.changed();
}

export async function begin(): Promise<void> {
  await reading.start();
  expect(now().phase).toBe("ready");
}

/** Leave the page; the next one begins once it is told to. */
export function leave(): void {
  reading.close();
  reading = new Reading("c", 7, server, journal);
}

export async function again(): Promise<void> {
  leave();
  await reading.start();
}

/** What the server holds of the first case as a draft. */
export async function drafted(): Promise<number[]> {
  return [...(await unpackMask(server.rows.get(101)!.draft!.mask, 4, 4)).data];
}
