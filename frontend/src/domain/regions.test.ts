import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FREE, makeInk } from "./ink";
import { LiveWire } from "./livewire";
import { type Mask, maskFrom } from "./mask";
import { angleOf, lengthOf, statistics } from "./measure";
import { boxOf, distance2, grow, interpolate, shrink, smooth } from "./morphology";
import { copyClass, replaceLabel, swapLabels } from "./ops";
import * as plain from "./plain";
import { bucketFill, fillHoles, growRegion, keepLargest, paintRegion } from "./regions";

/** A map from rows of characters: "." is 0, digits are labels. */
function draw(...lines: string[]): Mask {
  const data = lines.flatMap((line) => [...line].map((c) => (c === "." ? 0 : Number(c))));
  return maskFrom(lines.length, lines[0]!.length, Uint8Array.from(data));
}

function lines(mask: Mask): string[] {
  return Array.from({ length: mask.rows }, (_, y) =>
    [...mask.data.subarray(y * mask.columns, (y + 1) * mask.columns)]
      .map((v) => (v ? String(v) : "."))
      .join(""),
  );
}

/** Blobs of three labels: coarse noise, so that there are holes, parts and edges. */
const map = fc
  .tuple(fc.integer({ min: 5, max: 13 }), fc.integer({ min: 5, max: 13 }), fc.integer())
  .map(([rows, columns, seed]) => {
    let state = seed | 1;
    const random = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    };
    const coarse = Array.from({ length: 49 }, () => [0, 0, 1, 1, 2][Math.floor(random() * 5)]!);
    const data = Uint8Array.from({ length: rows * columns }, (_, i) =>
      random() < 0.1 ? 1 : coarse[7 * Math.floor(i / columns / 2) + Math.floor((i % columns) / 2)]!,
    );
    return maskFrom(rows, columns, data);
  });

/** Do the same to the map and to the plain model of it; they must stay equal. */
function agrees(
  mask: Mask,
  act: (mask: Mask) => unknown,
  model: (map: plain.Plain) => unknown,
): void {
  const copy = { rows: mask.rows, columns: mask.columns, data: [...mask.data] };
  act(mask);
  model(copy);
  expect([...mask.data]).toEqual(copy.data);
}

const rule = fc.constantFrom(
  FREE,
  { ...FREE, over: "background" as const },
  { ...FREE, over: "class" as const, inside: 2 },
  { ...FREE, locked: new Set([2]) },
);
const aspect = fc.constantFrom(1, 0.5, 2.3);

describe("acts on a class agree with their definition, pixel by pixel", () => {
  it("fill holes", () => {
    fc.assert(
      fc.property(map, rule, (mask, r) => {
        const ink = makeInk(1, r);
        agrees(
          mask,
          (m) => fillHoles(m, ink),
          (m) => plain.fillHoles(m, ink),
        );
      }),
    );
  });

  it("keep the largest part", () => {
    fc.assert(
      fc.property(map, (mask) => {
        agrees(
          mask,
          (m) => keepLargest(m, 1),
          (m) => plain.keepLargest(m, 1),
        );
      }),
    );
  });

  it("grow and shrink", () => {
    fc.assert(
      fc.property(map, rule, aspect, fc.integer({ min: 1, max: 4 }), (mask, r, a, by) => {
        const ink = makeInk(1, r);
        agrees(
          mask,
          (m) => grow(m, ink, by, a),
          (m) => plain.grow(m, ink, by, a),
        );
        agrees(
          mask,
          (m) => shrink(m, 1, by, a),
          (m) => plain.shrink(m, 1, by, a),
        );
      }),
    );
  });

  it("smooth", () => {
    fc.assert(
      fc.property(map, rule, (mask, r) => {
        const ink = makeInk(1, r);
        agrees(
          mask,
          (m) => smooth(m, ink),
          (m) => plain.smooth(m, ink),
        );
      }),
    );
  });

  it("bucket", () => {
    fc.assert(
      fc.property(map, rule, fc.nat(), (mask, r, at) => {
        const seed = at % mask.data.length;
        const ink = makeInk(3, r);
        agrees(
          mask,
          (m) => bucketFill(m, seed, ink),
          (m) => {
            const label = m.data[seed];
            const area = plain.reached(
              m,
              (x, y) => y * m.columns + x === seed,
              (i) => m.data[i] === label,
            );
            plain.paint(m, ink, (x, y) => area.has(y * m.columns + x));
          },
        );
      }),
    );
  });

  it("region growing", () => {
    fc.assert(
      fc.property(map, fc.nat(), fc.nat(60), (mask, at, tolerance) => {
        const seed = at % mask.data.length;
        const samples = Int16Array.from(mask.data, (v, i) => 40 * v + ((i * 7) % 23) - 100);
        agrees(
          mask,
          (m) => paintRegion(m, growRegion(m, samples, seed, tolerance), makeInk(3)),
          (m) => {
            const area = plain.reached(
              m,
              (x, y) => y * m.columns + x === seed,
              (i) => Math.abs(samples[i]! - samples[seed]!) <= tolerance,
            );
            plain.paint(m, makeInk(3), (x, y) => area.has(y * m.columns + x));
          },
        );
      }),
    );
  });
});

describe("labels", () => {
  it("are replaced, swapped and copied", () => {
    const mask = draw("11.22", "1..2.");
    replaceLabel(mask, 2, 3);
    expect(lines(mask)).toEqual(["11.33", "1..3."]);
    swapLabels(mask, 1, 3);
    expect(lines(mask)).toEqual(["33.11", "3..1."]);
    copyClass(mask, draw("1...3", "22222"), makeInk(1));
    expect(lines(mask)).toEqual(["13...", "3...."]);
  });
});

