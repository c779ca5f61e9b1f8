import { describe, expect, it } from "vitest";
import { heatWords, hottest } from "./heat";

const map = (rows: number, columns: number, at: (x: number, y: number) => number) => ({
  rows,
  columns,
  data: Uint8Array.from({ length: rows * columns }, (_, i) =>
    at(i % columns, Math.floor(i / columns)),
  ),
});

describe("heat maps", () => {
  it("finds the region, not the brightest pixel", () => {
    const found = hottest(
      map(40, 60, (x, y) => {
        if (x === 5 && y === 5) return 255;
        return Math.abs(x - 44) <= 3 && Math.abs(y - 21) <= 3 ? 120 : 10;
      }),
      3,
    );
    expect(found).toEqual({ x: 44.5, y: 21.5 });
  });

  it("agrees with a plain search on random maps", () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    for (let n = 0; n < 20; n++) {
      const heat = map(9, 13, () => Math.floor(random() * 256));
      const total = (x: number, y: number) => {
        let sum = 0;
        for (let v = Math.max(0, y - 2); v < Math.min(9, y + 3); v++)
          for (let u = Math.max(0, x - 2); u < Math.min(13, x + 3); u++)
            sum += heat.data[v * 13 + u]!;
        return sum;
      };
      const sums = Array.from(heat.data, (_, i) => total(i % 13, Math.floor(i / 13)));
      const best = sums.indexOf(Math.max(...sums));
      expect(hottest(heat, 2)).toEqual({ x: (best % 13) + 0.5, y: Math.floor(best / 13) + 0.5 });
    }
  });

  it("has nothing to show of a map of zeros", () => {
    expect(
      hottest(
        map(4, 4, () => 0),
        1,
      ),
    ).toBeNull();
  });

  it("lets the image through where nothing is, and rises in opacity", () => {
    const alpha = Array.from(heatWords(), (word) => word >>> 24);
    expect(alpha[0]).toBe(0);
    expect([...alpha].sort((a, b) => a - b)).toEqual(alpha);
    expect(alpha[255]).toBeLessThan(255);
  });
});
