import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aspectOf,
  fit as fitView,
  HOME,
  matrixOf,
  pinch,
  reorient,
  scaleBar,
  type Turn,
  toImage,
  toScreen,
  type View,
  zoomAt,
} from "./geometry";

const view: fc.Arbitrary<View> = fc.record({
  scale: fc.double({ min: 0.1, max: 20, noNaN: true }),
  left: fc.double({ min: -500, max: 500, noNaN: true }),
  top: fc.double({ min: -500, max: 500, noNaN: true }),
  aspect: fc.double({ min: 0.2, max: 5, noNaN: true }),
  turn: fc.constantFrom(0, 1, 2, 3),
  mirrored: fc.boolean(),
});
const point = fc.record({
  x: fc.double({ min: 0, max: 1000, noNaN: true }),
  y: fc.double({ min: 0, max: 1000, noNaN: true }),
});

describe("image and screen", () => {
  it("are inverse to each other", () => {
    fc.assert(
      fc.property(view, point, (v, p) => {
        const back = toImage(v, toScreen(v, p));
        expect(back.x).toBeCloseTo(p.x, 6);
        expect(back.y).toBeCloseTo(p.y, 6);
      }),
    );
  });

  it("zooming keeps what lies under the cursor", () => {
    fc.assert(
      fc.property(
        view,
        point,
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        (v, cursor, factor) => {
          const before = toImage(v, cursor);
          const after = toImage(zoomAt(v, cursor, factor), cursor);
          expect(after.x).toBeCloseTo(before.x, 5);
          expect(after.y).toBeCloseTo(before.y, 5);
        },
      ),
    );
  });

  it("two fingers carry what was between them", () => {
    const start: View = { ...HOME, scale: 2 };
    const after = pinch(
      start,
      [
        { x: 100, y: 100 },
        { x: 200, y: 100 },
      ],
      [
        { x: 100, y: 150 },
        { x: 300, y: 150 },
      ],
    );
    expect(after.scale).toBeCloseTo(4);
    expect(toScreen(after, toImage(start, { x: 150, y: 100 }))).toEqual({ x: 200, y: 150 });
  });
});

describe("turning and mirroring", () => {
  const size = { width: 400, height: 300 };
  const start: View = { ...HOME, scale: 2, left: 50, top: 20, aspect: 1.5 };
  /** Where on the screen, from its middle, a step along x and one along y of the image lead. */
  const steps = (v: View) => {
    const [a, b, c, d] = matrixOf(v);
    return [a, b, c, d].map((n) => Math.sign(n) || 0);
  };

  it("turn as a picture on the wall does", () => {
    // x of the image runs down the screen, y runs to the left.
    expect(steps(reorient(start, "turn", size))).toEqual([0, 1, -1, 0]);
    expect(steps(reorient(start, "turnBack", size))).toEqual([0, -1, 1, 0]);
    expect(steps(reorient(start, "mirror", size))).toEqual([-1, 0, 0, 1]);
    expect(steps(reorient(start, "flip", size))).toEqual([1, 0, 0, -1]);
  });

  it("mean the same on the screen whatever went before", () => {
    fc.assert(
      fc.property(view, (v) => {
        const turned = steps(reorient(v, "turn", size));
        const [a, b, c, d] = steps(v);
        // Clockwise on a screen whose y points down: (x, y) -> (-y, x).
        expect(turned.map((n) => n + 0)).toEqual([-b!, a, -d!, c].map((n) => n! + 0));
        const mirrored = steps(reorient(v, "mirror", size));
        expect(mirrored.map((n) => n + 0)).toEqual([-a!, b, -c!, d].map((n) => n! + 0));
      }),
    );
  });

  it("keep what is in the middle of the screen", () => {
    const middle = { x: size.width / 2, y: size.height / 2 };
    fc.assert(
      fc.property(view, fc.constantFrom("turn", "turnBack", "mirror", "flip"), (v, change) => {
        const before = toImage(v, middle);
        const after = toImage(reorient(v, change, size), middle);
        expect(after.x).toBeCloseTo(before.x, 6);
        expect(after.y).toBeCloseTo(before.y, 6);
      }),
    );
  });

  it("four turns and two mirrorings lead home", () => {
    let v = start;
    for (let i = 0; i < 4; i++) v = reorient(v, "turn", size);
    for (let i = 0; i < 2; i++) v = reorient(v, "flip", size);
    expect(v.turn).toBe(start.turn);
    expect(v.mirrored).toBe(false);
    expect(v.left).toBeCloseTo(start.left);
    expect(v.top).toBeCloseTo(start.top);
  });
});

describe("fitting", () => {
  it("shows the whole image, centred, for any shape and spacing", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 3000 }),
        fc.integer({ min: 8, max: 3000 }),
        fc.double({ min: 0.3, max: 3, noNaN: true }),
        fc.constantFrom<Turn>(0, 1, 2, 3),
        fc.boolean(),
        (rows, columns, aspect, turn, mirrored) => {
          const size = { width: 900, height: 700 };
          const v = fitView(rows, columns, size, { aspect, turn, mirrored }, 10);
          const [a, b] = [toScreen(v, { x: 0, y: 0 }), toScreen(v, { x: columns, y: rows })];
          expect(a.x + b.x).toBeCloseTo(size.width, 6);
          expect(a.y + b.y).toBeCloseTo(size.height, 6);
          if (v.scale > 0.05) {
            expect(Math.min(a.x, b.x)).toBeGreaterThanOrEqual(10 - 1e-6);
            expect(Math.min(a.y, b.y)).toBeGreaterThanOrEqual(10 - 1e-6);
          }
        },
      ),
    );
  });

  it("draws tall pixels tall: row spacing over column spacing", () => {
    expect(aspectOf([2, 0.5])).toBe(4);
    expect(aspectOf(null)).toBe(1);
    expect(aspectOf([0, 1])).toBe(1);
  });
});

describe("the scale bar", () => {
  it("is a round length that fits", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.2, max: 30, noNaN: true }), (scale) => {
        const bar = scaleBar({ ...HOME, scale }, [0.7, 0.7]);
        expect(bar).not.toBeNull();
        expect(bar!.pixels).toBeLessThanOrEqual(120.001);
        expect(bar!.pixels).toBeGreaterThan(40);
        expect(bar!.pixels).toBeCloseTo((bar!.millimetres / 0.7) * scale, 6);
      }),
    );
  });

  it("is not drawn where the spacing is unknown", () => {
    expect(scaleBar(HOME, null)).toBeNull();
  });
});
