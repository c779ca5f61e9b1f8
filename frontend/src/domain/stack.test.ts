import { describe, expect, it } from "vitest";
import { dab } from "./dab";
import { History } from "./history";
import { makeInk } from "./ink";
import { countLabels, type Mask } from "./mask";
import { fillBetween, holders, inStack, makeStack, slicesIn } from "./stack";

const ROWS = 24;
const ink = (label: number, locked: readonly number[] = []) =>
  makeInk(label, { over: "everything", inside: 0, locked: new Set(locked) });

const disc = (slice: Mask, radius: number, label: number) =>
  dab(slice, { x: 12, y: 12 }, { x: 12, y: 12 }, radius, label);

describe("a stack of slices", () => {
  it("shares its bytes with the slices", () => {
    const { stack, slices } = makeStack(3, 4, 2);
    slices[1]!.data[5] = 7;
    expect(stack.data[3 * 4 + 5]).toBe(7);
    expect(stack).toMatchObject({ rows: 6, columns: 4 });
  });

  it("tells which slices a box touches", () => {
    const rect = inStack({ x0: 1, y0: 2, x1: 3, y1: 10 }, 4, 10);
    expect(rect).toEqual({ x0: 1, y0: 42, x1: 3, y1: 50 });
    expect(slicesIn(rect, 10)).toEqual([4]);
    expect(slicesIn({ ...rect, y1: 51 }, 10)).toEqual([4, 5]);
    expect(slicesIn({ x0: 0, y0: 0, x1: 0, y1: 0 }, 10)).toEqual([]);
  });

  it("draws between two slices, from the small disc to the large one, in one step", () => {
    const { stack, slices } = makeStack(ROWS, ROWS, 5);
    const history = new History(stack);
    disc(slices[0]!, 3, 1);
    disc(slices[4]!, 9, 1);
    history.commit({ x0: 0, y0: 0, x1: ROWS, y1: 5 * ROWS });
    expect(holders(slices, 1)).toEqual([0, 4]);
    const drawn = stack.data.slice();
    expect(history.commit(fillBetween(slices, ink(1)))).toBe(true);
    const areas = slices.map((slice) => countLabels(slice)[1]!);
    expect([...areas].sort((a, b) => a - b)).toEqual(areas);
    expect(new Set(areas).size).toBe(5);
    expect(slicesIn(history.undo()!, ROWS)).toEqual([1, 2, 3]);
    expect(stack.data).toEqual(drawn);
  });

  it("leaves protected classes, other classes and what lies outside alone", () => {
    const { slices } = makeStack(ROWS, ROWS, 5);
    disc(slices[1]!, 6, 1);
    disc(slices[3]!, 6, 1);
    disc(slices[2]!, 2, 2);
    const kept = countLabels(slices[2]!)[2];
    fillBetween(slices, ink(1, [2]));
    expect(countLabels(slices[2]!)[2]).toBe(kept);
    expect(countLabels(slices[2]!)[1]).toBe(countLabels(slices[1]!)[1]! - kept!);
    expect(holders(slices, 1)).toEqual([1, 2, 3]);
  });

  it("has nothing to do with fewer than two drawn slices", () => {
    const { slices } = makeStack(ROWS, ROWS, 3);
    disc(slices[1]!, 6, 1);
    expect(slicesIn(fillBetween(slices, ink(1)), ROWS)).toEqual([]);
  });
});
