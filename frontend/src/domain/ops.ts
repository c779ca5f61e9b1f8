/**
 * Drawing on a label map. Points are in image coordinates: the pixel in column x, row y covers
 * [x, x+1) x [y, y+1) and is touched when its centre (x + 0.5, y + 0.5) is. Every operation
 * writes in place and returns the box it may have changed.
 */
import { clip, EMPTY_RECT, fullRect, isEmpty, type Mask, type Rect } from "./mask";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * A round brush drawn from `a` to `b`: every pixel whose centre is within `radius` of the segment.
 *
 * `aspect` is the height of a pixel over its width, so that the brush is round on the patient and
 * on the screen, where anisotropic pixels are drawn true; `radius` counts pixel widths.
 */
export function paintCapsule(
  mask: Mask,
  a: Point,
  b: Point,
  radius: number,
  label: number,
  aspect = 1,
): Rect {
  const reach = radius / aspect;
  const rect = clip(
    mask,
    Math.min(a.x, b.x) - radius,
    Math.min(a.y, b.y) - reach,
    Math.max(a.x, b.x) + radius,
    Math.max(a.y, b.y) + reach,
  );
  if (isEmpty(rect)) return EMPTY_RECT;
  const { data, columns } = mask;
  const bx = b.x - a.x;
  const by = (b.y - a.y) * aspect;
  const length2 = bx * bx + by * by;
  const r2 = radius * radius;
  for (let y = rect.y0; y < rect.y1; y++) {
    const py = (y + 0.5 - a.y) * aspect;
    const row = y * columns;
    for (let x = rect.x0; x < rect.x1; x++) {
      const px = x + 0.5 - a.x;
      let along = length2 === 0 ? 0 : (px * bx + py * by) / length2;
      along = Math.min(1, Math.max(0, along));
      const dx = px - along * bx;
      const dy = py - along * by;
      if (dx * dx + dy * dy <= r2) data[row + x] = label;
    }
  }
  return rect;
}

/**
 * Fill a closed outline by the even-odd rule, one scan line through each row of pixel centres.
 * The last point joins the first; fewer than three points enclose nothing.
 */
export function fillPolygon(mask: Mask, points: readonly Point[], label: number): Rect {
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
      // Centres with crossing <= x + 0.5 < next crossing are inside.
      const from = Math.max(0, Math.ceil(crossings[i]! - 0.5));
      const to = Math.min(mask.columns, Math.ceil(crossings[i + 1]! - 0.5));
      if (to > from) mask.data.fill(label, y * mask.columns + from, y * mask.columns + to);
    }
  }
  return rect;
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

/** Put another map of the same shape in place of this one. */
export function replaceAll(mask: Mask, other: Mask): Rect {
  mask.data.set(other.data);
  return fullRect(mask);
}

/** Erase what is still as `other` left it; what the reader drew or changed stays. */
export function clearEqual(mask: Mask, other: Mask): Rect {
  for (let i = 0; i < mask.data.length; i++) {
    if (other.data[i] !== 0 && mask.data[i] === other.data[i]) mask.data[i] = 0;
  }
  return fullRect(mask);
}
