/** What is drawn on the screen's grid over image and labels: outlines, cursor, shapes at work. */
import { toScreen, type View } from "../domain/geometry";
import type { Point } from "../domain/ops";
import type { Preview } from "../tools/tool";
import { IGNORE_COLOUR, type Palette } from "./palette";

/** The outlines of the suggestion: dashed in the class colour over a dark line, seen on any grey. */
export function drawContours(
  canvas: HTMLCanvasElement,
  view: View,
  outlines: ReadonlyMap<number, Float32Array> | null,
  colours: Palette,
): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!outlines) return;
  const ratio = window.devicePixelRatio || 1;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const [sx, sy] = [view.scale, view.scale * view.aspect];
  for (const [label, segments] of outlines) {
    const path = new Path2D();
    for (let i = 0; i < segments.length; i += 4) {
      path.moveTo(view.left + segments[i]! * sx, view.top + segments[i + 1]! * sy);
      path.lineTo(view.left + segments[i + 2]! * sx, view.top + segments[i + 3]! * sy);
    }
    context.lineWidth = 3;
    context.strokeStyle = "rgb(0 0 0 / 55%)";
    context.stroke(path);
    context.lineWidth = 1.5;
    context.strokeStyle = colours.get(label) ?? IGNORE_COLOUR;
    context.stroke(path);
  }
}

/** A ring as large as the brush, light over dark; a cross where it would be too small to see. */
export function drawCursor(
  context: CanvasRenderingContext2D,
  view: View,
  at: Point,
  radius: number,
): void {
  const { x, y } = toScreen(view, at);
  const r = radius * view.scale;
  const path = new Path2D();
  if (r > 0) path.arc(x, y, Math.max(r, 1.5), 0, 2 * Math.PI);
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

function twoTone(context: CanvasRenderingContext2D, path: Path2D): void {
  context.lineWidth = 3;
  context.strokeStyle = "rgb(0 0 0 / 60%)";
  context.stroke(path);
  context.lineWidth = 1.25;
  context.strokeStyle = "#F2F6FA";
  context.stroke(path);
}
