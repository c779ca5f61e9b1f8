import { describe, expect, it } from "vitest";
import { niftiFile, plainAffine, type Volume } from "./nifti";

const volume: Volume = {
  rows: 3,
  columns: 4,
  frames: 2,
  channels: 1,
  dtype: "uint16",
  affine: [
    [-0.5, 0, 0, 10],
    [0, 0, 2, -7],
    [0, -0.5, 0, 3],
    [0, 0, 0, 1],
  ],
  slope: 2,
  intercept: -1024,
};

describe("a NIfTI-1 file", () => {
  it("says what the standard's readers look for", () => {
    const { file, bytes } = niftiFile(volume);
    const view = new DataView(file);
    const shorts = (at: number, n: number) =>
      Array.from({ length: n }, (_, i) => view.getInt16(at + 2 * i, true));
    const floats = (at: number, n: number) =>
      Array.from({ length: n }, (_, i) => view.getFloat32(at + 4 * i, true));
    expect(view.getInt32(0, true)).toBe(348);
    expect(shorts(40, 4)).toEqual([3, 4, 3, 2]);
    expect(shorts(68, 3)).toEqual([0, 512, 16]);
    expect(floats(76, 4)).toEqual([1, 0.5, 0.5, 2]);
    expect(floats(108, 3)).toEqual([352, 2, -1024]);
    expect(shorts(252, 2)).toEqual([0, 1]);
    expect(floats(280, 12)).toEqual([-0.5, 0, 0, 10, 0, 0, 2, -7, 0, -0.5, 0, 3]);
    expect(new TextDecoder().decode(new Uint8Array(file, 344, 4))).toBe("n+1\0");
    expect(bytes.length).toBe(3 * 4 * 2 * 2);
    expect(file.byteLength).toBe(352 + bytes.length);
  });

  it("marks labels as such", () => {
    const { file } = niftiFile({ ...volume, dtype: "uint8", labels: true });
    expect(new DataView(file).getInt16(68, true)).toBe(1002);
  });

  it("takes colour of one byte a channel, and no other", () => {
    const { file, bytes } = niftiFile({ ...volume, channels: 3, dtype: "uint8" });
    expect(new DataView(file).getInt16(70, true)).toBe(128);
    expect(bytes.length).toBe(3 * 4 * 2 * 3);
    expect(() => niftiFile({ ...volume, channels: 3 })).toThrow(RangeError);
  });

  it("gives a series without geometry its spacing", () => {
    expect(plainAffine([0.4, 0.5], 3).map((row, axis) => row[axis])).toEqual([-0.5, -0.4, 3, 1]);
    expect(plainAffine(null, null).map((row, axis) => row[axis])).toEqual([-1, -1, 1, 1]);
  });
});
