/** A series as a NIfTI-1 file in memory, for viewers of volumes (nifti.nimh.nih.gov/nifti-1). */
import type { Dtype } from "./window";

export interface Volume {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  /** 1, or 3 for red, green and blue of one byte each. */
  readonly channels: number;
  readonly dtype: Dtype;
  /** 4 x 4: (column, row, frame) to RAS mm. */
  readonly affine: readonly (readonly number[])[];
  readonly slope: number;
  readonly intercept: number;
  /** The values are names of structures, not measurements. */
  readonly labels?: boolean;
}

const HEADER = 352;
const RGB24 = 128;
const INTENT_LABEL = 1002;
const MILLIMETRES = 2;
const CODES: Record<Dtype, number> = {
  uint8: 2,
  int16: 4,
  int32: 8,
  float32: 16,
  int8: 256,
  uint16: 512,
  uint32: 768,
};

/** An affine for a series that states none: columns to the left, rows to the back, frames up. */
export function plainAffine(
  spacing: readonly number[] | null | undefined,
  between: number | null | undefined,
): number[][] {
  const [row, column] = spacing ?? [];
  return [
    [-(column || 1), 0, 0, 0],
    [0, -(row || 1), 0, 0],
    [0, 0, between || row || 1, 0],
    [0, 0, 0, 1],
  ];
}

/**
 * An empty file of the volume's size, and its samples frame by frame as a view to be filled.
 * Throws RangeError for colour that is not one byte a channel.
 */
export function niftiFile(volume: Volume): { file: ArrayBuffer; bytes: Uint8Array } {
  const { rows, columns, frames, channels, dtype, affine } = volume;
  if (channels !== 1 && dtype !== "uint8") throw new RangeError("colour must be of 8 bits");
  const each = (Number(/\d+$/.exec(dtype)?.[0]) / 8) * channels;
  const file = new ArrayBuffer(HEADER + rows * columns * frames * each);
  const view = new DataView(file);
  const short = (at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) view.setInt16(at + 2 * i, value, true);
  };
  const float = (at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) view.setFloat32(at + 4 * i, value, true);
  };
  view.setInt32(0, 348, true);
  short(40, 3, columns, rows, frames, 1, 1, 1, 1);
  short(68, volume.labels ? INTENT_LABEL : 0);
  short(70, channels === 1 ? CODES[dtype] : RGB24, each * 8);
  float(76, 1, ...[0, 1, 2].map((axis) => stepOf(affine, axis)), 1, 1, 1, 1);
  float(108, HEADER, volume.slope, volume.intercept);
  view.setUint8(123, MILLIMETRES);
  short(252, 0, 1);
  for (const axis of [0, 1, 2]) float(280 + 16 * axis, ...(affine[axis] ?? []));
  view.setUint32(344, 0x6e2b3100, false); // "n+1\0"
  return { file, bytes: new Uint8Array(file, HEADER) };
}

/** The length of one step along an axis of the grid, mm. */
function stepOf(affine: Volume["affine"], axis: number): number {
  return Math.hypot(...[0, 1, 2].map((row) => affine[row]?.[axis] ?? 0));
}
