import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { action } from "../actions/actions";
import type { Schemas } from "../api/client";
import { ApiError } from "../api/errors";
import { IGNORE } from "../domain/mask";
import { MemoryJournal } from "../journal/journal";
import { FakeServer } from "./fake-server";
import { Reading } from "./reading";
import { Workstation } from "./workstation";

const CLASS = { index: 1, name: "Tumour", colour: "#ff0000", retired: false };

let server: FakeServer;
let reading: Reading;
let station: Workstation;

async function open(frames = 1): Promise<void> {
  server = new FakeServer(4, frames, { rows: 32, columns: 32 });
  reading = new Reading("c", 7, server, new MemoryJournal());
  station = new Workstation(reading, server);
  await reading.start();
}

beforeEach(() => open());
afterEach(close);

function close(): void {
  station.close();
  reading.close();
}

const task = () => reading.store.get().work?.assignment.task.id;

/** Press and let go at an image point. */
function click(x: number, y: number): void {
  const spot = { image: { x, y }, screen: { x, y } };
  station.tool.down(station, spot);
  station.tool.up(station, spot);
}

function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 30_000, interval: 10 });
}

describe("handing in", () => {
  it("waits for a look: a press that comes twice hands in one case", async () => {
    station.submit();
    expect(task()).toBe(1);
    await until(() => station.seen);
    station.submit();
    expect(task()).toBe(2);
    station.submit();
    expect(task()).toBe(2);
    expect(station.seen).toBe(false);
    await until(() => station.seen);
    station.submit();
    expect(task()).toBe(3);
  });

  it("keeps a remark that is begun from being lost with its case", async () => {
    await until(() => station.seen);
    station.ui.set({ remark: { text: "A vessel?", place: null } });
    station.submit();
    expect(task()).toBe(1);
    expect(station.ui.get().ask).toBe("remarks");
    station.ui.set({ remark: { text: " ", place: null } });
    station.submit();
    expect(task()).toBe(2);
  });

  it("keeps a remark that is begun while its own case is opened anew", async () => {
    const remark = { text: "A vessel?", place: null };
    station.ui.set({ remark });
    await reading.takeTheirs();
    expect(task()).toBe(1);
    expect(station.ui.get().remark).toEqual(remark);
    await reading.submit();
    expect(task()).toBe(2);
    expect(station.ui.get().remark.text).toBe("");
  });

  it.each(["polygon", "livewire"] as const)("closes the %s at work first", async (tool) => {
    station.setForm([CLASS], []);
    station.choose(tool);
    for (const [x, y] of [
      [4, 4],
      [24, 4],
      [24, 24],
    ] as const)
      click(x, y);
    await until(() => station.seen);
    station.submit();
    expect(task()).toBe(1);
    expect(station.mask.data.includes(CLASS.index)).toBe(true);
    station.submit();
    expect(task()).toBe(2);
  });

  it("gives half an angle up first, and is not kept from handing in by it", async () => {
    station.choose("angle");
    click(0, 0);
    await until(() => station.seen);
    station.submit();
    expect(task()).toBe(1);
    station.submit();
    expect(task()).toBe(2);
  });
});

