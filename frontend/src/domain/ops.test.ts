import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dab } from "./dab";
import { makeInk } from "./ink";
import { countLabels, differenceRect, emptyMask, isEmpty, type Mask, maskFrom } from "./mask";
import { clearEqual, fillPolygon, type Point, replaceAll } from "./ops";

const point = fc.record({
  x: fc.double({ min: -8, max: 40, noNaN: true }),
  y: fc.double({ min: -8, max: 30, noNaN: true }),
});

function distance(p: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length2 = dx * dx + dy * dy;
  const t = length2 ? Math.max(0, Math.min(1, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2)) : 0;
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

function rows(mask: Mask): string[] {
  return Array.from({ length: mask.rows }, (_, y) =>
    [...mask.data.subarray(y * mask.columns, (y + 1) * mask.columns)]
      .map((v) => (v ? String(v) : "."))
      .join(""),
  );
}

describe("the brush", () => {
  it("touches a pixel when its centre is within the radius", () => {
    const mask = emptyMask(5, 5);
    dab(mask, { x: 2.5, y: 2.5 }, { x: 2.5, y: 2.5 }, 1, 1);
    expect(rows(mask)).toEqual([".....", "..1..", ".111.", "..1..", "....."]);
  });

  it("draws exactly the pixels near the segment, and nothing outside the box it reports", () => {
    fc.assert(
      fc.property(point, point, fc.double({ min: 0.5, max: 9, noNaN: true }), (a, b, radius) => {
        const mask = emptyMask(24, 32);
        const rect = dab(mask, a, b, radius, 3);
        for (let y = 0; y < 24; y++) {
          for (let x = 0; x < 32; x++) {
            const d = distance({ x: x + 0.5, y: y + 0.5 }, a, b);
            if (Math.abs(d - radius) < 1e-9) continue;
            expect(mask.data[y * 32 + x]).toBe(d < radius ? 3 : 0);
            if (d < radius) {
              expect(x >= rect.x0 && x < rect.x1 && y >= rect.y0 && y < rect.y1).toBe(true);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gives the same stroke in both directions", () => {
    fc.assert(
      fc.property(point, point, (a, b) => {
        const [one, two] = [emptyMask(24, 32), emptyMask(24, 32)];
        dab(one, a, b, 2.3, 1);
        dab(two, b, a, 2.3, 1);
        for (const [i, value] of one.data.entries()) {
          if (value === two.data[i]) continue;
          // Only a centre on the rim itself may fall either way by rounding: of a level stroke, a row.
          const far = distance({ x: (i % 32) + 0.5, y: Math.floor(i / 32) + 0.5 }, a, b);
          expect(Math.abs(far - 2.3)).toBeLessThan(1e-9);
        }
      }),
    );
  });

  it("is round on the patient: pixels twice as tall are reached half as far", () => {
    const mask = emptyMask(21, 21);
    const centre = { x: 10.5, y: 10.5 };
    dab(mask, centre, centre, 6, 1, 2);
    const across = mask.data.subarray(10 * 21, 11 * 21).filter(Boolean).length;
    const down = Array.from({ length: 21 }, (_, y) => mask.data[y * 21 + 10]).filter(
      Boolean,
    ).length;
    expect(across).toBe(13);
    expect(down).toBe(7);
  });

  it("outside the image changes nothing", () => {
    const mask = emptyMask(4, 4);
    const rect = dab(mask, { x: -20, y: -20 }, { x: -10, y: -20 }, 3, 1);
    expect(isEmpty(rect)).toBe(true);
    expect(countLabels(mask)[0]).toBe(16);
  });
});

function inside(points: readonly Point[], p: Point): boolean {
  let odd = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [a, b] = [points[i]!, points[j]!];
    if (a.y > p.y !== b.y > p.y && p.x < ((b.x - a.x) * (p.y - a.y)) / (b.y - a.y) + a.x)
      odd = !odd;
  }
  return odd;
}

describe("the filled outline", () => {
  it("fills the pixels whose centres it encloses", () => {
    const mask = emptyMask(4, 5);
    fillPolygon(
      mask,
      [
        { x: 1, y: 1 },
        { x: 4, y: 1 },
        { x: 4, y: 3 },
        { x: 1, y: 3 },
      ],
      makeInk(2),
    );
    expect(rows(mask)).toEqual([".....", ".222.", ".222.", "....."]);
  });

  it("leaves the middle of a star out (even-odd)", () => {
    const mask = emptyMask(40, 40);
    const star = [0, 2, 4, 1, 3].map((k) => ({
      x: 20 + 18 * Math.sin((2 * Math.PI * k) / 5),
      y: 20 - 18 * Math.cos((2 * Math.PI * k) / 5),
    }));
    fillPolygon(mask, star, makeInk(1));
    expect(mask.data[20 * 40 + 20]).toBe(0);
    expect(mask.data[6 * 40 + 20]).toBe(1);
  });

  it("agrees with the crossing test at every pixel centre, for any outline", () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 3, maxLength: 12 }), (points) => {
        const mask = emptyMask(24, 32);
        fillPolygon(mask, points, makeInk(1));
        let wrong = 0;
        for (let y = 0; y < 24; y++) {
          for (let x = 0; x < 32; x++) {
            if (mask.data[y * 32 + x] !== Number(inside(points, { x: x + 0.5, y: y + 0.5 })))
              wrong++;
          }
        }
        expect(wrong).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it("of two points encloses nothing", () => {
    const mask = emptyMask(4, 4);
    fillPolygon(
      mask,
      [
        { x: 0, y: 0 },
        { x: 4, y: 4 },
      ],
      makeInk(1),
    );
    expect(countLabels(mask)[0]).toBe(16);
  });
});

describe("whole-map acts", () => {
  const suggestion = maskFrom(1, 5, Uint8Array.from([1, 1, 2, 0, 2]));

  it("clearing the suggestion keeps what the reader drew or changed", () => {
    const mask = maskFrom(1, 5, Uint8Array.from([1, 3, 2, 3, 0]));
    clearEqual(mask, suggestion, makeInk(0).over);
    expect([...mask.data]).toEqual([0, 3, 0, 3, 0]);
  });

  it("loading it again makes the maps equal", () => {
    const mask = emptyMask(1, 5);
    replaceAll(mask, suggestion, makeInk(0).over, new Set());
    expect(isEmpty(differenceRect(mask, suggestion))).toBe(true);
  });

  it("loading it writes no label that may not be written", () => {
    const mask = maskFrom(1, 5, Uint8Array.from([3, 0, 3, 3, 0]));
    replaceAll(mask, suggestion, makeInk(0).over, new Set([2]));
    expect([...mask.data]).toEqual([1, 1, 3, 0, 0]);
  });

  it("the difference is the smallest box around what differs", () => {
    const [a, b] = [emptyMask(6, 6), emptyMask(6, 6)];
    b.data[8] = 1;
    b.data[22] = 1;
    expect(differenceRect(a, b)).toEqual({ x0: 2, y0: 1, x1: 5, y1: 4 });
  });

  it("bytes that do not fill the grid are refused", () => {
    expect(() => maskFrom(2, 2, new Uint8Array(3))).toThrow(RangeError);
  });
});
