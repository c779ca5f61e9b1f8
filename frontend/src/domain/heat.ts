/** Maps of one byte a pixel (0 to 255 for 0 to 1): where they are hottest, and their colours. */
import type { Point } from "./ops";

export interface HeatMap {
  readonly rows: number;
  readonly columns: number;
  readonly data: Uint8Array;
}

/** Dark blue over red to pale yellow: rises in lightness, so it reads without colour as well. */
export const HEAT_STOPS = ["#141E8C", "#8C1E8C", "#D9435A", "#F59B38", "#FFF3B0"] as const;
/** Below this the picture shows through; the most opaque it gets. */
const CLEAR = 0.08;
const DENSEST = 0.75;

/** 256 RGBA words (little-endian) for the values of a map. */
export function heatWords(): Uint32Array {
  const words = new Uint32Array(256);
  const stops = HEAT_STOPS.map((stop) => Number.parseInt(stop.slice(1), 16));
  for (let value = 0; value < 256; value++) {
    const at = (value / 255) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(at));
    const mix = (shift: number) => {
      const from = (stops[low]! >> shift) & 255;
      const to = (stops[low + 1]! >> shift) & 255;
      return Math.round(from + (to - from) * (at - low));
    };
    const share = Math.max(0, (value / 255 - CLEAR) / (1 - CLEAR));
    const alpha = Math.round(255 * DENSEST * Math.sqrt(share));
    words[value] = ((alpha << 24) | (mix(0) << 16) | (mix(8) << 8) | mix(16)) >>> 0;
  }
  return words;
}

/**
 * The middle of the square of side 2 r + 1 whose mean is highest, by an integral image; null where
 * the whole map is 0. What a square reaches beyond the border counts as 0.
 */
export function hottest({ rows, columns, data }: HeatMap, r: number): Point | null {
  const wide = columns + 1;
  const sums = new Float64Array((rows + 1) * wide);
  for (let y = 0; y < rows; y++) {
    let row = 0;
    for (let x = 0; x < columns; x++) {
      row += data[y * columns + x]!;
      sums[(y + 1) * wide + x + 1] = sums[y * wide + x + 1]! + row;
    }
  }
  let best: Point | null = null;
  let most = 0;
  for (let y = 0; y < rows; y++) {
    const [y0, y1] = [Math.max(0, y - r), Math.min(rows, y + r + 1)];
    for (let x = 0; x < columns; x++) {
      const [x0, x1] = [Math.max(0, x - r), Math.min(columns, x + r + 1)];
      const total =
        sums[y1 * wide + x1]! -
        sums[y0 * wide + x1]! -
        sums[y1 * wide + x0]! +
        sums[y0 * wide + x0]!;
      // Of the whole square, so that a corner's few pixels do not beat a region.
      if (total > most) {
        most = total;
        best = { x: x + 0.5, y: y + 0.5 };
      }
    }
  }
  return best;
}
