import { describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/errors";
import { unpackMask } from "../domain/codec";
import { ownSlice } from "./case";
import {
  again,
  begin,
  drafted,
  draw,
  eachAtWork,
  journal,
  now,
  own,
  reading,
  server,
  until,
} from "./test-reading";

eachAtWork();

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
