import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contours } from "./contour";
import { emptyMask, maskFrom } from "./mask";

function length(segments: Float32Array): number {
  let total = 0;
  for (let i = 0; i < segments.length; i += 4) {
    total += Math.hypot(segments[i + 2]! - segments[i]!, segments[i + 3]! - segments[i + 1]!);
  }
  return total;
}

describe("contours", () => {
  it("of a rectangle are its four sides, each one segment", () => {
    const mask = emptyMask(6, 8);
    for (let y = 1; y < 4; y++) mask.data.fill(2, y * 8 + 2, y * 8 + 7);
    const found = contours(mask);
    expect([...found.keys()]).toEqual([2]);
    expect(found.get(2)!.length).toBe(16);
    expect(length(found.get(2)!)).toBe(16);
  });

  it("of any map are as long as its pixel edges, borders of the image included", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 30, maxLength: 30, max: 2 }), (data) => {
        const mask = maskFrom(5, 6, data);
        const at = (x: number, y: number) =>
          x < 0 || y < 0 || x >= 6 || y >= 5 ? 0 : data[y * 6 + x]!;
        for (const label of [1, 2]) {
          let edges = 0;
          for (let y = 0; y < 5; y++) {
            for (let x = 0; x < 6; x++) {
              if (at(x, y) !== label) continue;
              for (const [dx, dy] of [
                [1, 0],
                [-1, 0],
                [0, 1],
                [0, -1],
              ] as const) {
                if (at(x + dx, y + dy) !== label) edges++;
              }
            }
          }
          expect(length(contours(mask).get(label) ?? new Float32Array())).toBe(edges);
        }
      }),
    );
  });
});
