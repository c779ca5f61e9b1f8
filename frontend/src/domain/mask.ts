/** A label map: one byte a pixel, row-major. 0 is background, 255 is `ignore`. No React, no DOM. */
export interface Mask {
  readonly rows: number;
  readonly columns: number;
  readonly data: Uint8Array;
}

export const BACKGROUND = 0;
export const IGNORE = 255;

/** A half-open box of pixels: x0 <= x < x1, y0 <= y < y1. Empty when x1 <= x0 or y1 <= y0. */
export interface Rect {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export const EMPTY_RECT: Rect = { x0: 0, y0: 0, x1: 0, y1: 0 };

export function emptyMask(rows: number, columns: number): Mask {
  return { rows, columns, data: new Uint8Array(rows * columns) };
}

/** Wrap raw bytes. Throws RangeError when their number is not rows * columns. */
export function maskFrom(rows: number, columns: number, data: Uint8Array): Mask {
  if (data.length !== rows * columns) {
    throw new RangeError(
      `a ${rows} x ${columns} mask needs ${rows * columns} bytes, got ${data.length}`,
    );
  }
  return { rows, columns, data };
}

export function isEmpty(rect: Rect): boolean {
  return rect.x1 <= rect.x0 || rect.y1 <= rect.y0;
}

export function fullRect(mask: Mask): Rect {
  return { x0: 0, y0: 0, x1: mask.columns, y1: mask.rows };
}

/** The smallest box that holds both; an empty box adds nothing. */
export function union(a: Rect, b: Rect): Rect {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}

/** The box of whole pixels inside the mask whose centres can lie in the given range of coordinates. */
export function clip(mask: Mask, left: number, top: number, right: number, bottom: number): Rect {
  return {
    x0: Math.max(0, Math.floor(left)),
    y0: Math.max(0, Math.floor(top)),
    x1: Math.min(mask.columns, Math.ceil(right)),
    y1: Math.min(mask.rows, Math.ceil(bottom)),
  };
}

/** How many pixels carry each of the 256 values. */
export function countLabels(mask: Mask): Uint32Array {
  const counts = new Uint32Array(256);
  const { data } = mask;
  for (let i = 0; i < data.length; i++) counts[data[i]!]!++;
  return counts;
}

/** Whether anything is drawn. */
export function isDrawn({ data }: Mask): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] !== BACKGROUND) return true;
  return false;
}

/** The rows from the first to the last on which anything is drawn. */
export function drawnRows({ data, rows, columns }: Mask): Rect {
  let first = 0;
  while (first < data.length && data[first] === BACKGROUND) first++;
  if (first === data.length) return EMPTY_RECT;
  let last = rows * columns - 1;
  while (data[last] === BACKGROUND) last--;
  const [y0, y1] = [Math.floor(first / columns), Math.floor(last / columns) + 1];
  return { x0: 0, y0, x1: columns, y1 };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The smallest box around the pixels where two equally sized maps differ. */
export function differenceRect(a: Mask, b: Mask): Rect {
  let rect = EMPTY_RECT;
  for (let y = 0; y < a.rows; y++) {
    const start = y * a.columns;
    let first = 0;
    while (first < a.columns && a.data[start + first] === b.data[start + first]) first++;
    if (first === a.columns) continue;
    let last = a.columns - 1;
    while (a.data[start + last] === b.data[start + last]) last--;
    rect = union(rect, { x0: first, y0: y, x1: last + 1, y1: y + 1 });
  }
  return rect;
}

/** One box of a map, as a map of its own. */
export function crop({ data, columns }: Mask, rect: Rect): Mask {
  const [width, height] = [rect.x1 - rect.x0, rect.y1 - rect.y0];
  const out = new Uint8Array(width * height);
  for (let y = rect.y0; y < rect.y1; y++) {
    const start = y * columns;
    out.set(data.subarray(start + rect.x0, start + rect.x1), (y - rect.y0) * width);
  }
  return { rows: height, columns: width, data: out };
}

/** 1 where two equally sized maps differ. */
export function difference(a: Mask, b: Mask): Mask {
  return { ...a, data: a.data.map((label, i) => (label === b.data[i] ? 0 : 1)) };
}
