/**
 * Where the image lies on the screen. Image coordinates count pixels with centres at +0.5; screen
 * coordinates are CSS pixels from the top left corner of the surface. `aspect` is the height of a
 * pixel over its width (row spacing over column spacing), so anisotropic images are drawn true.
 */
import type { Point } from "./ops";

export interface View {
  /** CSS pixels a column. */
  readonly scale: number;
  readonly left: number;
  readonly top: number;
  readonly aspect: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const MIN_SCALE = 0.05;
export const MAX_SCALE = 64;

/** Row spacing over column spacing; 1 when the image states none or nonsense. */
export function aspectOf(spacing: readonly number[] | null | undefined): number {
  const [row, column] = spacing ?? [];
  if (!row || !column || row <= 0 || column <= 0) return 1;
  return row / column;
}

export function toScreen(view: View, point: Point): Point {
  return {
    x: view.left + point.x * view.scale,
    y: view.top + point.y * view.scale * view.aspect,
  };
}

export function toImage(view: View, point: Point): Point {
  return {
    x: (point.x - view.left) / view.scale,
    y: (point.y - view.top) / (view.scale * view.aspect),
  };
}

/** The largest centred view that shows the whole image, with a margin in CSS pixels. */
export function fit(rows: number, columns: number, aspect: number, size: Size, margin = 12): View {
  const width = Math.max(1, size.width - 2 * margin);
  const height = Math.max(1, size.height - 2 * margin);
  const scale = clampScale(Math.min(width / columns, height / (rows * aspect)));
  return {
    scale,
    aspect,
    left: (size.width - columns * scale) / 2,
    top: (size.height - rows * scale * aspect) / 2,
  };
}

/** Zoom by `factor` so that what lies under `at` (screen) stays there. */
export function zoomAt(view: View, at: Point, factor: number): View {
  const scale = clampScale(view.scale * factor);
  const real = scale / view.scale;
  return {
    ...view,
    scale,
    left: at.x - (at.x - view.left) * real,
    top: at.y - (at.y - view.top) * real,
  };
}

export function pan(view: View, dx: number, dy: number): View {
  return { ...view, left: view.left + dx, top: view.top + dy };
}

/** Two fingers: what was under the old middle lies under the new one, scaled by their distance. */
export function pinch(view: View, from: [Point, Point], to: [Point, Point]): View {
  const middle = (p: [Point, Point]) => ({ x: (p[0].x + p[1].x) / 2, y: (p[0].y + p[1].y) / 2 });
  const apart = (p: [Point, Point]) => Math.hypot(p[0].x - p[1].x, p[0].y - p[1].y);
  const [a, b] = [middle(from), middle(to)];
  const factor = apart(from) > 0 ? apart(to) / apart(from) : 1;
  return zoomAt(pan(view, b.x - a.x, b.y - a.y), b, factor);
}

/** A round length in mm for the scale bar, at most `longest` CSS pixels; null without spacing. */
export function scaleBar(
  view: View,
  spacing: readonly number[] | null | undefined,
  longest = 120,
): { millimetres: number; pixels: number } | null {
  const column = spacing?.[1];
  if (!column || column <= 0) return null;
  const perMillimetre = view.scale / column;
  const room = longest / perMillimetre;
  const power = 10 ** Math.floor(Math.log10(room));
  const millimetres = [5, 2, 1].map((n) => n * power).find((n) => n <= room) ?? power;
  return { millimetres, pixels: millimetres * perMillimetre };
}

function clampScale(scale: number): number {
  return Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale));
}
