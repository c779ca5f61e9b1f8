/** Growing, shrinking, smoothing and interpolating classes, by exact Euclidean distances. */
import { type Ink, put } from "./ink";
import { clip, EMPTY_RECT, isEmpty, type Mask, type Rect } from "./mask";

/** The smallest box around the pixels of a label. */
export function boxOf(mask: Mask, label: number): Rect {
  let [x0, y0, x1, y1] = [mask.columns, mask.rows, 0, 0];
  for (let y = 0; y < mask.rows; y++) {
    const row = mask.data.subarray(y * mask.columns, (y + 1) * mask.columns);
    const first = row.indexOf(label);
    if (first < 0) continue;
    x0 = Math.min(x0, first);
    x1 = Math.max(x1, row.lastIndexOf(label) + 1);
    y0 = Math.min(y0, y);
    y1 = y + 1;
  }
  return x1 > x0 ? { x0, y0, x1, y1 } : EMPTY_RECT;
}

/** The box and so many pixels around it, inside the mask. */
function around(mask: Mask, rect: Rect, by: number): Rect {
  return clip(mask, rect.x0 - by, rect.y0 - by, rect.x1 + by, rect.y1 + by);
}

/**
 * The squared distance, in pixel widths, of each pixel of a box to the nearest one inside the box
 * for which `flag` holds (0 there; Infinity where there is none). Felzenszwalb and Huttenlocher,
 * "Distance Transforms of Sampled Functions", 2012.
 */
export function distance2(
  rect: Rect,
  flag: (x: number, y: number) => boolean,
  aspect: number,
): Float64Array {
  const width = rect.x1 - rect.x0;
  const height = rect.y1 - rect.y0;
  const out = new Float64Array(width * height);
  const longest = Math.max(width, height);
  const pass = lowerEnvelope(longest);
  const line = new Float64Array(longest);
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) line[y] = flag(rect.x0 + x, rect.y0 + y) ? 0 : Infinity;
    pass(line, height, aspect);
    for (let y = 0; y < height; y++) out[y * width + x] = line[y]!;
  }
  for (let y = 0; y < height; y++) {
    line.set(out.subarray(y * width, (y + 1) * width));
    pass(line, width, 1);
    out.set(line.subarray(0, width), y * width);
  }
  return out;
}

/** One line of the transform: f(p) becomes min over q of f(q) + (step * (p - q))^2. */
function lowerEnvelope(longest: number): (f: Float64Array, n: number, step: number) => void {
  const places = new Int32Array(longest);
  const bounds = new Float64Array(longest + 1);
  const before = new Float64Array(longest);
  return (f, n, step) => {
    const s2 = step * step;
    before.set(f.subarray(0, n));
    let k = -1;
    for (let q = 0; q < n; q++) {
      if (before[q] === Infinity) continue;
      let from = -Infinity;
      while (k >= 0) {
        const p = places[k]!;
        from = (before[q]! - before[p]! + s2 * (q * q - p * p)) / (2 * s2 * (q - p));
        if (from > bounds[k]!) break;
        k--;
        from = -Infinity;
      }
      k++;
      places[k] = q;
      bounds[k] = k === 0 ? -Infinity : from;
    }
    if (k < 0) return;
    const last = k;
    k = 0;
    for (let p = 0; p < n; p++) {
      while (k < last && bounds[k + 1]! < p) k++;
      const q = places[k]!;
      f[p] = before[q]! + s2 * (p - q) * (p - q);
    }
  };
}

function each(rect: Rect, visit: (x: number, y: number, n: number) => void): void {
  let n = 0;
  for (let y = rect.y0; y < rect.y1; y++) for (let x = rect.x0; x < rect.x1; x++) visit(x, y, n++);
}

/** Dilate the ink's class by `by` pixel widths, where the ink may. */
export function grow(mask: Mask, ink: Ink, by: number, aspect = 1): Rect {
  const box = boxOf(mask, ink.label);
  if (isEmpty(box)) return EMPTY_RECT;
  const rect = around(mask, box, Math.ceil(by * Math.max(1, 1 / aspect)));
  const { data, columns } = mask;
  const far = distance2(rect, (x, y) => data[y * columns + x] === ink.label, aspect);
  each(rect, (x, y, n) => {
    const i = y * columns + x;
    if (data[i] !== ink.label && far[n]! <= by * by) put(mask, i, ink);
  });
  return rect;
}

/** Erode a label by `by` pixel widths to background. The image's own border erodes nothing. */
export function shrink(mask: Mask, label: number, by: number, aspect = 1): Rect {
  const box = boxOf(mask, label);
  if (isEmpty(box)) return EMPTY_RECT;
  const rect = around(mask, box, 1);
  const { data, columns } = mask;
  const far = distance2(rect, (x, y) => data[y * columns + x] !== label, aspect);
  each(rect, (x, y, n) => {
    const i = y * columns + x;
    if (data[i] === label && far[n]! <= by * by) data[i] = 0;
  });
  return rect;
}

/** Smooth a class's outline: each pixel follows the majority of its 3 x 3 neighbourhood. */
export function smooth(mask: Mask, ink: Ink): Rect {
  const box = boxOf(mask, ink.label);
  if (isEmpty(box)) return EMPTY_RECT;
  const rect = around(mask, box, 1);
  const { rows, columns } = mask;
  const before = mask.data.slice();
  const erasable = ink.over[ink.label] === 1;
  each(rect, (x, y) => {
    let [mine, all] = [0, 0];
    for (let v = Math.max(0, y - 1); v <= Math.min(rows - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(columns - 1, x + 1); u++) {
        all++;
        if (before[v * columns + u] === ink.label) mine++;
      }
    }
    const i = y * columns + x;
    if (2 * mine > all) put(mask, i, ink);
    else if (erasable && before[i] === ink.label) mask.data[i] = 0;
  });
  return rect;
}

/** Signed distance to a class's edge over the whole grid: negative inside. Null where it is absent. */
function signedDistance(mask: Mask, label: number, aspect: number): Float64Array | null {
  if (isEmpty(boxOf(mask, label))) return null;
  const { rows, columns, data } = mask;
  const rect = { x0: 0, y0: 0, x1: columns, y1: rows };
  const outside = distance2(rect, (x, y) => data[y * columns + x] === label, aspect);
  const inside = distance2(rect, (x, y) => data[y * columns + x] !== label, aspect);
  const far = Math.hypot(columns, rows * aspect);
  return outside.map((d, i) =>
    d > 0 ? Math.sqrt(d) - 0.5 : 0.5 - Math.min(far, Math.sqrt(inside[i]!)),
  );
}

/**
 * The map between two drawn slices, `t` of the way from `a` to `b`: each class that both hold, by
 * linear interpolation of its signed distance (Raya and Udupa, "Shape-based interpolation", 1990).
 * Where classes meet, the one whose inside is deeper wins.
 */
export function interpolate(
  a: Mask,
  b: Mask,
  t: number,
  labels: readonly number[],
  aspect = 1,
): Mask {
  const data = new Uint8Array(a.data.length);
  const deepest = new Float64Array(a.data.length);
  for (const label of labels) {
    const from = signedDistance(a, label, aspect);
    const to = signedDistance(b, label, aspect);
    if (!from || !to) continue;
    for (let i = 0; i < data.length; i++) {
      const d = (1 - t) * from[i]! + t * to[i]!;
      if (d < 0 && d < deepest[i]!) {
        deepest[i] = d;
        data[i] = label;
      }
    }
  }
  return { rows: a.rows, columns: a.columns, data };
}
