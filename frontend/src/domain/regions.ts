/** Connected regions (4-neighbours): bucket fill, region growing, holes, components. */
import { type Ink, put } from "./ink";
import { EMPTY_RECT, type Mask, type Rect, union } from "./mask";
import type { Samples } from "./window";

export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** A set of pixels: one flag a pixel, the box around them, and how many they are. */
export interface Region {
  readonly flags: Uint8Array;
  readonly rect: Rect;
  readonly count: number;
}

const NONE: Region = { flags: new Uint8Array(0), rect: EMPTY_RECT, count: 0 };

/** Everything that hangs together with pixel `seed` (an index) and belongs; adds to `flags`. */
export function connected(
  { rows, columns }: Grid,
  seed: number,
  belongs: (i: number) => boolean,
  flags = new Uint8Array(rows * columns),
): Region {
  if (seed < 0 || seed >= rows * columns || !belongs(seed) || flags[seed])
    return { ...NONE, flags };
  const stack = [seed];
  flags[seed] = 1;
  let count = 0;
  let [x0, y0, x1, y1] = [columns, rows, 0, 0];
  const visit = (i: number) => {
    if (flags[i] || !belongs(i)) return;
    flags[i] = 1;
    stack.push(i);
  };
  while (stack.length > 0) {
    const i = stack.pop()!;
    const y = Math.floor(i / columns);
    const x = i - y * columns;
    count++;
    if (x < x0) x0 = x;
    if (x >= x1) x1 = x + 1;
    if (y < y0) y0 = y;
    if (y >= y1) y1 = y + 1;
    if (x > 0) visit(i - 1);
    if (x + 1 < columns) visit(i + 1);
    if (y > 0) visit(i - columns);
    if (y + 1 < rows) visit(i + columns);
  }
  return { flags, rect: { x0, y0, x1, y1 }, count };
}

/** The index of the pixel under a point, or -1 outside. */
export function indexAt({ rows, columns }: Grid, point: { x: number; y: number }): number {
  const x = Math.floor(point.x);
  const y = Math.floor(point.y);
  return x < 0 || y < 0 || x >= columns || y >= rows ? -1 : y * columns + x;
}

/** Paint the pixels of a region, by the ink. */
export function paintRegion(mask: Mask, region: Region, ink: Ink): Rect {
  const { rect, flags } = region;
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let i = y * mask.columns + rect.x0; i < y * mask.columns + rect.x1; i++) {
      if (flags[i]) put(mask, i, ink);
    }
  }
  return rect;
}

/** Bucket: paint what hangs together with the pixel under `seed` and has its label. */
export function bucketFill(mask: Mask, seed: number, ink: Ink): Rect {
  const label = mask.data[seed];
  if (seed < 0 || label === undefined || label === ink.label) return EMPTY_RECT;
  return paintRegion(
    mask,
    connected(mask, seed, (i) => mask.data[i] === label),
    ink,
  );
}

/** Region growing: what hangs together with the seed and differs from its value by at most `tolerance`. */
export function growRegion(grid: Grid, samples: Samples, seed: number, tolerance: number): Region {
  const value = samples[seed];
  if (seed < 0 || value === undefined) return NONE;
  return connected(grid, seed, (i) => Math.abs(samples[i]! - value) <= tolerance);
}

/** Fill what a class encloses: pixels that cannot reach the border without crossing it. */
export function fillHoles(mask: Mask, ink: Ink): Rect {
  const { rows, columns, data } = mask;
  const outside = new Uint8Array(data.length);
  const open = (i: number) => data[i] !== ink.label;
  for (let x = 0; x < columns; x++) {
    connected(mask, x, open, outside);
    connected(mask, (rows - 1) * columns + x, open, outside);
  }
  for (let y = 0; y < rows; y++) {
    connected(mask, y * columns, open, outside);
    connected(mask, (y + 1) * columns - 1, open, outside);
  }
  let rect = EMPTY_RECT;
  for (let i = 0; i < data.length; i++) {
    if (outside[i] || data[i] === ink.label) continue;
    put(mask, i, ink);
    const [x, y] = [i % columns, Math.floor(i / columns)];
    rect = union(rect, { x0: x, y0: y, x1: x + 1, y1: y + 1 });
  }
  return rect;
}

/** Erase every component of a label but the largest (of equals, the first by rows). */
export function keepLargest(mask: Mask, label: number): Rect {
  const seen = new Uint8Array(mask.data.length);
  const found: { seed: number; count: number }[] = [];
  const belongs = (i: number) => mask.data[i] === label;
  let rect = EMPTY_RECT;
  for (let i = 0; i < mask.data.length; i++) {
    if (!belongs(i) || seen[i]) continue;
    const region = connected(mask, i, belongs, seen);
    rect = union(rect, region.rect);
    found.push({ seed: i, count: region.count });
  }
  if (found.length < 2) return EMPTY_RECT;
  const largest = found.reduce((best, each) => (each.count > best.count ? each : best));
  const kept = connected(mask, largest.seed, belongs).flags;
  for (let i = 0; i < mask.data.length; i++) if (belongs(i) && !kept[i]) mask.data[i] = 0;
  return rect;
}
