import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/errors";
import { unpackMask } from "../domain/codec";
import { STEP } from "../domain/lineage";
import { type Journal, MemoryJournal } from "../journal/journal";
import { ownSlice } from "./case";
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
const own = () => ownSlice(now().work!);

/** Wait until the given holds; the real clock runs, so retries and saves happen as in life. */
function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 30_000, interval: 10 });
}

function draw(value: number): void {
  const { work } = now();
  ownSlice(work!).mask.data.fill(value);
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
    expect([...own().mask.data]).toEqual(Array(16).fill(2));
    expect(now().work?.history.canUndo).toBe(false);
    draw(1);
    expect(own().suggestion?.data[0]).toBe(2);
  });

  it("starts from the model's answers, which draw nothing and are handed in as they are left", async () => {
    server.suggest = true;
    server.answers = { disc: "seen" };
    await begin();
    expect(now().work?.findings).toEqual({ disc: "seen" });
    expect([...own().mask.data]).toEqual(Array(16).fill(0));
    expect(own().suggestion).toBeNull();
    await reading.submit();
    expect([...server.rows.values()].find((row) => row.state === "submitted")?.findings).toEqual({
      disc: "seen",
    });
  });
});

describe("saving", () => {
  it("sends a draft within two seconds of a change and says so", async () => {
    await begin();
    vi.useFakeTimers(); // time that a busy machine does not use up
    try {
      draw(4);
      const changed = performance.now();
      await until(() => now().save.kind === "saved");
      expect(performance.now() - changed).toBeLessThan(2000);
    } finally {
      vi.useRealTimers();
    }
    const { draft } = server.rows.get(101)!;
    expect([...(await unpackMask(draft!.mask, 4, 4)).data]).toEqual(Array(16).fill(4));
    expect(await journal.all(7, 101)).toEqual([]);
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
    const { draft } = server.rows.get(101)!;
    expect(draft!.sequence).toBeGreaterThan(first);
    expect([...(await unpackMask(draft!.mask, 4, 4)).data]).toEqual(Array(16).fill(3));
  });

  it("with the server away says so, keeps the work, and sends it when it is back", async () => {
    await begin();
    server.mode = "away";
    draw(5);
    await until(() => now().save.kind === "offline");
    expect((await journal.all(7, 101))[0]?.mask[0]).toBe(5);
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
    const other = { mask: "", findings: {}, unseen: [], seconds: 0, saved_at: "2026-01-01" };
    server.rows.get(101)!.draft = { ...other, sequence: 50 };
    draw(5);
    await until(() => now().save.kind === "stale");
    expect(server.rows.get(101)!.draft!.sequence).toBe(50);
    await reading.submit();
    expect([now().work?.assignment.id, server.handed]).toEqual([101, []]);
    reading.keepMine();
    await until(() => server.rows.get(101)!.draft!.sequence > 50);
  });
});