describe("while something is drawn on a slice", () => {
  beforeEach(async () => {
    close();
    await open(3);
    station.setForm([CLASS], []);
    await until(() => station.ui.get().frames === 3);
  });
  const shown = () => station.ui.get().frame;
  const told = () => station.ui.get().unclosed;

  it.each(["polygon", "livewire"] as const)("the %s keeps the slice, and says so", (tool) => {
    station.choose(tool);
    for (const [x, y] of [
      [4, 4],
      [24, 4],
      [24, 24],
    ] as const)
      click(x, y);
    expect(told()).toBe(false);
    expect(station.slides.step(1)).toBe(true); // the wheel does not zoom instead
    station.slides.goTo(2);
    station.slides.setCine(true);
    expect([shown(), station.ui.get().cine, told()]).toEqual([0, false, true]);
    station.submit();
    expect(station.mask.data.includes(CLASS.index)).toBe(true);
    expect(told()).toBe(false);
    station.slides.step(1);
    expect(shown()).toBe(1);
  });

  it.each(["polygon", "livewire"] as const)("the %s keeps its tool, and says so", (tool) => {
    station.choose(tool);
    for (const [x, y] of [
      [4, 4],
      [24, 4],
      [24, 24],
    ] as const)
      click(x, y);
    expect([station.choose(tool), told()]).toEqual([true, false]);
    expect([station.choose("brush"), station.tool.id, told()]).toEqual([false, tool, true]);
    action("pickRange").perform(station);
    expect([station.tool.id, station.ui.get().picking]).toEqual([tool, false]);
    station.submit();
    expect(station.mask.data.includes(CLASS.index)).toBe(true);
    expect([station.choose("brush"), station.tool.id, told()]).toEqual([true, "brush", false]);
  });

  const acts: Record<string, () => void> = {
    clearAll: () => action("clearAll").perform(station),
    fillHoles: () => action("fillHoles").perform(station),
    clearClass: () => action("clearClass").perform(station),
    fillBetween: () => action("fillBetween").perform(station),
    loadSuggestion: () => {
      const { slice, mask } = station;
      Object.assign(slice!, { suggestion: { ...mask, data: mask.data.map(() => CLASS.index) } });
      action("loadSuggestion").perform(station);
    },
  };
  it.each(Object.keys(acts))("%s waits for an open outline, and says so", (act) => {
    station.drawing.edit((mask) => {
      mask.data[0] = CLASS.index;
      return { x0: 0, y0: 0, x1: 1, y1: 1 };
    });
    station.choose("polygon");
    for (const [x, y] of [
      [4, 4],
      [24, 4],
      [24, 24],
    ] as const)
      click(x, y);
    const open = station.tool.preview();
    const before = station.mask.data.slice();
    acts[act]?.();
    expect(station.tool.preview()).toEqual(open);
    expect([station.mask.data, told()]).toEqual([before, true]);
    station.submit();
    expect(told()).toBe(false);
    expect(station.mask.data[8 * 32 + 20]).toBe(CLASS.index);
  });

  it("a stroke keeps it without a word", () => {
    const spot = { image: { x: 4, y: 4 }, screen: { x: 4, y: 4 } };
    station.choose("brush");
    station.tool.down(station, spot);
    station.slides.step(1);
    expect(station.choose("eraser")).toBe(false);
    expect([shown(), station.tool.id, told()]).toEqual([0, "brush", false]);
    station.tool.up(station, spot);
    station.slides.step(1);
    expect(shown()).toBe(1);
    expect(reading.store.get().work?.history.canUndo).toBe(true);
  });

  it("half an angle does not keep it", () => {
    station.choose("angle");
    click(4, 4);
    station.slides.step(1);
    expect(shown()).toBe(1);
    expect(station.choose("brush")).toBe(true);
  });
});

