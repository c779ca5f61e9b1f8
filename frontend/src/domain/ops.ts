/**
 * Shapes on a label map. Points are in image coordinates: the pixel in column x, row y covers
 * [x, x+1) x [y, y+1) and is touched when its centre (x + 0.5, y + 0.5) is. Every operation
 * writes in place, by the rules of its ink, and returns the box it may have changed.
 */
import { type Ink, put, putRow } from "./ink";
import { clip, EMPTY_RECT, fullRect, isEmpty, type Mask, type Rect } from "./mask";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export type BrushShape = "round" | "square";

/**
 * A brush drawn from `a` to `b`: every pixel whose centre the moving shape covers. A round one
 * covers what is within `radius` of the segment, a square one what is within `radius` of one of
 * its points along each axis.
 *
 * `aspect` is the height of a pixel over its width, so that the brush keeps its shape on the
 * patient and on the screen, where anisotropic pixels are drawn true; `radius` counts pixel widths.
 */
export function paintStroke(
  mask: Mask,
  a: Point,
  b: Point,
  brush: { readonly shape: BrushShape; readonly radius: number; readonly aspect: number },
  ink: Ink,
): Rect {
  const { radius, aspect } = brush;
  const reach = radius / aspect;
  const rect = clip(
    mask,
    Math.min(a.x, b.x) - radius,
    Math.min(a.y, b.y) - reach,
    Math.max(a.x, b.x) + radius,
    Math.max(a.y, b.y) + reach,
  );
  if (isEmpty(rect)) return EMPTY_RECT;
  const round = brush.shape === "round";
  const covers = round ? inCapsule : inSweptSquare;
  const bx = b.x - a.x;
  const by = (b.y - a.y) * aspect;
  for (let y = rect.y0; y < rect.y1; y++) {
    const py = (y + 0.5 - a.y) * aspect;
    // What is covered of a row hangs together: its ends are computed, and then made exact.
    let from = left(round, py, bx, by, radius);
    let to = -left(round, py, -bx, by, radius);
    from = Math.max(rect.x0, Math.floor(a.x + from - 0.5));
    to = Math.min(rect.x1, Math.ceil(a.x + to + 0.5));
    while (from < to && !covers(from + 0.5 - a.x, py, bx, by, radius)) from++;
    while (from < to && !covers(to - 0.5 - a.x, py, bx, by, radius)) to--;
    if (from < to) putRow(mask, y, from, to, ink);
  }
  return rect;
}

/**
 * The left end, to a rounding error, of what a brush on its way from the origin to b covers at the
 * height py; any number where that is nothing.
 */
function left(round: boolean, py: number, bx: number, by: number, radius: number): number {
  if (!round) {
    const [from, to] = by === 0 ? [0, 1] : [clamp((py - radius) / by), clamp((py + radius) / by)];
    return Math.min(from * bx, to * bx) - radius;
  }
  // The disc whose left end at this height lies farthest left: where the outer tangent touches it.
  const tangent = (radius * bx * Math.sign(by)) / Math.hypot(bx, by);
  const t = by === 0 ? Number(bx < 0) : clamp((py - tangent) / by);
  const high = py - t * by;
  return t * bx - Math.sqrt(Math.max(0, radius * radius - high * high));
}

function clamp(t: number): number {
  return Math.min(1, Math.max(0, t));
}

/** Whether p lies within `radius` of the segment from the origin to b. */
function inCapsule(px: number, py: number, bx: number, by: number, radius: number): boolean {
  const length2 = bx * bx + by * by;
  const along = length2 === 0 ? 0 : clamp((px * bx + py * by) / length2);
  const dx = px - along * bx;
  const dy = py - along * by;
  return dx * dx + dy * dy <= radius * radius;
}

/** Whether p lies within `radius`, along each axis, of one and the same point of the segment. */
function inSweptSquare(px: number, py: number, bx: number, by: number, radius: number): boolean {
  let from = 0;
  let to = 1;
  for (let axis = 0; axis < 2; axis++) {
    const p = axis === 0 ? px : py;
    const b = axis === 0 ? bx : by;
    if (b === 0) {
      if (Math.abs(p) > radius) return false;
      continue;
    }
    const first = (p - radius) / b;
    const last = (p + radius) / b;
    from = Math.max(from, Math.min(first, last));
    to = Math.min(to, Math.max(first, last));
  }
  return from <= to;
}

