import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aspectOf,
  fit as fitView,
  pinch,
  scaleBar,
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
    const start: View = { scale: 2, left: 0, top: 0, aspect: 1 };
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

describe("fitting", () => {
  it("shows the whole image, centred, for any shape and spacing", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 3000 }),
        fc.integer({ min: 8, max: 3000 }),
        fc.double({ min: 0.3, max: 3, noNaN: true }),
        (rows, columns, aspect) => {
          const size = { width: 900, height: 700 };
          const v = fitView(rows, columns, aspect, size, 10);
          const [a, b] = [toScreen(v, { x: 0, y: 0 }), toScreen(v, { x: columns, y: rows })];
          expect(a.x + b.x).toBeCloseTo(size.width, 6);
          expect(a.y + b.y).toBeCloseTo(size.height, 6);
          if (v.scale > 0.05) {
            expect(a.x).toBeGreaterThanOrEqual(10 - 1e-6);
            expect(a.y).toBeGreaterThanOrEqual(10 - 1e-6);
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
        const bar = scaleBar({ scale, left: 0, top: 0, aspect: 1 }, [0.7, 0.7]);
        expect(bar).not.toBeNull();
        expect(bar!.pixels).toBeLessThanOrEqual(120.001);
        expect(bar!.pixels).toBeGreaterThan(40);
        expect(bar!.pixels).toBeCloseTo((bar!.millimetres / 0.7) * scale, 6);
      }),
    );
  });

  it("is not drawn where the spacing is unknown", () => {
    expect(scaleBar({ scale: 1, left: 0, top: 0, aspect: 1 }, null)).toBeNull();
  });
});
