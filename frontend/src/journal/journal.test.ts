import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { type JournalRecord, journalKey, MemoryJournal, openJournal } from "./journal";

function record(change: Partial<JournalRecord> = {}): JournalRecord {
  const { user, assignment } = { user: 7, assignment: 3, ...change };
  return {
    key: journalKey(user, assignment, 1),
    user,
    assignment,
    campaign: "brain-mri",
    caseName: "412",
    token: "t",
    rows: 1,
    columns: 3,
    mask: Uint8Array.from([0, 1, 255]),
    sequence: 1,
    seconds: 2,
    submitKey: null,
    ...change,
  };
}

describe.each(["stored", "memory"])("the %s journal", (kind) => {
  const make = async () =>
    kind === "stored" ? openJournal(crypto.randomUUID()) : new MemoryJournal();

  it("gives work back byte for byte, and the newest of it", async () => {
    const journal = await make();
    await journal.put(record());
    await journal.put(record({ sequence: 2, mask: Uint8Array.from([9, 9, 9]) }));
    const found = await journal.get("7:3:1");
    expect(found?.sequence).toBe(2);
    expect([...found!.mask]).toEqual([9, 9, 9]);
  });

  it("keeps one reader's work from another at the same desk", async () => {
    const journal = await make();
    await journal.put(record());
    expect(await journal.all(8, 3)).toEqual([]);
  });

  it("keeps what two rooms drew on one case, each for itself, and nothing of other cases", async () => {
    const journal = await make();
    await journal.put(record());
    await journal.put(record({ key: journalKey(7, 3, 2), sequence: 2 }));
    await journal.put(record({ assignment: 30 }));
    const before = record({ key: "7:3", sequence: 3 }); // of before rooms had their own
    await journal.put(before);
    const sequences = async () => (await journal.all(7, 3)).map(({ sequence }) => sequence).sort();
    expect(await sequences()).toEqual([1, 2, 3]);
    await journal.remove(journalKey(7, 3, 2));
    expect(await sequences()).toEqual([1, 3]);
  });

  it("lists only unacknowledged submissions of this campaign", async () => {
    const journal = await make();
    await journal.put(record());
    await journal.put(record({ assignment: 4, submitKey: "k" }));
    await journal.put(record({ assignment: 5, submitKey: "k", campaign: "other" }));
    expect((await journal.unsent(7, "brain-mri")).map((r) => r.assignment)).toEqual([4]);
    await journal.remove(journalKey(7, 4, 1));
    expect(await journal.unsent(7, "brain-mri")).toEqual([]);
  });

  it("is not changed by strokes made after it was written", async () => {
    const journal = await make();
    const mask = Uint8Array.from([1, 1, 1]);
    await journal.put(record({ mask }));
    mask.fill(5);
    expect([...(await journal.get("7:3:1"))!.mask]).toEqual([1, 1, 1]);
  });
});

it("the stored journal outlives the page", async () => {
  const name = crypto.randomUUID();
  await (await openJournal(name)).put(record());
  expect((await (await openJournal(name)).get("7:3:1"))?.token).toBe("t");
});

it("the stored journal goes on when the browser has closed its database", async () => {
  const name = crypto.randomUUID();
  const opened: IDBDatabase[] = [];
  const open = indexedDB.open.bind(indexedDB);
  indexedDB.open = (...asked) => {
    const request = open(...asked);
    request.addEventListener("success", () => opened.push(request.result));
    return request;
  };
  const journal = await openJournal(name);
  indexedDB.open = open;
  opened[0]!.close();
  await journal.put(record());
  expect(journal.durable).toBe(true);
  expect((await (await openJournal(name)).get("7:3:1"))?.token).toBe("t");
});

it("says when what it was given would not outlive the page", async () => {
  expect(new MemoryJournal().durable).toBe(false);
  const journal = await openJournal(crypto.randomUUID());
  await journal.put(record());
  expect(journal.durable).toBe(true);
  const refused = { ...record(), mask: (() => undefined) as unknown as Uint8Array };
  await expect(journal.put(refused)).rejects.toThrow();
  expect(journal.durable).toBe(false);
  await journal.put(record());
  expect(journal.durable).toBe(true);
});
