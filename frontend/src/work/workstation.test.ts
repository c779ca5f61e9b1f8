import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
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
