/** Slices of a series drawn on together: one map above the other, so that one history serves all. */
import type { Ink } from "./ink";
import { EMPTY_RECT, isEmpty, type Mask, type Rect, union } from "./mask";
import { interpolate } from "./morphology";
import { copyClass } from "./ops";

/** A stack of `count` empty slices, and each slice as a view of its bytes. */
export function makeStack(
  rows: number,
  columns: number,
  count: number,
): { readonly stack: Mask; readonly slices: readonly Mask[] } {
  const data = new Uint8Array(rows * columns * count);
  const size = rows * columns;
  const slices = Array.from({ length: count }, (_, i) => ({
    rows,
    columns,
    data: data.subarray(i * size, (i + 1) * size),
  }));
  return { stack: { rows: rows * count, columns, data }, slices };
}

/** A box of one slice as a box of the stack. */
export function inStack(rect: Rect, slice: number, rows: number): Rect {
  if (isEmpty(rect)) return EMPTY_RECT;
  return { ...rect, y0: rect.y0 + slice * rows, y1: rect.y1 + slice * rows };
}

/** The slices that a box of the stack touches, first to last. */
export function slicesIn(rect: Rect, rows: number): number[] {
  if (isEmpty(rect)) return [];
  const first = Math.floor(rect.y0 / rows);
  return Array.from({ length: Math.floor((rect.y1 - 1) / rows) - first + 1 }, (_, i) => first + i);
}

/** Which slices hold a label. */
export function holders(slices: readonly Mask[], label: number): number[] {
  return slices.flatMap(({ data }, i) => (data.includes(label) ? [i] : []));
}

/**
 * Draw a class on the empty slices between those that hold it, by the ink's rules: shape-based
 * interpolation of each pair of neighbours. Returns the box of the stack that was touched.
 */
export function fillBetween(slices: readonly Mask[], ink: Ink, aspect = 1): Rect {
  const held = holders(slices, ink.label);
  let touched = EMPTY_RECT;
  for (const [n, below] of held.entries()) {
    const above = held[n + 1];
    if (above === undefined) break;
    for (let i = below + 1; i < above; i++) {
      const t = (i - below) / (above - below);
      const drawn = interpolate(slices[below]!, slices[above]!, t, [ink.label], aspect);
      const slice = slices[i]!;
      touched = union(touched, inStack(copyClass(slice, drawn, ink), i, slice.rows));
    }
  }
  return touched;
}
