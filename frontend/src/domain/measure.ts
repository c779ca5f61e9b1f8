/** Measurements on an image: lengths in mm where the spacing is known, angles, and regions. */
import type { Mask } from "./mask";
import type { Point } from "./ops";
import type { Samples } from "./window";

export interface Measure {
  readonly kind: "ruler" | "angle";
  /** Two ends, or the arms around the corner in the middle; fewer while it is being made. */
  readonly points: readonly Point[];
}

/** mm between rows and between columns. */
export type Spacing = readonly number[] | null | undefined;

function scaled(a: Point, b: Point, spacing: Spacing): Point {
  const [row, column] = known(spacing) ?? [1, 1];
  return { x: (b.x - a.x) * column, y: (b.y - a.y) * row };
}

function known(spacing: Spacing): readonly [number, number] | null {
  const [row, column] = spacing ?? [];
  return row && column && row > 0 && column > 0 ? [row, column] : null;
}

/** The length in mm, or in pixels where the spacing is unknown. */
export function lengthOf(
  a: Point,
  b: Point,
  spacing: Spacing,
): { value: number; unit: "mm" | "px" } {
  const { x, y } = scaled(a, b, spacing);
  return { value: Math.hypot(x, y), unit: known(spacing) ? "mm" : "px" };
}

/** The angle at `corner` in degrees, 0..180, on the patient (pixels need not be square). */
export function angleOf(a: Point, corner: Point, b: Point, spacing: Spacing): number {
  const [p, q] = [scaled(corner, a, spacing), scaled(corner, b, spacing)];
  const cross = p.x * q.y - p.y * q.x;
  const dot = p.x * q.x + p.y * q.y;
  return (Math.atan2(Math.abs(cross), dot) * 180) / Math.PI;
}

export interface RegionStatistics {
  readonly pixels: number;
  /** mm2, or null where the spacing is unknown. */
  readonly area: number | null;
  /** Of the stored samples; null for an empty region. */
  readonly mean: number | null;
  readonly deviation: number | null;
}

/** Area, mean and standard deviation (of the population) under the pixels of one label. */
export function statistics(
  mask: Mask,
  samples: Samples,
  label: number,
  spacing: Spacing,
): RegionStatistics {
  let [pixels, sum] = [0, 0];
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] !== label) continue;
    pixels++;
    sum += samples[i]!;
  }
  const place = known(spacing);
  const area = place ? pixels * place[0] * place[1] : null;
  if (pixels === 0) return { pixels, area, mean: null, deviation: null };
  const mean = sum / pixels;
  let squares = 0;
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === label) squares += (samples[i]! - mean) ** 2;
  }
  return { pixels, area, mean, deviation: Math.sqrt(squares / pixels) };
}
