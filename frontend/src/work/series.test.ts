import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Findings } from "../api/client";
import { ApiError, NetworkError } from "../api/errors";
import { MemoryJournal } from "../journal/journal";
import { loadCase } from "./case";
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
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 30_000, interval: 10 });
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

  it("starts each frame from its own suggestion", async () => {
    server.suggest = true;
    await again();
    expect([0, 1, 2].map(first)).toEqual([2, 3, 4]);
    expect(work().slices.map((slice) => slice.suggestion?.data[0])).toEqual([2, 3, 4]);
    expect(work().slices.map((slice) => slice.origin)).toEqual(Array(3).fill("suggestion"));
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
    await vi.waitFor(async () => expect(await journal.all(7, 2101)).toHaveLength(1));
    server.mode = "well";
    await again();
    expect([0, 1, 2].map(first)).toEqual([1, 0, 4]);
    expect(work().slices.map((slice) => slice.origin)).toEqual(["draft", "empty", "journal"]);
  });

  it("brings back what was said last, not what another frame's draft says", async () => {
    function say(findings: Findings, unseen: number[]): void {
      Object.assign(work(), { findings, unseen });
      reading.changed();
    }
    say({ lesion: "yes", remark: "motion" }, [3]);
    draw(1, 1);
    await until(() => server.rows.get(1101)?.draft?.findings.remark === "motion");
    await until(() => reading.store.get().save.kind === "saved");
    say({ lesion: "no" }, []);
    await until(() => server.rows.get(101)?.draft?.findings.lesion === "no");
    await again();
    expect(work().findings).toEqual({ lesion: "no" });
    expect(work().unseen).toEqual([]);
    // The very last answer was taken back.
    say({}, []);
    await until(() => Object.keys(server.rows.get(101)!.draft!.findings).length === 0);
    await again();
    expect(work().findings).toEqual({});
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

  it.each([3, 40])("takes two requests of %i frames, with suggestions on all", async (frames) => {
    const long = new FakeServer(1, frames);
    long.suggest = true;
    const leased = await long.lease("c", "current");
    const before = long.requests;
    const { slices } = await loadCase(long, new MemoryJournal(), { user: 7, room: 1 }, leased!);
    expect(slices.map(({ suggestion }) => suggestion?.data[15])).toEqual(
      Array.from({ length: frames }, (_, place) => 2 + place),
    );
    expect(long.requests - before).toBe(2); // the pixels of its own image, and what is drawn
  });

  it("asks for no drawings where every frame is blind", async () => {
    const before = server.requests;
    await loadCase(server, journal, { user: 7, room: 1 }, work().assignment);
    expect(server.requests - before).toBe(1);
  });

  it("does not begin a series of which a drawing lacks", async () => {
    server.suggest = true;
    const all = await server.suggestions(101);
    server.suggestions = () => Promise.resolve({ frames: all.frames.slice(1) });
    const leased = await server.assignment(101);
    await expect(loadCase(server, journal, { user: 7, room: 1 }, leased)).rejects.toThrow(
      "frame 101",
    );
  });

  it("does not drop what another window saved of a frame when it is handed in", async () => {
    const other = new Reading("c", 7, server, new MemoryJournal());
    await other.start();
    const there = other.store.get().work!;
    there.slices[1]!.mask.data.fill(2);
    there.history.commit({ x0: 0, y0: 4, x1: 4, y1: 8 });
    other.changed([1]);
    await until(() => other.store.get().save.kind === "saved");
    other.close();
    draw(0, 5);
    await reading.submit();
    await until(() => reading.store.get().save.kind === "stale");
    expect([ids()[0], first(0), first(1), server.submits]).toEqual([101, 5, 0, 0]);
    const rival = await reading.rival(null);
    expect([rival!.slice.assignment, rival!.mask.data[0], rival!.slices]).toEqual([1101, 2, 1]);
    await again();
    expect([first(0), reading.store.get().save.kind]).toEqual([5, "stale"]);
    await reading.takeTheirs();
    expect([0, 1].map(first)).toEqual([5, 2]);
    await reading.submit();
    expect([101, 1101].map((id) => server.rows.get(id)?.mask?.[0])).toEqual([5, 2]);
    expect(await journal.unsent(7)).toEqual([]);
  });

  it("keeps what is on each slice while the reader is asked, also when another one is drawn on", async () => {
    const other = new Reading("c", 7, server, new MemoryJournal());
    await other.start();
    const there = other.store.get().work!;
    there.slices[1]!.mask.data.fill(2);
    there.history.commit({ x0: 0, y0: 4, x1: 4, y1: 8 });
    other.changed([1]);
    await until(() => other.store.get().save.kind === "saved");
    other.close();
    draw(1, 7);
    await reading.submit();
    await until(() => reading.store.get().save.kind === "stale");
    draw(0, 6); // the slice that the series is kept under
    await until(() => server.rows.get(101)!.draft !== null);
    const crashed = reading; // without a last word
    reading = new Reading("c", 7, server, journal);
    await reading.start();
    expect([first(0), first(1), reading.store.get().save.kind]).toEqual([6, 7, "stale"]);
    crashed.close();
  });

  it("keeps a series that was not taken until each of its frames is saved", async () => {
    const submit = server.submitSeries.bind(server);
    server.submitSeries = () => Promise.reject(new ApiError(403, "forbidden", "no reader"));
    [0, 1, 2].forEach((place) => {
      draw(place, 5);
    });
    await reading.submit();
    server.rows.get(102)!.slot = "next";
    server.mode = "well";
    const draft = server.draft.bind(server);
    server.draft = (id, work) =>
      id === 101 ? draft(id, work) : Promise.reject(new NetworkError());
    await again();
    expect(ids()[0]).toBe(101);
    await until(() => server.rows.get(101)!.draft !== null);
    await again(); // the frames that were not saved are in the journal alone
    expect([0, 1, 2].map(first)).toEqual([5, 5, 5]);
    Object.assign(server, { draft, submitSeries: submit });
    reading.poke();
    await until(() => reading.store.get().save.kind === "saved");
    await until(() => server.rows.get(2101)!.draft !== null);
    await vi.waitFor(async () => expect(await journal.unsent(7)).toEqual([]));
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