describe("drafts of what changed", () => {
  /** Change one pixel and wait until it is saved. */
  async function touch(i: number, value: number): Promise<void> {
    const { work } = now();
    ownSlice(work!).mask.data[i] = value;
    work!.history.commit({ x0: 0, y0: 0, x1: 4, y1: 4 });
    reading.changed();
    await until(() => now().save.kind !== "saved");
    await until(() => now().save.kind === "saved");
  }
  const drafted = async () => [...(await unpackMask(server.rows.get(101)!.draft!.mask, 4, 4)).data];

  it("saves what is drawn at the very moment at which it says that all is saved", async () => {
    await begin();
    const stop = reading.store.subscribe(() => {
      if (now().save.kind !== "saved") return;
      stop();
      draw(9);
    });
    draw(8);
    await until(() => (server.rows.get(101)?.draft?.sequence ?? 0) > 0);
    const first = server.rows.get(101)!.draft!.sequence;
    await until(() => server.rows.get(101)!.draft!.sequence > first);
    expect(await drafted()).toEqual(Array(16).fill(9));
    await until(() => now().save.kind === "saved");
  });

  it("keeps two acts in a row when the page is left while the first is being written", async () => {
    await begin();
    draw(5);
    draw(6);
    await again();
    expect(own().origin).toBe("journal");
    expect([...own().mask.data]).toEqual(Array(16).fill(6));
  });

  it("the first one is whole, the next ones are the box that changed", async () => {
    await begin();
    await touch(0, 3);
    await touch(6, 2);
    expect(server.parts).toEqual([null, [2, 1, 3, 2]]);
    expect(await drafted()).toEqual([...own().mask.data]);
  });

  it("a case taken up again goes on from the draft that is there", async () => {
    await begin();
    await touch(0, 3);
    await again();
    await touch(5, 1);
    expect(server.parts).toEqual([null, [1, 1, 2, 2]]);
    expect(await drafted()).toEqual([...own().mask.data]);
  });

  it("an own draft whose answer was lost is not taken for another window's", async () => {
    await begin();
    await touch(0, 3);
    server.mode = "deaf";
    draw(5);
    await until(() => now().save.kind === "offline");
    server.mode = "well";
    await until(() => now().save.kind === "saved");
    expect(await drafted()).toEqual(Array(16).fill(5));
  });

  it("another window's draft is noticed however many strokes this one is ahead", async () => {
    await begin();
    await touch(0, 3);
    server.rows.get(101)!.draft!.sequence = 2;
    for (const value of [4, 5, 6]) draw(value);
    await until(() => now().save.kind === "stale");
    expect(server.rows.get(101)!.draft!.sequence).toBe(2);
    reading.keepMine();
    await until(() => now().save.kind === "saved");
    expect(await drafted()).toEqual(Array(16).fill(6));
  });

  it("a draft that is gone from the server is sent whole", async () => {
    await begin();
    await touch(0, 3);
    server.rows.get(101)!.draft = null;
    await touch(1, 2);
    expect(server.parts).toEqual([null, null]);
    expect(await drafted()).toEqual([...own().mask.data]);
  });

  it("a submission is what changed since the last draft", async () => {
    await begin();
    await touch(0, 3);
    own().mask.data[15] = 2;
    now().work!.history.commit({ x0: 0, y0: 0, x1: 4, y1: 4 });
    reading.changed();
    const drawn = [...own().mask.data];
    await reading.submit();
    expect(server.handed).toEqual([[3, 3, 4, 4]]);
    expect(server.rows.get(101)!.mask).toEqual(drawn);
  });

  it("a submission whose answer was lost counts once, though its draft is gone", async () => {
    await begin();
    await touch(0, 3);
    server.mode = "deaf";
    void reading.submit();
    await until(() => now().outbox === "offline");
    server.mode = "well";
    await until(() => now().outbox === "idle");
    expect(server.submits).toBe(1);
    expect(now().refusals).toEqual([]);
  });

  it("a stroke that is still being drawn is not saved", async () => {
    await begin();
    draw(1);
    own().mask.data[3] = 9;
    await until(() => now().save.kind === "saved");
    expect(await drafted()).toEqual(Array(16).fill(1));
  });
});

