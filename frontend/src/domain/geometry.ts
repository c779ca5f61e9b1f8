/**
 * Where the image lies on the screen. Image coordinates count pixels with centres at +0.5; screen
 * coordinates are CSS pixels from the top left corner of the surface. `aspect` is the height of a
 * pixel over its width (row spacing over column spacing), so anisotropic images are drawn true.
 */
import type { Point } from "./ops";

export interface View {
  /** CSS pixels a column. */
  readonly scale: number;
  /** Where the corner (0, 0) of the image lies. */
  readonly left: number;
  readonly top: number;
  readonly aspect: number;
  /** Quarter turns clockwise, done first. */
  readonly turn: Turn;
  /** Left and right of the screen are changed over, done last. */
  readonly mirrored: boolean;
}

export type Turn = 0 | 1 | 2 | 3;

export const HOME: View = { scale: 1, left: 0, top: 0, aspect: 1, turn: 0, mirrored: false };

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

type Matrix = readonly [a: number, b: number, c: number, d: number];

const TURNS: readonly Matrix[] = [
  [1, 0, 0, 1],
  [0, -1, 1, 0],
  [-1, 0, 0, -1],
  [0, 1, -1, 0],
];

/** The orientation alone: screen = (a x + b y, c x + d y). Its inverse is its transpose. */
export function orientation({ turn, mirrored }: Pick<View, "turn" | "mirrored">): Matrix {
  const [a, b, c, d] = TURNS[turn]!;
  return mirrored ? [-a, -b, c, d] : [a, b, c, d];
}

/** The six numbers of a CSS or canvas matrix from image to screen coordinates. */
export function matrixOf(view: View): [number, number, number, number, number, number] {
  const { scale, aspect, left, top } = view;
  const [a, b, c, d] = orientation(view);
  return [a * scale, c * scale, b * scale * aspect, d * scale * aspect, left, top];
}

export function toScreen(view: View, point: Point): Point {
  const [a, b, c, d, e, f] = matrixOf(view);
  return { x: a * point.x + c * point.y + e, y: b * point.x + d * point.y + f };
}

export function toImage(view: View, point: Point): Point {
  const [a, b, c, d] = orientation(view);
  const u = (point.x - view.left) / view.scale;
  const v = (point.y - view.top) / view.scale;
  return { x: a * u + c * v, y: (b * u + d * v) / view.aspect };
}

/** The view that shows the whole image, centred, as large as it can, with a margin in CSS pixels. */
export function fit(
  rows: number,
  columns: number,
  size: Size,
  view: Pick<View, "aspect" | "turn" | "mirrored">,
  margin = 12,
): View {
  const width = Math.max(1, size.width - 2 * margin);
  const height = Math.max(1, size.height - 2 * margin);
  const [across, down] =
    view.turn % 2 === 0 ? [columns, rows * view.aspect] : [rows * view.aspect, columns];
  const scale = clampScale(Math.min(width / across, height / down));
  return centred({ ...HOME, ...view, scale }, { x: columns / 2, y: rows / 2 }, size);
}

/** The same view moved so that an image point lies in the middle of the screen. */
export function centred(view: View, point: Point, size: Size): View {
  const now = toScreen({ ...view, left: 0, top: 0 }, point);
  return { ...view, left: size.width / 2 - now.x, top: size.height / 2 - now.y };
}

/** Turn by quarters clockwise, or mirror, what the screen shows; its middle stays where it is. */
export function reorient(
  view: View,
  change: "turn" | "turnBack" | "mirror" | "flip",
  size: Size,
): View {
  const middle = toImage(view, { x: size.width / 2, y: size.height / 2 });
  const quarters = { turn: 1, turnBack: 3, mirror: 0, flip: 2 }[change];
  const mirrored = change === "mirror" || change === "flip" ? !view.mirrored : view.mirrored;
  // Mirroring comes last, so under it a turn of the screen is a turn of the image the other way.
  const signed = view.mirrored ? 4 - quarters : quarters;
  const turn = ((view.turn + signed) % 4) as Turn;
  return centred({ ...view, turn, mirrored }, middle, size);
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
