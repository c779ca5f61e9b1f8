import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { unpackMask } from "../domain/codec";
import { type Journal, MemoryJournal } from "../journal/journal";
import { FakeServer } from "./fake-server";
import { Reading } from "./reading";

let server: FakeServer;
let journal: Journal;
let reading: Reading;

beforeEach(() => {
  server = new FakeServer(5);
  journal = new MemoryJournal();
  reading = new Reading("c", 7, server, journal);
});
afterEach(() => reading.close());

const now = () => reading.store.get();

/** Wait until the given holds; the real clock runs, so retries and saves happen as in life. */
function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 8000, interval: 10 });
}

function draw(value: number): void {
  const { work } = now();
  work!.mask.data.fill(value);
  work!.history.commit({ x0: 0, y0: 0, x1: 4, y1: 4 });
  reading.changed();
}

async function begin(): Promise<void> {
  await reading.start();
  expect(now().phase).toBe("ready");
}

async function again(): Promise<void> {
  reading.close();
  reading = new Reading("c", 7, server, journal);
  await reading.start();
}

describe("going through the queue", () => {
  it("holds the current case and prefetches the next", async () => {
    await begin();
    expect(now().work?.assignment.task.id).toBe(1);
    expect(server.leases).toEqual(["current", "next"]);
  });

  it("shows the prefetched case in the same turn as the submit", async () => {
    await begin();
    draw(3);
    const submitted = reading.submit();
    expect(now().work?.assignment.task.id).toBe(2);
    expect(now().phase).toBe("ready");
    await submitted;
    expect(server.rows.get(101)?.mask).toEqual(Array(16).fill(3));
  });

  it("serves each case once and then says that nothing is left", async () => {
    await begin();
    const seen: (number | undefined)[] = [];
    while (now().work) {
      seen.push(now().work?.assignment.task.id);
      draw(seen.length);
      await reading.submit();
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(now().phase).toBe("empty");
    expect(server.submits).toBe(5);
  });

  it("keeps pace with a reader who submits faster than cases load", async () => {
    await begin();
    const all = [reading.submit(), reading.submit(), reading.submit()];
    await Promise.all(all);
    await until(() => now().phase === "ready");
    // The second and third found no case to submit yet, or one each: none is lost or sent twice.
    const submitted = [...server.rows.values()].filter((row) => row.state === "submitted");
    expect(submitted.length).toBe(server.submits);
    expect(server.rows.get(100 + now().work!.assignment.task.id)?.state).toBe("held");
  });

  it("a skipped case goes back and the next is shown", async () => {
    await begin();
    await reading.skip("unclear");
    expect(server.rows.get(101)?.state).toBe("skipped");
    expect(now().work?.assignment.task.id).toBe(2);
  });

  it("starts from the suggestion, without a step to undo", async () => {
    server.suggest = true;
    await begin();
    expect([...now().work!.mask.data]).toEqual(Array(16).fill(2));
    expect(now().work?.history.canUndo).toBe(false);
    draw(1);
    expect(now().work?.suggestion?.data[0]).toBe(2);
  });
});

describe("saving", () => {
  it("sends a draft within two seconds of a change and says so", async () => {
    await begin();
    draw(4);
    const changed = performance.now();
    await until(() => now().save.kind === "saved");
    expect(performance.now() - changed).toBeLessThan(2000);
    const { draft } = server.rows.get(101)!;
    expect([...(await unpackMask(draft!.mask, 4, 4)).data]).toEqual(Array(16).fill(4));
    expect(await journal.get(7, 101)).toBeNull();
  });

  it("drafts carry growing sequences", async () => {
    await begin();
    draw(1);
    await until(() => now().save.kind === "saved");
    const first = server.rows.get(101)!.draft!.sequence;
    draw(2);
    draw(3);
    await until(() => (server.rows.get(101)!.draft?.sequence ?? 0) > first);
    await until(() => now().save.kind === "saved");
    expect(server.rows.get(101)!.draft!.sequence).toBe(3);
  });

  it("with the server away says so, keeps the work, and sends it when it is back", async () => {
    await begin();
    server.mode = "away";
    draw(5);
    await until(() => now().save.kind === "offline");
    expect((await journal.get(7, 101))?.mask[0]).toBe(5);
    server.mode = "well";
    await until(() => now().save.kind === "saved");
    expect(server.rows.get(101)!.draft).not.toBeNull();
  });

  it("when logged out waits, and goes on after the log-in", async () => {
    await begin();
    server.mode = "out";
    draw(5);
    await until(() => now().save.kind === "signed_out");
    server.mode = "well";
    reading.poke();
    await until(() => now().save.kind === "saved");
  });

  it("another window's newer draft is not overwritten unasked", async () => {
    await begin();
    server.rows.get(101)!.draft = { sequence: 50, mask: "", seconds: 0, saved_at: "2026-01-01" };
    draw(5);
    await until(() => now().save.kind === "stale");
    expect(server.rows.get(101)!.draft!.sequence).toBe(50);
    reading.keepMine();
    await until(() => server.rows.get(101)!.draft!.sequence > 50);
  });
});

describe("after a reload", () => {
  it("the journal wins when it is newer than the draft", async () => {
    await begin();
    draw(1);
    await until(() => now().save.kind === "saved");
    server.mode = "away";
    draw(6);
    await until(() => now().save.kind === "offline");
    server.mode = "well";
    await again();
    expect(now().work?.origin).toBe("journal");
    expect(now().work?.mask.data[0]).toBe(6);
    await until(() => server.rows.get(101)!.draft!.sequence === 2);
  });

  it("the draft wins when the journal has nothing newer", async () => {
    await begin();
    draw(1);
    await until(() => now().save.kind === "saved");
    await again();
    expect(now().work?.origin).toBe("draft");
    expect(now().work?.mask.data[0]).toBe(1);
  });

  it("a submission that was never acknowledged is sent with its first key", async () => {
    await begin();
    draw(8);
    server.mode = "deaf";
    void reading.submit();
    await until(() => now().outbox === "offline");
    expect(server.submits).toBe(1);
    const key = server.rows.get(101)!.key;
    server.mode = "well";
    await again();
    expect(server.submits).toBe(1);
    expect(server.rows.get(101)!.key).toBe(key);
    expect(await journal.unsent(7, "c")).toEqual([]);
  });
});

describe("conflicts", () => {
  it("a heartbeat that finds the lease gone says so, and the work can go on", async () => {
    await begin();
    draw(3);
    server.rows.get(101)!.state = "lost";
    reading.poke();
    await until(() => now().lost);
    await reading.goOn();
    expect(now().work?.assignment.task.id).toBe(2);
    expect(now().lost).toBe(false);
  });

  it("a submit after the lease was lost says so once and the work goes on", async () => {
    await begin();
    draw(3);
    server.rows.get(101)!.state = "lost";
    await reading.submit();
    expect(now().refusal?.code).toBe("lease_lost");
    expect(now().work?.assignment.task.id).toBe(2);
    reading.dismiss();
    expect(now().refusal).toBeNull();
  });

  it("offline submits wait in order, and all arrive", async () => {
    await begin();
    server.mode = "away";
    draw(1);
    void reading.submit();
    await until(() => now().outbox === "offline");
    draw(2);
    void reading.submit();
    await until(() => now().unsent === 2);
    expect(now().work).toBeNull();
    server.mode = "well";
    await until(() => now().phase === "ready");
    expect(server.rows.get(101)?.mask?.[0]).toBe(1);
    expect(server.rows.get(102)?.mask?.[0]).toBe(2);
    expect(now().work?.assignment.task.id).toBe(3);
  });
});

describe("amending an earlier answer", () => {
  async function answered(): Promise<void> {
    await begin();
    draw(3);
    await reading.submit();
    await until(() => server.rows.get(101)?.state === "submitted");
  }

  it("shows what was handed in, stores the new version, and comes back to the case at hand", async () => {
    await answered();
    draw(5);
    await reading.reopen((await reading.recent())[0]!);
    expect(now().work?.assignment.id).toBe(101);
    expect([...now().work!.mask.data]).toEqual(Array(16).fill(3));
    draw(4);
    await reading.submit();
    await until(() => now().phase === "ready" && now().work?.assignment.id === 102);
    expect(server.rows.get(101)?.mask).toEqual(Array(16).fill(4));
    expect([server.submits, server.amendments]).toEqual([1, 1]);
    // What was begun on the case at hand is still there.
    expect([...now().work!.mask.data]).toEqual(Array(16).fill(5));
  });

  it("left without saving changes nothing", async () => {
    await answered();
    await reading.reopen((await reading.recent())[0]!);
    draw(4);
    await reading.back();
    expect(now().work?.assignment.id).toBe(102);
    expect(server.rows.get(101)?.mask).toEqual(Array(16).fill(3));
    expect(server.amendments).toBe(0);
  });

  it("is sent later when the server is away", async () => {
    await answered();
    await reading.reopen((await reading.recent())[0]!);
    draw(4);
    server.mode = "away";
    void reading.submit();
    await until(() => now().outbox === "offline");
    expect(server.amendments).toBe(0);
    server.mode = "well";
    reading.poke();
    await until(() => server.amendments === 1);
    expect(server.rows.get(101)?.mask).toEqual(Array(16).fill(4));
  });
});
