import { describe, expect, it } from "vitest";
import { ApiError } from "../api/errors";
import { unpackMask } from "../domain/codec";
import type { FakeServer } from "./fake-server";
import {
  again,
  begin,
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
