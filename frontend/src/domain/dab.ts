/** A round stroke without rules, for tests. */
import { makeInk } from "./ink";
import type { Mask, Rect } from "./mask";
import { type Point, paintStroke } from "./ops";

export function dab(
  mask: Mask,
  a: Point,
  b: Point,
  radius: number,
  label: number,
  aspect = 1,
): Rect {
  return paintStroke(mask, a, b, { shape: "round", radius, aspect }, makeInk(label));
}
