import { expect, it } from "vitest";
import { packMask } from "../domain/codec";
import { STEP } from "../domain/lineage";
import { maskFrom } from "../domain/mask";
import { type JournalRecord, journalKey } from "../journal/journal";
import { standingOf } from "./standing";

const [A, B, HERE] = [7, 9, 11];

function record(room: number, own: readonly number[], at: number, value: number): JournalRecord {
  return {
    key: journalKey(1, 101, room),
    user: 1,
    assignment: 101,
    campaign: "c",
    caseName: "1",
    token: "t",
    rows: 4,
    columns: 4,
    mask: new Uint8Array(16).fill(value),
    findings: {},
    unseen: [],
    sequence: own.at(-1)!,
    lineages: [{ base: 3 * STEP + A, own }],
    at,
    seconds: 0,
    submitKey: null,
  };
}

async function draft(sequence: number, value: number) {
  const mask = await packMask(maskFrom(4, 4, new Uint8Array(16).fill(value)));
  return { sequence, mask, findings: {}, unseen: [], seconds: 0, saved_at: "2026-01-01" };
}

it("a drawing goes before the one that it goes back to, whatever the clock and the numbers say", async () => {
  const first = record(A, [5 * STEP + A], 2000, 1);
  const later = record(B, [5 * STEP + A, 4 * STEP + B], 1000, 5);
  const there = await draft(3 * STEP + A, 2);
  for (const records of [
    [first, later],
    [later, first],
  ]) {
    const standing = await standingOf(records, there, HERE);
    expect(standing.record).toBe(later);
    expect(standing.rivals).toEqual([]);
    expect(standing.besideDraft).toBe(false);
    expect([...standing.held].sort()).toEqual([first.key, later.key]);
  }
});

it("so it does before the room's own", async () => {
  const own = record(HERE, [5 * STEP + HERE], 2000, 1);
  const later = record(B, [5 * STEP + HERE, 6 * STEP + B], 1000, 5);
  const standing = await standingOf([own, later], null, HERE);
  expect([standing.record, standing.rivals]).toEqual([later, []]);
});

it("of two that do not go back to each other the later is at hand, and the other to choose", async () => {
  const first = record(A, [5 * STEP + A], 1000, 1);
  const later = record(B, [4 * STEP + B], 2000, 5);
  const standing = await standingOf([first, later], await draft(3 * STEP + A, 2), HERE);
  expect([standing.record, standing.rivals]).toEqual([later, [first]]);
});