/**
 * Fill a closed outline by the even-odd rule, one scan line through each row of pixel centres.
 * The last point joins the first; fewer than three points enclose nothing.
 */
export function fillPolygon(mask: Mask, points: readonly Point[], ink: Ink): Rect {
  if (points.length < 3) return EMPTY_RECT;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const rect = clip(mask, left, top, right, bottom);
  if (isEmpty(rect)) return EMPTY_RECT;
  for (let y = rect.y0; y < rect.y1; y++) {
    const crossings = crossingsAt(points, y + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      fillBetween(mask, y, crossings[i]!, crossings[i + 1]!, ink);
    }
  }
  return rect;
}

/** Fill one row's pixels whose centres lie in left <= x + 0.5 < right. */
function fillBetween(mask: Mask, y: number, left: number, right: number, ink: Ink): void {
  const from = Math.max(0, Math.ceil(left - 0.5));
  const to = Math.min(mask.columns, Math.ceil(right - 0.5));
  if (to > from) putRow(mask, y, from, to, ink);
}

/** Where the outline crosses one horizontal line, left to right. An edge owns its upper end only. */
function crossingsAt(points: readonly Point[], y: number): number[] {
  const xs: number[] = [];
  for (let i = 0; i < points.length; i++) {
    const p = points[i]!;
    const q = points[(i + 1) % points.length]!;
    if (p.y <= y === q.y <= y) continue;
    xs.push(p.x + ((y - p.y) / (q.y - p.y)) * (q.x - p.x));
  }
  return xs.sort((m, n) => m - n);
}

/** Fill the box between two opposite corners. */
export function fillRectangle(mask: Mask, a: Point, b: Point, ink: Ink): Rect {
  const corners = [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
  return fillPolygon(mask, corners, ink);
}

/** Fill the ellipse inscribed in the box between two opposite corners. */
export function fillEllipse(mask: Mask, a: Point, b: Point, ink: Ink): Rect {
  const rx = Math.abs(b.x - a.x) / 2;
  const ry = Math.abs(b.y - a.y) / 2;
  const cx = (a.x + b.x) / 2;
  const cy = (a.y + b.y) / 2;
  const rect = clip(mask, cx - rx, cy - ry, cx + rx, cy + ry);
  if (isEmpty(rect) || rx === 0 || ry === 0) return EMPTY_RECT;
  for (let y = rect.y0; y < rect.y1; y++) {
    const v = (y + 0.5 - cy) / ry;
    if (Math.abs(v) > 1) continue;
    const half = rx * Math.sqrt(1 - v * v);
    fillBetween(mask, y, cx - half, cx + half, ink);
  }
  return rect;
}

/**
 * Put another map in place of this one, but for labels that may not be replaced (256 flags), and
 * for those of the other map that may not be written.
 */
export function replaceAll(
  mask: Mask,
  other: Mask,
  over: Uint8Array,
  unwritten: ReadonlySet<number>,
): Rect {
  for (let i = 0; i < mask.data.length; i++) {
    const label = other.data[i]!;
    if (over[mask.data[i]!] && !unwritten.has(label)) mask.data[i] = label;
  }
  return fullRect(mask);
}

/** Erase what is still as `other` left it; what the reader drew, changed or protects stays. */
export function clearEqual(mask: Mask, other: Mask, over: Uint8Array): Rect {
  for (let i = 0; i < mask.data.length; i++) {
    const label = mask.data[i]!;
    if (label !== 0 && other.data[i] === label && over[label]) mask.data[i] = 0;
  }
  return fullRect(mask);
}

/** Take one class over from another map: drawn where it has it, by the ink, and nowhere else. */
export function copyClass(mask: Mask, other: Mask, ink: Ink): Rect {
  const free = ink.over[ink.label] === 1;
  for (let i = 0; i < mask.data.length; i++) {
    if (other.data[i] === ink.label) put(mask, i, ink);
    else if (free && mask.data[i] === ink.label) mask.data[i] = 0;
  }
  return fullRect(mask);
}

/** Every pixel of one label becomes another. */
export function replaceLabel(mask: Mask, from: number, to: number): Rect {
  for (let i = 0; i < mask.data.length; i++) if (mask.data[i] === from) mask.data[i] = to;
  return fullRect(mask);
}

/** Two labels change places. */
export function swapLabels(mask: Mask, a: number, b: number): Rect {
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === a) mask.data[i] = b;
    else if (mask.data[i] === b) mask.data[i] = a;
  }
  return fullRect(mask);
}
