import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MemoryJournal } from "../journal/journal";
import type { ShownMeasure } from "../viewer/overlay";
import type { Surface } from "../viewer/surface";
import { FakeServer } from "./fake-server";
import { Reading } from "./reading";
import type { Sheet } from "./sheet";
import { Workstation } from "./workstation";

let station: Workstation;
/** What is marked on the image on show. */
let marked: readonly string[];

/** A case of three frames: all of them read together, or two of them for context alone. */
async function open(together: boolean): Promise<void> {
  const server = new FakeServer(1, together ? 3 : 1);
  const { image } = (await server.lease("c", "current"))!;
  if (!together) {
    const frames = [1, 2, 3].map((id) => ({ ...image, id, index: id }));
    const geometry = { spacing_between: null, affine: null };
    server.series = () => Promise.resolve({ id: 1, modality: "MR", count: 3, ...geometry, frames });
  }
  station = new Workstation(new Reading("c", 7, server, new MemoryJournal()), server);
  // A surface that paints nothing: there is no canvas here.
  const surface = new Proxy({} as Surface, {
    get: (_, name) =>
      name === "setMeasures"
        ? (shown: readonly ShownMeasure[]) => {
            marked = shown.map(({ text }) => text);
          }
        : () => Promise.resolve(),
  });
  (Reflect.get(station, "sheet") as Sheet).surface = surface;
  await station.reading.start();
  await vi.waitFor(() => expect(station.ui.get().frames).toBe(3));
}

async function goTo(frame: number): Promise<void> {
  station.slides.goTo(frame);
  await vi.waitFor(() => expect(station.ui.get().arrived).toBe(true));
}

const at = { x: 1, y: 2 };

beforeEach(() => {
  marked = [];
});
afterEach(() => {
  station.close();
  station.reading.close();
});

it.each([true, false])(
  "pins and measurements stay with their slice, read together: %s",
  async (together) => {
    await open(together);
    const { assignment } = station.slice!;
    station.marks.showPins(assignment, [{ place: at }, { place: null }]);
    station.marks.place({ x: 3, y: 3 });
    station.measured({ kind: "ruler", points: [at, { x: 1, y: 4 }] });
    const all = ["2.0 px", "1", "+"];
    expect(marked).toEqual(all);
    await goTo(1);
    expect(marked).toEqual([]);
    await goTo(0);
    expect(marked).toEqual(all);
  },
);

it("a remark is pinned to the slice that it is about, not to one for context", async () => {
  await open(false);
  station.marks.pin();
  await goTo(1);
  station.marks.place(at);
  expect(station.ui.get().remark.place).toBeNull();
  expect(station.ui.get().pinning).toBe(true);
  await goTo(0);
  station.marks.place(at);
  expect(station.ui.get().remark.place).toEqual({ at, assignment: station.slice!.assignment });
});

it("pins that come late are not those of the slice gone to meanwhile", async () => {
  await open(true);
  const { assignment } = station.slice!;
  await goTo(1);
  station.marks.showPins(assignment, [{ place: at }]);
  expect(marked).toEqual([]);
});
