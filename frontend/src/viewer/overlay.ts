/** What is drawn on the screen's grid over image and labels: outlines, cursor, shapes at work. */
import { matrixOf, toScreen, type View } from "../domain/geometry";
import type { BrushShape, Point } from "../domain/ops";
import type { Preview } from "../tools/tool";
import { IGNORE_COLOUR, type Palette, type Strengths } from "./palette";

/** The outlines of one map; `colour` null: each label in its class's. */
export interface Outlines {
  readonly lines: ReadonlyMap<number, Float32Array>;
  readonly colour: string | null;
}

/** Outlines in colour over a dark line, seen on any grey. */
export function drawOutlines(
  canvas: HTMLCanvasElement,
  view: View,
  layers: readonly Outlines[],
  colours: Palette,
  strengths: Strengths,
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const ratio = window.devicePixelRatio || 1;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const [a, b, c, d, e, f] = matrixOf(view);
  for (const { lines, colour } of layers) {
    for (const [label, segments] of lines) {
      const strength = colour === null ? (strengths.get(label) ?? 1) : 1;
      if (strength === 0) continue;
      context.globalAlpha = strength;
      const path = new Path2D();
      for (let i = 0; i < segments.length; i += 4) {
        const [x0, y0, x1, y1] = [
          segments[i]!,
          segments[i + 1]!,
          segments[i + 2]!,
          segments[i + 3]!,
        ];
        path.moveTo(a * x0 + c * y0 + e, b * x0 + d * y0 + f);
        path.lineTo(a * x1 + c * y1 + e, b * x1 + d * y1 + f);
      }
      context.lineWidth = 3;
      context.strokeStyle = "rgb(0 0 0 / 55%)";
      context.stroke(path);
      context.lineWidth = 1.5;
      context.strokeStyle = colour ?? colours.get(label) ?? IGNORE_COLOUR;
      context.stroke(path);
    }
  }
}

/** Where a tool would draw: the brush's own shape, or a cross for tools that have none (radius 0). */
export interface Cursor {
  readonly at: Point;
  readonly radius: number;
  readonly shape: BrushShape;
}

/** The brush's outline, light over dark; a cross where it would be too small to see. */
export function drawCursor(context: CanvasRenderingContext2D, view: View, cursor: Cursor): void {
  const { x, y } = toScreen(view, cursor.at);
  const r = cursor.radius * view.scale;
  const path = new Path2D();
  if (r > 0 && cursor.shape === "round") path.arc(x, y, Math.max(r, 1.5), 0, 2 * Math.PI);
  else if (r > 0) path.rect(x - r, y - r, 2 * r, 2 * r);
  if (r < 6) {
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      path.moveTo(x + dx * (r + 3), y + dy * (r + 3));
      path.lineTo(x + dx * (r + 9), y + dy * (r + 9));
    }
  }
  twoTone(context, path);
}

export function drawPreview(context: CanvasRenderingContext2D, view: View, preview: Preview): void {
  const points = preview.points.map((point) => toScreen(view, point));
  const path = new Path2D();
  points.forEach(({ x, y }, i) => {
    if (i === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  });
  if (preview.closed) path.closePath();
  else if (points[0]) path.rect(points[0].x - 4, points[0].y - 4, 8, 8);
  twoTone(context, path);
}

/** A measurement with its result in words. */
export interface ShownMeasure {
  readonly points: readonly Point[];
  readonly text: string;
}

export function drawMeasure(
  context: CanvasRenderingContext2D,
  view: View,
  measure: ShownMeasure,
): void {
  const points = measure.points.map((point) => toScreen(view, point));
  const last = points.at(-1);
  if (!last) return;
  const path = new Path2D();
  for (const [i, { x, y }] of points.entries()) {
    if (i === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  }
  for (const { x, y } of points) {
    path.moveTo(x + 3, y);
    path.arc(x, y, 3, 0, 2 * Math.PI);
  }
  twoTone(context, path);
  context.font = "600 13px system-ui, sans-serif";
  context.lineWidth = 4;
  context.strokeStyle = "rgb(0 0 0 / 75%)";
  context.strokeText(measure.text, last.x + 10, last.y - 8);
  context.fillStyle = "#F2F6FA";
  context.fillText(measure.text, last.x + 10, last.y - 8);
}

function twoTone(context: CanvasRenderingContext2D, path: Path2D): void {
  context.lineWidth = 3;
  context.strokeStyle = "rgb(0 0 0 / 60%)";
  context.stroke(path);
  context.lineWidth = 1.25;
  context.strokeStyle = "#F2F6FA";
  context.stroke(path);
}