describe("what could not be fetched", () => {
  const map = {
    kind: "uncertainty",
    class_index: null,
    question: "",
    option: "",
    url: "map",
  } as const;
  const NOTHING = /^$/;
  const lacking = () => station.ui.get().lacking;
  /** What is refused: by its address, or the list of the series. */
  let refused: RegExp;
  let fetched: number;

  /** A series of three frames that are read together, or of which the case is one. */
  async function openWith(frames: number, maps: Schemas["MapOutput"][] = [map]): Promise<void> {
    close();
    server = new FakeServer(2, frames, { rows: 4, columns: 4 });
    server.suggest = true;
    const { lease, series, bytes } = server;
    const { image } = (await lease.call(server, "c", "current"))!;
    server.lease = async (...asked) => {
      const found = await lease.apply(server, asked);
      const suggestion = found?.suggestion ? { ...found.suggestion, maps } : null;
      return found && { ...found, suggestion };
    };
    const check = (what: string) => {
      if (refused.test(what)) throw new ApiError(500, "error", "");
    };
    server.series = async (id) => {
      check("series");
      if (frames > 1) return series.call(server, id);
      const all = [1, 2, 3].map((at) => ({ ...image, id: at, index: at, pixels_url: `at/${at}` }));
      const geometry = { spacing_between: null, affine: null };
      return { id, modality: "MR", count: 3, ...geometry, frames: all };
    };
    server.bytes = async (url) => {
      if (url === "map" || url.startsWith("at/")) fetched++;
      check(url);
      return bytes.call(server, url.startsWith("at/") ? "pixels" : url);
    };
    fetched = 0;
    reading = new Reading("c", 7, server, new MemoryJournal());
    station = new Workstation(reading, server);
    station.setForm([CLASS], []);
    await reading.start();
  }

  it("of the model's maps is told, and fetched when it is tried again", async () => {
    refused = /map/;
    await openWith(1);
    await until(() => station.ui.get().frames === 3);
    fetched = 0;
    station.maps.choose("uncertainty");
    await until(() => lacking().includes("map"));
    expect(station.ui.get().mapped).toBe(false);
    refused = NOTHING;
    station.again("map");
    await until(() => lacking().length === 0 && fetched === 2);
    await until(() => station.ui.get().mapped);
    refused = /map/;
    await station.maps.lookWhereUnsure();
    expect(lacking()).toEqual(["map"]);
    station.maps.choose(null);
    expect([lacking(), station.ui.get().mapped]).toEqual([[], false]);
  });

  it("of the model's maps is gone on without, until the map is wanted anew", async () => {
    refused = /map/;
    await openWith(1);
    await until(() => station.ui.get().frames === 3);
    station.maps.choose("uncertainty");
    await until(() => lacking().includes("map"));
    station.without("map");
    await until(() => fetched === 3); // the map, and the slices ahead of the reader
    station.setLabel(CLASS.index);
    station.maps.lay();
    await new Promise((wake) => setTimeout(wake));
    expect([fetched, lacking()]).toEqual([3, []]);
    station.maps.choose(null);
    station.maps.choose("uncertainty");
    await until(() => lacking().includes("map"));
    expect(fetched).toBe(4);
  });

  it("is no map that there is none of: for this class, on this frame, of this case", async () => {
    refused = NOTHING;
    await openWith(1, [{ ...map, kind: "explanation", class_index: CLASS.index }]);
    await until(() => station.ui.get().frames === 3);
    const found = () => [station.ui.get().heats, station.maps.absence];
    station.setLabel(CLASS.index);
    station.maps.choose("explanation");
    expect(found()).toEqual([["explanation"], null]);
    station.setLabel(IGNORE);
    expect(found()).toEqual([[], "hand"]);
    station.setLabel(CLASS.index);
    station.slides.goTo(1);
    expect(found()).toEqual([[], "frame"]);
    station.slides.goTo(0);
    expect(found()).toEqual([["explanation"], null]);
    station.maps.choose("uncertainty");
    expect(found()).toEqual([["explanation"], "case"]);
    expect(lacking()).toEqual([]);
  });

  it("of the series is told: its list, and each slice gone to", async () => {
    refused = /series/;
    await openWith(1);
    await until(() => lacking().includes("series"));
    refused = NOTHING;
    station.again("series");
    await until(() => station.ui.get().frames === 3 && lacking().length === 0);
    await until(() => fetched === 2); // ahead of the reader
    station.slides.goTo(2);
    await until(() => station.ui.get().arrived);
    expect(station.ui.get().frame).toBe(2);
  });

  it("of a slice gone to is told where the reader finds themselves again", async () => {
    refused = /at/;
    await openWith(1);
    await until(() => station.ui.get().frames === 3);
    await until(() => fetched === 2);
    station.slides.goTo(2);
    await until(() => lacking().includes("slice"));
    expect(station.ui.get().frame).toBe(0);
    refused = NOTHING;
    station.again("slice");
    await until(() => station.ui.get().arrived && station.ui.get().frame === 2);
    expect(lacking()).toEqual([]);
  });

  it("keeps a series that is handed in whole from being handed in unseen", async () => {
    refused = /series/;
    await openWith(3);
    await until(() => station.seen && lacking().includes("series"));
    station.submit();
    expect(task()).toBe(1);
    refused = NOTHING;
    station.again("series");
    await until(() => station.ui.get().frames > 1);
    station.submit();
    expect(task()).toBe(2);
  });
});

describe("mean and deviation", () => {
  /** Three slices of samples 1, 2, 3 everywhere, with slopes 1, 2, 3; theirs come when let go. */
  async function openSeries(): Promise<() => void> {
    close();
    server = new FakeServer(1, 3, { rows: 4, columns: 4 });
    const own = await server.lease("c", "current");
    const series = await server.series(1);
    const frames = series.frames.map((image, i) => ({
      ...image,
      slope: i + 1,
      pixels_url: `pixels/${i}`,
    }));
    server.series = () => Promise.resolve({ ...series, frames });
    expect(frames[0]?.id).toBe(own?.image.id);
    const bytes = server.bytes.bind(server);
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    server.bytes = async (url) => {
      const at = /^pixels\/(\d)$/.exec(url)?.[1];
      if (at === undefined) return bytes(url);
      await gate;
      return new Uint8Array(16).fill(Number(at) + 1).buffer;
    };
    reading = new Reading("c", 7, server, new MemoryJournal());
    station = new Workstation(reading, server);
    station.setForm([CLASS], []);
    await reading.start();
    await until(() => station.ui.get().frames === 3);
    return letGo;
  }
  const stats = () => station.ui.get().stats;

  it("are of the slice that is shown, once it is, in its own values", async () => {
    const letGo = await openSeries();
    const { slices } = reading.store.get().work!;
    for (const slice of slices) slice.mask.data.fill(CLASS.index);
    station.setLabel(CLASS.index);
    await until(() => stats()?.mean === 7);
    station.slides.goTo(1);
    await until(() => stats() === null);
    letGo();
    await until(() => stats()?.mean === 4);
    station.slides.goTo(2);
    await until(() => stats()?.mean === 9);
  });
});
