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
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 8000, interval: 10 });
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
