import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dab } from "./dab";
import { decodeRuns, encodeRuns, History, inverse } from "./history";
import { emptyMask, maskFrom, type Rect, sameBytes } from "./mask";

const stroke = fc.record({
  x: fc.integer({ min: 0, max: 31 }),
  y: fc.integer({ min: 0, max: 31 }),
  radius: fc.integer({ min: 1, max: 8 }),
  label: fc.integer({ min: 0, max: 4 }),
});

describe("history", () => {
  it("undoing everything and redoing everything gives back every state, byte for byte", () => {
    fc.assert(
      fc.property(fc.array(stroke, { minLength: 1, maxLength: 15 }), (strokes) => {
        const mask = emptyMask(32, 32);
        const history = new History(mask);
        const states = [mask.data.slice()];
        for (const { x, y, radius, label } of strokes) {
          const rect = dab(mask, { x, y }, { x: x + 3, y }, radius, label);
          if (history.commit(rect)) states.push(mask.data.slice());
        }
        for (let i = states.length - 2; i >= 0; i--) {
          expect(history.undo()).not.toBeNull();
          expect(sameBytes(mask.data, states[i]!)).toBe(true);
        }
        expect(history.undo()).toBeNull();
        for (let i = 1; i < states.length; i++) {
          history.redo();
          expect(sameBytes(mask.data, states[i]!)).toBe(true);
        }
        expect(history.canRedo).toBe(false);
      }),
    );
  });

  it("reverting returns to the last commit", () => {
    const mask = emptyMask(16, 16);
    const history = new History(mask);
    history.commit(dab(mask, { x: 4, y: 4 }, { x: 8, y: 8 }, 2, 1));
    const kept = mask.data.slice();
    const rect = dab(mask, { x: 8, y: 8 }, { x: 12, y: 12 }, 3, 2);
    history.revert(rect);
    expect(mask.data).toEqual(kept);
    expect(history.commit(rect)).toBe(false);
  });

  it("a new act forgets what was undone", () => {
    const mask = emptyMask(8, 8);
    const history = new History(mask);
    history.commit(dab(mask, { x: 2, y: 2 }, { x: 2, y: 2 }, 1, 1));
    history.undo();
    history.commit(dab(mask, { x: 5, y: 5 }, { x: 5, y: 5 }, 1, 2));
    expect(history.canRedo).toBe(false);
  });

  it("stays under its cap in bytes but always keeps the last act", () => {
    const mask = emptyMask(64, 64);
    const history = new History(mask, 1000);
    for (let i = 0; i < 60; i++) {
      history.commit(dab(mask, { x: i, y: 32 }, { x: i, y: 32 }, 5, 1 + (i % 3)));
    }
    expect(history.size).toBeLessThanOrEqual(1000);
    for (let i = 0; i < 64 * 64; i++) mask.data[i] = 5 + (i % 7);
    history.commit({ x0: 0, y0: 0, x1: 64, y1: 64 });
    expect(history.canUndo).toBe(true);
  });
});

describe("runs", () => {
  it("restore any box of any map and touch nothing else", () => {
    const bytes = fc.uint8Array({ minLength: 48, maxLength: 48, max: 3 });
    fc.assert(
      fc.property(bytes, bytes, fc.tuple(fc.nat(7), fc.nat(7), fc.nat(5), fc.nat(5)), (a, b, n) => {
        const rect: Rect = {
          x0: Math.min(n[0], n[1]),
          x1: Math.max(n[0], n[1]) + 1,
          y0: Math.min(n[2], n[3]),
          y1: Math.max(n[2], n[3]) + 1,
        };
        const mask = maskFrom(6, 8, b.slice());
        decodeRuns(encodeRuns(a, 8, rect), mask.data, 8, rect);
        for (let i = 0; i < 48; i++) {
          const [x, y] = [i % 8, Math.floor(i / 8)];
          const within = x >= rect.x0 && x < rect.x1 && y >= rect.y0 && y < rect.y1;
          expect(mask.data[i]).toBe(within ? a[i] : b[i]);
        }
      }),
    );
  });

  it("an inverse taken twice is the delta itself", () => {
    const rect = { x0: 0, y0: 0, x1: 2, y1: 1 };
    const delta = {
      rect,
      before: encodeRuns(Uint8Array.from([0, 0]), 2, rect),
      after: encodeRuns(Uint8Array.from([1, 2]), 2, rect),
    };
    expect(inverse(inverse(delta))).toEqual(delta);
  });
});
