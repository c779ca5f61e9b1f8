import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryJournal } from "../journal/journal";
import { FakeServer } from "./fake-server";
import { Reading } from "./reading";
import { Workstation } from "./workstation";

let server: FakeServer;
let reading: Reading;
let station: Workstation;

async function open(frames = 1): Promise<void> {
  server = new FakeServer(4, frames);
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
});
