import { afterEach, describe, expect, it } from "vitest";
import { unpackMask } from "../domain/codec";
import { STEP } from "../domain/lineage";
import { type Journal, MemoryJournal } from "../journal/journal";
import { Reading } from "./reading";
import {
  again,
  begin,
  drafted,
  draw,
  eachAtWork,
  journal,
  leave,
  now,
  own,
  reading,
  server,
  until,
} from "./test-reading";

eachAtWork();

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

  const drawThere = (value: number) => draw(value, other);

  /** What the other window drew lies on the server. */
  async function savedThere(value: number): Promise<void> {
    drawThere(value);
    await until(() => there().save.kind === "saved");
  }

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
    await again();
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
    leave();
    server.mode = "well";
    // Before what was kept is sent: from here on drafts arrive, and their answers are lost.
    const stop = reading.store.subscribe(() => {
      if (now().work) server.mode = "deaf";
    });
    await reading.start();
    stop();
    draw(5);
    await until(() => (server.rows.get(101)!.draft?.sequence ?? 0) > first!.sequence);
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