describe("two windows on one case", () => {
  let other: Reading;
  const there = () => other.store.get();

  /** The same browser has one journal, another machine its own. */
  async function both(elsewhere: Journal): Promise<void> {
    await begin();
    other = new Reading("c", 7, server, elsewhere);
    await other.start();
    expect(there().work?.assignment.id).toBe(101);
  }
  afterEach(() => other.close());

  function drawThere(value: number): void {
    const { work } = there();
    ownSlice(work!).mask.data.fill(value);
    work!.history.commit({ x0: 0, y0: 0, x1: 4, y1: 4 });
    other.changed();
  }

  /** What the other window drew lies on the server. */
  async function savedThere(value: number): Promise<void> {
    drawThere(value);
    await until(() => there().save.kind === "saved");
  }
  const drafted = async () => [...(await unpackMask(server.rows.get(101)!.draft!.mask, 4, 4)).data];

  it("what one saved is not dropped by what the other hands in, which comes back for a choice", async () => {
    await both(new MemoryJournal());
    await savedThere(2);
    other.close();
    draw(5);
    await reading.submit();
    await until(() => now().save.kind === "stale");
    expect([now().work?.assignment.id, own().mask.data[0]]).toEqual([101, 5]);
    expect(now().refusals.map(({ kept, code }) => [kept, code])).toEqual([[false, "stale_draft"]]);
    expect([server.submits, await drafted()]).toEqual([0, Array(16).fill(2)]);
    expect([...(await reading.rival(null))!.mask.data]).toEqual(Array(16).fill(2));
    reading.keepMine();
    await until(() => now().save.kind === "saved");
    expect(now().refusals).toEqual([]);
    await reading.submit();
    expect(server.rows.get(101)!.mask).toEqual(Array(16).fill(5));
    expect(await journal.all(7, 101)).toEqual([]);
  });

  it("the other one's is taken up instead, and handed in", async () => {
    await both(journal);
    await savedThere(2);
    await reading.submit(); // nothing drawn here
    await until(() => now().save.kind === "stale");
    await reading.takeTheirs();
    expect([now().work?.assignment.id, own().mask.data[0]]).toEqual([101, 2]);
    expect([now().refusals, now().save.kind]).toEqual([[], "saved"]);
    await reading.submit();
    expect(server.rows.get(101)!.mask).toEqual(Array(16).fill(2));
    expect(await journal.all(7, 101)).toEqual([]);
  });

  it("the choice is there again after a reload", async () => {
    await both(journal);
    await savedThere(2);
    draw(5);
    await reading.submit();
    await until(() => now().save.kind === "stale");
    await again();
    expect([own().mask.data[0], now().save.kind]).toEqual([5, "stale"]);
    expect(await drafted()).toEqual(Array(16).fill(2));
    expect(server.submits).toBe(0);
  });

  it("what was drawn in one and not saved outlives it, whatever the other one saves after", async () => {
    await both(journal);
    await savedThere(2);
    draw(5);
    await until(() => now().save.kind === "stale");
    reading.close();
    await savedThere(3);
    reading = new Reading("c", 7, server, journal);
    await reading.start();
    expect([own().mask.data[0], now().save.kind]).toEqual([5, "stale"]);
    expect([...(await reading.rival(null))!.mask.data]).toEqual(Array(16).fill(3));
  });

  it("of two drawings that only this browser has, one after the other is chosen between", async () => {
    await both(journal);
    server.mode = "away";
    drawThere(2);
    await until(() => there().save.kind === "offline");
    draw(5);
    await until(() => now().save.kind === "offline");
    other.close();
    server.mode = "well";
    await again();
    expect([own().mask.data[0], now().save.kind]).toEqual([5, "stale"]);
    expect([...(await reading.rival(null))!.mask.data]).toEqual(Array(16).fill(2));
    draw(6); // goes into the journal, and to the server only after the choice
    expect(now().save.kind).toBe("stale");
    await reading.takeTheirs();
    expect(own().mask.data[0]).toBe(2);
    await until(() => now().save.kind === "saved");
    expect(await drafted()).toEqual(Array(16).fill(2));
    expect(await journal.all(7, 101)).toEqual([]);
  });

  it("the same drawing in both is nothing to choose between", async () => {
    await both(journal);
    await savedThere(5);
    draw(5);
    await until(() => now().save.kind === "stale");
    await again();
    expect(now().save.kind).not.toBe("stale");
    await until(() => now().save.kind === "saved");
  });

  it("a draft of its own that came after the submission began is no other one", async () => {
    await begin();
    other = reading;
    draw(3);
    await until(() => now().save.kind === "saved");
    server.mode = "deaf"; // the next draft arrives, its answer does not
    draw(4);
    await until(() => now().save.kind === "offline");
    server.mode = "well";
    await reading.submit();
    expect(server.rows.get(101)!.mask).toEqual(Array(16).fill(4));
    expect(now().refusals).toEqual([]);
  });

  it("a draft that is gone is no other one", async () => {
    await begin();
    other = reading;
    draw(3);
    await until(() => now().save.kind === "saved");
    server.rows.get(101)!.draft = null;
    await reading.submit();
    expect(server.handed).toEqual([null]);
    expect(now().refusals).toEqual([]);
  });

  it("what one saved of an amendment is not dropped by the other's, which can be taken up again", async () => {
    await begin();
    draw(1);
    await reading.submit();
    other = new Reading("c", 7, server, new MemoryJournal());
    await other.start();
    const [answer] = await reading.recent();
    await reading.reopen(answer!);
    await other.reopen(answer!);
    await savedThere(2);
    draw(5);
    await reading.submit();
    await until(() => now().work?.assignment.id === 102);
    expect(now().refusals.map(({ kept, code }) => [kept, code])).toEqual([[true, "stale_draft"]]);
    expect([server.amendments, await drafted()]).toEqual([0, Array(16).fill(2)]);
    await reading.revisit();
    expect([now().work?.amends, own().mask.data[0], now().save.kind]).toEqual([101, 5, "stale"]);
    await reading.takeTheirs();
    expect([now().work?.amends, own().mask.data[0]]).toEqual([101, 2]);
    await reading.submit();
    await until(() => now().work?.assignment.id === 102);
    expect(server.rows.get(101)!.mask).toEqual(Array(16).fill(2));
    expect(now().refusals).toEqual([]);
  });
});

