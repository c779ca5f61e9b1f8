import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { autoWindow, buildLut, grey, type Pixels, render, samplesFrom, valueAt } from "./window";

function pixels(change: Partial<Pixels> & Pick<Pixels, "samples">): Pixels {
  return {
    rows: 1,
    columns: change.samples.length,
    channels: 1,
    dtype: "int16",
    bits: 16,
    slope: 1,
    intercept: 0,
    photometric: "MONOCHROME2",
    ...change,
  };
}

function shown(image: Pixels, center: number, width: number): number[] {
  const out = new Uint32Array(image.rows * image.columns);
  render(image, { center, width }, out);
  return [...out].map((word) => word & 0xff);
}

describe("window and level", () => {
  it("maps the ends of the window to black and white", () => {
    const window = { center: 40, width: 80 };
    expect([grey(0, window), grey(40, window), grey(80, window)]).toEqual([0, 128, 255]);
    expect([grey(-1000, window), grey(3000, window)]).toEqual([0, 255]);
  });

  it("reads negative samples by their sign, with slope and intercept", () => {
    const image = pixels({ samples: Int16Array.from([-1000, -500, 0]), slope: 2, intercept: 1000 });
    expect(shown(image, 0, 2000)).toEqual([0, 128, 255]);
  });

  it("never lets a brighter sample look darker, for every integer type", () => {
    const kinds = [
      ["uint8", Uint8Array, 0, 255],
      ["int8", Int8Array, -128, 127],
      ["uint16", Uint16Array, 0, 65535],
      ["int16", Int16Array, -32768, 32767],
      ["int32", Int32Array, -100000, 100000],
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.integer({ min: -3000, max: 3000 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        ([dtype, Kind, low, high], center, width, stream) => {
          const values = [...stream.take(20)].map((f) => Math.round(low + f * (high - low)));
          values.sort((a, b) => a - b);
          const levels = shown(pixels({ dtype, samples: Kind.from(values) }), center, width);
          expect(levels).toEqual([...levels].sort((a, b) => a - b));
        },
      ),
    );
  });

  it("inverts MONOCHROME1", () => {
    const samples = Uint8Array.from([0, 255]);
    const image = pixels({ dtype: "uint8", samples, photometric: "MONOCHROME1" });
    expect(shown(image, 127.5, 255)).toEqual([255, 0]);
  });

  it("passes 8-bit colour through and is opaque", () => {
    const image = pixels({
      dtype: "uint8",
      bits: 8,
      channels: 3,
      columns: 1,
      photometric: "RGB",
      samples: Uint8Array.from([10, 20, 30]),
    });
    const out = new Uint32Array(1);
    render(image, { center: 0, width: 1 }, out);
    expect(out[0]).toBe(0xff1e140a);
  });

  it("makes tables of 256 words for bytes and 65,536 for 16 bits", () => {
    const base = { slope: 1, intercept: 0, photometric: "MONOCHROME2" };
    expect(buildLut({ ...base, dtype: "int8" }, { center: 0, width: 9 }).length).toBe(256);
    expect(buildLut({ ...base, dtype: "uint16" }, { center: 0, width: 9 }).length).toBe(65536);
  });

  it("shows floating-point images", () => {
    const image = pixels({ dtype: "float32", samples: Float32Array.from([0, 0.5, 1]) });
    expect(shown(image, 0.5, 1)).toEqual([0, 128, 255]);
  });
});

describe("the automatic window", () => {
  it("leaves out a few extreme samples", () => {
    const samples = Uint16Array.from({ length: 1000 }, (_, i) => (i < 2 ? 60000 : i % 100));
    const { center, width } = autoWindow(pixels({ dtype: "uint16", samples }));
    expect(center).toBeCloseTo(49.5, 0);
    expect(width).toBeLessThan(101);
  });

  it("of an image of one value is not empty", () => {
    expect(autoWindow(pixels({ samples: new Int16Array(9) })).width).toBeGreaterThan(0);
  });
});

describe("samples", () => {
  it("are refused when the number of bytes does not fit", () => {
    expect(() => samplesFrom(new ArrayBuffer(7), "int16", 4)).toThrow(RangeError);
  });

  it("give their modality value, and none outside the image", () => {
    const image = pixels({ samples: Int16Array.from([1, 2]), slope: 10, intercept: -5 });
    expect(valueAt(image, 1.9, 0.1)).toEqual([15]);
    expect(valueAt(image, 2.0, 0)).toBeNull();
    expect(valueAt(image, -0.1, 0)).toBeNull();
  });
});