describe("distances", () => {
  it("are Euclidean, with tall pixels counted tall", () => {
    const rect = { x0: 0, y0: 0, x1: 9, y1: 7 };
    const far = distance2(rect, (x, y) => (x === 2 && y === 1) || (x === 7 && y === 5), 1.5);
    for (let y = 0; y < 7; y++) {
      for (let x = 0; x < 9; x++) {
        const a = (x - 2) ** 2 + (1.5 * (y - 1)) ** 2;
        const b = (x - 7) ** 2 + (1.5 * (y - 5)) ** 2;
        expect(far[y * 9 + x]).toBeCloseTo(Math.min(a, b), 9);
      }
    }
  });

  it("of nothing are infinite, and nothing has no box", () => {
    const rect = { x0: 0, y0: 0, x1: 3, y1: 3 };
    expect(distance2(rect, () => false, 1).every((d) => d === Infinity)).toBe(true);
    expect(boxOf(draw("...", "..."), 1)).toEqual({ x0: 0, y0: 0, x1: 0, y1: 0 });
  });
});

describe("interpolation between slices", () => {
  const disc = (radius: number, cx = 20, label = 1) =>
    maskFrom(
      40,
      40,
      Uint8Array.from({ length: 1600 }, (_, i) =>
        Math.hypot((i % 40) + 0.5 - cx, Math.floor(i / 40) + 0.5 - 20) < radius ? label : 0,
      ),
    );
  const area = (mask: Mask, label = 1) => mask.data.filter((v) => v === label).length;

  it("between two discs gives discs of radii in between", () => {
    for (const t of [0.25, 0.5, 0.75]) {
      const found = Math.sqrt(area(interpolate(disc(4), disc(12), t, [1])) / Math.PI);
      expect(Math.abs(found - (4 + 8 * t))).toBeLessThan(0.6);
    }
  });

  it("at its ends gives the slices themselves, and of equals the same", () => {
    const [a, b] = [disc(5, 12), disc(9, 25)];
    expect([...interpolate(a, b, 0, [1]).data]).toEqual([...a.data]);
    expect([...interpolate(a, b, 1, [1]).data]).toEqual([...b.data]);
    expect([...interpolate(a, a, 0.4, [1]).data]).toEqual([...a.data]);
  });

  it("invents no class that only one of them holds", () => {
    expect(area(interpolate(disc(5), disc(5, 20, 2), 0.5, [1, 2]))).toBe(0);
    expect(area(interpolate(disc(5), disc(5, 20, 2), 0.5, [1, 2]), 2)).toBe(0);
  });
});

describe("live-wire", () => {
  it("follows an edge around a bend, where a straight line would cut across", () => {
    // Bright inside a quarter disc: the edge is an arc.
    const samples = Uint8Array.from({ length: 3600 }, (_, i) =>
      Math.hypot(i % 60, Math.floor(i / 60)) < 40 ? 200 : 20,
    );
    const wire = new LiveWire({ rows: 60, columns: 60 }, samples);
    wire.start({ x: 39.5, y: 2.5 });
    const path = wire.path({ x: 2.5, y: 39.5 });
    expect(path[0]).toEqual({ x: 39.5, y: 2.5 });
    expect(path.at(-1)).toEqual({ x: 2.5, y: 39.5 });
    for (const { x, y } of path) expect(Math.abs(Math.hypot(x, y) - 40)).toBeLessThan(2.5);
  });

  it("out of reach it is a straight line", () => {
    const wire = new LiveWire({ rows: 4, columns: 1000 }, new Uint8Array(4000));
    wire.start({ x: 0.5, y: 0.5 });
    expect(wire.path({ x: 900, y: 2 })).toEqual([
      { x: 0.5, y: 0.5 },
      { x: 900, y: 2 },
    ]);
  });
});

describe("measurements", () => {
  it("are in mm where the spacing is known, along each axis its own", () => {
    const [a, b] = [
      { x: 0, y: 0 },
      { x: 6, y: 4 },
    ];
    expect(lengthOf(a, b, [1, 0.5])).toEqual({ value: 5, unit: "mm" });
    expect(lengthOf(a, { x: 3, y: 4 }, null)).toEqual({ value: 5, unit: "px" });
  });

  it("angles are the patient's, not the grid's", () => {
    const corner = { x: 0, y: 0 };
    expect(angleOf({ x: 1, y: 0 }, corner, { x: 0, y: 5 }, null)).toBeCloseTo(90);
    expect(angleOf({ x: 1, y: 0 }, corner, { x: 1, y: 1 }, [1, 1])).toBeCloseTo(45);
    expect(angleOf({ x: 1, y: 0 }, corner, { x: 1, y: 1 }, [Math.sqrt(3), 1])).toBeCloseTo(60);
    expect(angleOf({ x: 1, y: 0 }, corner, { x: -1, y: 0 }, null)).toBeCloseTo(180);
  });

  it("regions have an area, a mean and a deviation", () => {
    const mask = draw("11.", ".12");
    const samples = Int16Array.from([2, 4, 0, 0, 9, 7]);
    const found = statistics(mask, samples, 1, [2, 0.5]);
    expect(found.pixels).toBe(3);
    expect(found.area).toBe(3);
    expect(found.mean).toBe(5);
    expect(found.deviation).toBeCloseTo(Math.sqrt((9 + 1 + 16) / 3));
    expect(statistics(mask, samples, 5, null)).toEqual({
      pixels: 0,
      area: null,
      mean: null,
      deviation: null,
    });
  });
});