describe("after a reload", () => {
  it("the journal wins when it is newer than the draft", async () => {
    await begin();
    draw(1);
    await until(() => now().save.kind === "saved");
    const first = server.rows.get(101)!.draft!.sequence;
    server.mode = "away";
    draw(6);
    await until(() => now().save.kind === "offline");
    server.mode = "well";
    await again();
    expect(own().origin).toBe("journal");
    expect(own().mask.data[0]).toBe(6);
    await until(() => server.rows.get(101)!.draft!.sequence > first);
  });

  it("a draft that was drawn on from the journal holds what the journal had", async () => {
    await begin();
    server.mode = "away";
    draw(1);
    await until(() => now().save.kind === "offline");
    const [first] = await journal.all(7, 101);
    reading.close();
    server.mode = "well";
    reading = new Reading("c", 7, server, journal);
    // Before what was kept is sent: from here on drafts arrive, and their answers are lost.
    const stop = reading.store.subscribe(() => {
      if (now().work) server.mode = "deaf";
    });
    await reading.start();
    stop();
    draw(5);
    const drafted = () => server.rows.get(101)!.draft?.sequence ?? 0;
    await until(() => drafted() > first!.sequence);
    reading.close();
    expect(await journal.all(7, 101)).toHaveLength(2);
    server.mode = "well";
    await again();
    expect([own().origin, own().mask.data[0], now().save.kind]).toEqual(["draft", 5, "saved"]);
  });

  /** Leave the page with unsent work; return a draft that may still be on its way. */
  async function leftBehind(): Promise<{ sequence: number; mask: string }> {
    await begin();
    server.mode = "away";
    draw(6);
    await until(() => now().save.kind === "offline");
    const { sequence } = (await journal.all(7, 101))[0]!;
    server.mode = "well";
    await again();
    return { sequence, mask: "" };
  }
  const beside = { findings: {}, unseen: [], seconds: 0, saved_at: "2026-01-01" };

  it("a draft that was under way when the page was left is not another window's", async () => {
    const { sequence, mask } = await leftBehind();
    // Of the stroke before the last one, which is in the journal alone.
    server.rows.get(101)!.draft = { ...beside, mask, sequence: sequence - STEP };
    const told: string[] = [];
    reading.store.follow(() => told.push(now().save.kind));
    await until(() => server.rows.get(101)!.draft!.sequence >= sequence);
    await until(() => now().save.kind === "saved");
    expect(told).not.toContain("stale");
    expect([...(await unpackMask(server.rows.get(101)!.draft!.mask, 4, 4)).data][0]).toBe(6);
  });

  it("another window's is, also after the page was left", async () => {
    const { sequence, mask } = await leftBehind();
    server.rows.get(101)!.draft = { ...beside, mask, sequence: sequence - 1 };
    await until(() => now().save.kind === "stale");
  });

  it("the draft wins when the journal has nothing newer", async () => {
    await begin();
    draw(1);
    await until(() => now().save.kind === "saved");
    await again();
    expect(own().origin).toBe("draft");
    expect(own().mask.data[0]).toBe(1);
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

describe("an answer that comes late", () => {
  /** Keep what the server answers to one kind of request back until the returned is called. */
  function holdBack(kind: "lease" | "release"): () => void {
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const answer = server[kind].bind(server) as (...asked: unknown[]) => Promise<unknown>;
    const late = async (...asked: unknown[]) => {
      const answered = await answer(...asked);
      await gate;
      return answered;
    };
    Object.assign(server, { [kind]: late });
    return letGo;
  }

  it("does not take the place of an earlier answer that was taken up meanwhile", async () => {
    await begin();
    await reading.submit();
    const [earlier] = await reading.recent();
    const letGo = holdBack("lease");
    const asked = server.leases.length;
    const submitted = reading.submit();
    await until(() => server.leases.length > asked);
    await reading.reopen(earlier!);
    draw(4);
    letGo();
    await submitted;
    expect(now().work?.assignment.id).toBe(101);
    expect(own().mask.data[0]).toBe(4);
    await reading.back();
    expect(now().work?.assignment.id).toBe(103);
  });

  it("to a skip leaves the case that came meanwhile alone", async () => {
    await begin();
    const letGo = holdBack("release");
    const skipped = reading.skip("unsure");
    await reading.submit();
    expect(now().work?.assignment.id).toBe(102);
    draw(6);
    letGo();
    await skipped;
    expect(now().work?.assignment.id).toBe(102);
    expect(own().mask.data[0]).toBe(6);
    await until(() => now().save.kind === "saved");
    expect(server.rows.get(102)?.draft).not.toBeNull();
  });
});

describe("a case that cannot be loaded", () => {
  const lost = new ApiError(404, "not_found", "no such image");

  it("is not taken for a campaign that one may not read, and can be given back", async () => {
    const bytes = server.bytes.bind(server);
    server.bytes = () => Promise.reject(lost);
    await reading.start();
    expect(now().phase).toBe("failed");
    expect(now().broken?.id).toBe(101);
    server.bytes = bytes;
    await reading.skip("unreadable");
    expect(server.rows.get(101)?.state).toBe("skipped");
    expect(now().phase).toBe("ready");
    expect(now().work?.assignment.id).toBe(102);
    expect(now().broken).toBeNull();
  });

  it("is one, too, that the server itself fails over", async () => {
    server.bytes = () => Promise.reject(new ApiError(500, "http_500", ""));
    await reading.start();
    expect(now().phase).toBe("failed");
    expect(now().broken?.id).toBe(101);
  });

  it("is shown once it can be loaded", async () => {
    const bytes = server.bytes.bind(server);
    server.bytes = () => Promise.reject(lost);
    await reading.start();
    server.bytes = bytes;
    reading.poke();
    await until(() => now().work?.assignment.id === 101);
    expect(now().broken).toBeNull();
  });

  it("is told from a campaign that one may not read", async () => {
    server.lease = () => Promise.reject(new ApiError(403, "forbidden", ""));
    await reading.start();
    expect(now().phase).toBe("forbidden");
    expect(now().broken).toBeNull();
  });
});

describe("conflicts", () => {
  it("a heartbeat that finds the lease gone says so, and the work can go on", async () => {
    await begin();
    draw(3);
    server.rows.get(101)!.state = "lost";
    reading.poke();
    await until(() => now().lost === "lease_lost");
    expect(now().heldUntil).toBeNull();
    await reading.goOn();
    expect(now().work?.assignment.task.id).toBe(2);
    expect(now().lost).toBeNull();
  });

  it("a submit after the lease was lost says so once and the work goes on", async () => {
    await begin();
    draw(3);
    server.rows.get(101)!.state = "lost";
    await reading.submit();
    expect(now().refusals[0]?.code).toBe("lease_lost");
    expect(now().work?.assignment.task.id).toBe(2);
    reading.dismiss();
    expect(now().refusals).toEqual([]);
  });

  it("a lease that ran out and came back as the next case is still the case at hand", async () => {
    server.lapse = true;
    await begin();
    expect(now().work?.assignment.token).toBe("anew");
    reading.poke();
    draw(3);
    await reading.submit();
    expect(server.rows.get(101)?.mask).toEqual(Array(16).fill(3));
    expect(now().lost).toBeNull();
    expect(now().work?.assignment.task.id).toBe(2);
  });

  it.each(["submitted", "skipped"] as const)(
    "a heartbeat tells a case %s in another window from one that another reader got",
    async (state) => {
      await begin();
      server.rows.get(101)!.state = state;
      reading.poke();
      await until(() => now().lost === (state === "skipped" ? state : "already_submitted"));
    },
  );

  it("other work on a case that another window has handed in is not let go in silence", async () => {
    await begin();
    Object.assign(server.rows.get(101)!, { state: "submitted", key: "another window's" });
    draw(3);
    await reading.submit();
    expect(now().refusals[0]?.code).toBe("already_submitted");
    expect(now().work?.assignment.task.id).toBe(2);
  });

  it("a campaign closed meanwhile is told by the heartbeat, and open again once it is", async () => {
    await begin();
    server.shut = true;
    reading.poke();
    await until(() => now().lost === "campaign_closed");
    server.shut = false;
    reading.poke();
    await until(() => now().lost === null);
    expect(now().heldUntil).not.toBeNull();
    expect(now().work?.assignment.task.id).toBe(1);
  });

  it("after a submit into a closed campaign the next case is not offered as if nothing were", async () => {
    await begin();
    server.shut = true;
    draw(3);
    await reading.submit();
    expect(now().refusals[0]?.code).toBe("campaign_closed");
    expect(now().lost).toBe("campaign_closed");
    await reading.goOn();
    expect(now().phase).toBe("closed");
    expect(now().work).toBeNull();
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

describe("a submission that the server does not take, and keeps nothing of", () => {
  let tries: number;
  let taken: FakeServer["submit"];

  /** Hand in a case that the reader has no part in any more. */
  async function refused(): Promise<void> {
    tries = 0;
    taken = server.submit.bind(server);
    server.submit = () => {
      tries++;
      return Promise.reject(new ApiError(403, "forbidden", "no reader"));
    };
    if (!now().work) await begin();
    draw(3);
    server.rows.get(101)!.state = "lost";
    await reading.submit();
    expect(now().refusals.map(({ kept, code }) => [kept, code])).toEqual([[true, "forbidden"]]);
    expect(now().work?.assignment.id).toBe(102);
  }

  it("is told again after a reload, and not sent unasked", async () => {
    await refused();
    await again();
    expect(now().refusals.map(({ record, message }) => [record.assignment, message])).toEqual([
      [101, "no reader"],
    ]);
    expect(tries).toBe(1);
    reading.dismiss();
    expect(now().refusals).toEqual([]);
    expect(await journal.unsent(7, "c")).toHaveLength(1);
  });

  it("is sent once more when the reader says so, with its first key", async () => {
    await refused();
    await reading.resend();
    expect(tries).toBe(2);
    expect(now().refusals).toHaveLength(1);
    await again();
    const { submitKey } = now().refusals[0]!.record;
    server.submit = taken;
    server.rows.get(101)!.state = "held";
    await reading.resend();
    await until(() => server.rows.get(101)!.key === submitKey);
    expect(server.rows.get(101)!.mask).toEqual(Array(16).fill(3));
    expect(now().refusals).toEqual([]);
    expect(await journal.unsent(7, "c")).toEqual([]);
  });

  it("is let go when the reader says so", async () => {
    await refused();
    await reading.discard();
    expect(await journal.unsent(7, "c")).toEqual([]);
    await again();
    expect(now().refusals).toEqual([]);
    expect(tries).toBe(1);
  });

  it("does not take newer work on its case with it", async () => {
    await refused();
    const kept = (await journal.all(7, 101))[0]!;
    await journal.put({ ...kept, submitKey: null, sequence: kept.sequence + 1 });
    await reading.discard();
    expect(await journal.all(7, 101)).toHaveLength(1);
  });

  it("is not sent in its old version once its case was open again", async () => {
    await refused();
    server.rows.get(101)!.state = "held";
    server.rows.get(102)!.slot = "next";
    await again();
    expect(now().work?.assignment.id).toBe(101);
    expect(now().refusals.map(({ kept }) => kept)).toEqual([false]);
    draw(2);
    await until(() => now().save.kind === "saved");
    server.submit = taken;
    await reading.resend();
    expect(now().refusals).toEqual([]);
    expect(server.rows.get(101)!.key).toBeNull();
    expect([...(await unpackMask(server.rows.get(101)!.draft!.mask, 4, 4)).data]).toEqual(
      Array(16).fill(2),
    );
  });

  it("is overtaken when its case is handed in anew", async () => {
    await begin();
    draw(2);
    await until(() => now().save.kind === "saved");
    await refused();
    server.submit = taken;
    server.rows.get(101)!.state = "held";
    server.rows.get(102)!.slot = "next";
    await again();
    expect(now().work?.assignment.id).toBe(101);
    expect(own().mask.data[0]).toBe(3); // as it was handed in, not as the draft has it
    await reading.submit();
    expect(now().refusals).toEqual([]);
    expect(await journal.unsent(7, "c")).toEqual([]);
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
    expect([...own().mask.data]).toEqual(Array(16).fill(3));
    draw(4);
    await reading.submit();
    await until(() => now().phase === "ready" && now().work?.assignment.id === 102);
    expect(server.rows.get(101)?.mask).toEqual(Array(16).fill(4));
    expect([server.submits, server.amendments]).toEqual([1, 1]);
    // What was begun on the case at hand is still there.
    expect([...own().mask.data]).toEqual(Array(16).fill(5));
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
