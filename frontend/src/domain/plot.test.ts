import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bandPath,
  csv,
  extent,
  linePath,
  nearest,
  scale,
  ticks,
  timeTicks,
  widened,
  withEnds,
} from "./plot";

describe("the range of values", () => {
  it("leaves out what is no number", () => {
    expect(extent([3, null, undefined, Number.NaN, -1])).toEqual([-1, 3]);
    expect(extent([null])).toBeNull();
  });

  it("has some width even for one value", () => {
    expect(widened([4, 4])).toEqual([2, 6]);
    expect(widened([0, 0])).toEqual([-0.5, 0.5]);
    expect(widened([1, 2])).toEqual([1, 2]);
    expect(widened([1000, 1000], 3)).toEqual([997, 1003]);
  });
});

describe("ticks", () => {
  it("are round values", () => {
    expect(ticks([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks([13, 97], 4)).toEqual([50]);
    expect(ticks([13, 97], 5)).toEqual([20, 40, 60, 80]);
    expect(ticks([0.1, 0.3], 2)).toEqual([0.1, 0.2, 0.3]);
  });

  it("are whole where only whole numbers make sense", () => {
    expect(ticks([1, 3], 5, true)).toEqual([1, 2, 3]);
  });

  it("have the ends of the data among them, which no other comes near", () => {
    expect(withEnds([10, 20, 30], [9, 37], 4)).toEqual([9, 20, 30, 37]);
    expect(withEnds([0, 0.5, 1], [0, 1], 0.1)).toEqual([0, 0.5, 1]);
    expect(withEnds([5, 10], [9, 9], 2)).toEqual([5, 9]);
    expect(withEnds([20], [18, 19], 4)).toEqual([18]);
  });

  it("of times stand on whole minutes, hours or days", () => {
    const at = Date.UTC(2026, 0, 1, 9, 58, 30);
    const minute = 60_000;
    expect(timeTicks([at, at + 4 * minute], 4).map((t) => new Date(t).toISOString())).toEqual([
      "2026-01-01T09:59:00.000Z",
      "2026-01-01T10:00:00.000Z",
      "2026-01-01T10:01:00.000Z",
      "2026-01-01T10:02:00.000Z",
    ]);
    const days = timeTicks([at, at + 40 * 1440 * minute], 4);
    expect(days).toHaveLength(4);
    expect(days.every((t) => t % (10 * 1440 * minute) === 0)).toBe(true);
  });

  it("lie within any range, evenly, and are few", () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const width = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(value, width, fc.integer({ min: 2, max: 10 }), (low, wide, count) => {
        const found = ticks([low, low + wide], count);
        expect(found.length).toBeLessThanOrEqual(count + 1);
        for (const tick of found) {
          expect(tick).toBeGreaterThanOrEqual(low - wide * 1e-6);
          expect(tick).toBeLessThanOrEqual(low + wide * (1 + 1e-6));
        }
      }),
    );
  });
});

describe("positions and paths", () => {
  it("map one range onto another, which may run downwards", () => {
    const y = scale([0, 1], [200, 0]);
    expect([y(0), y(0.25), y(1)]).toEqual([200, 150, 0]);
  });

  it("go through the points", () => {
    const points = [
      [0, 1],
      [2.004, 3.1],
      [4, 5],
    ] as const;
    expect(linePath(points)).toBe("M0,1L2,3.1L4,5");
    expect(linePath([[0, 1]])).toBe("");
  });

  it("close a band along its lower edge", () => {
    const rows = [
      [0, 1, 3],
      [5, 2, 4],
    ] as const;
    expect(bandPath(rows)).toBe("M0,3L5,4L5,2L0,1Z");
  });

  it("find the value nearest to a place", () => {
    expect(nearest([1, 5, 9], 6.9)).toBe(1);
    expect(nearest([], 3)).toBe(-1);
  });
});

describe("the figures as CSV", () => {
  it("have a column for every key and quotes where they are needed", () => {
    expect(
      csv([
        { x: 1, "a,b": [0.1, 0.2] },
        { x: 2, note: 'say "so"' },
      ]),
    ).toBe('x,"a,b",note\n1,0.1 0.2,\n2,,"say ""so"""');
  });
});
