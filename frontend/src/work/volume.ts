/** The series as files for a viewer of volumes: the image, and the labels as they stand. */
import type { Series } from "../api/client";
import { type Volume as File, niftiFile, plainAffine } from "../domain/nifti";
import { isDtype, type Pixels } from "../domain/window";
import type { Slice } from "./case";
import type { Frames } from "./frames";

/** More than this a browser's graphics memory does not hold beside everything else. */
export const MOST_BYTES = 512 * 2 ** 20;
const AT_ONCE = 3;

/** How the frames lie in space. Null where they are no volume: sizes differ, or there is one frame. */
function layout(series: Series): Omit<File, "dtype" | "channels" | "slope" | "intercept"> | null {
  const [first] = series.frames;
  if (!first || series.frames.length < 2) return null;
  const { rows, columns, channels, dtype } = first;
  const like = (each: Series["frames"][number]) =>
    each.rows === rows &&
    each.columns === columns &&
    each.channels === channels &&
    each.dtype === dtype;
  if (!series.frames.every(like)) return null;
  const affine = series.affine ?? plainAffine(first.spacing, series.spacing_between);
  return { rows, columns, frames: series.frames.length, affine };
}

/** The image of the whole series, or null where it is no volume or too large for a browser. */
export async function imageFile(frames: Frames, series: Series): Promise<ArrayBuffer | null> {
  const place = layout(series);
  const [first] = series.frames;
  if (!place || !first || !isDtype(first.dtype)) return null;
  const { channels, dtype, slope, intercept } = first;
  const size = place.rows * place.columns * channels * (Number(/\d+$/.exec(dtype)?.[0]) / 8);
  if (size * place.frames > MOST_BYTES || (channels > 1 && dtype !== "uint8")) return null;
  const { file, bytes } = niftiFile({ ...place, channels, dtype, slope, intercept });
  let next = 0;
  const fetchSome = async () => {
    for (let at = next++; at < series.frames.length; at = next++) {
      const pixels: Pixels = await frames.pixels(series.frames[at]!);
      const { buffer, byteOffset, byteLength } = pixels.samples;
      bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at * size);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, fetchSome));
  return file;
}

/** The labels of the slices in hand, in the grid of the series. */
export function labelFile(series: Series, slices: readonly Slice[]): ArrayBuffer | null {
  const place = layout(series);
  if (!place) return null;
  const { file, bytes } = niftiFile({
    ...place,
    channels: 1,
    dtype: "uint8",
    slope: 1,
    intercept: 0,
    labels: true,
  });
  const masks = new Map(slices.map((slice) => [slice.image.id, slice.mask.data]));
  for (const [at, frame] of series.frames.entries()) {
    const mask = masks.get(frame.id);
    if (mask) bytes.set(mask, at * place.rows * place.columns);
  }
  return file;
}
