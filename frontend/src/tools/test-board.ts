/** A board without a screen, for tests: a map, its history, and the rules of drawing. */
import { HOME, toImage, type View } from "../domain/geometry";
import { History } from "../domain/history";
import { FREE, type Ink, type InkRule, makeInk } from "../domain/ink";
import { countLabels, EMPTY_RECT, emptyMask, type Rect, union } from "../domain/mask";
import type { Measure } from "../domain/measure";
import type { BrushShape } from "../domain/ops";
import type { Samples, Window } from "../domain/window";
import type { Board, InkKind, Spot } from "./tool";

export class TestBoard implements Board {
  mask = emptyMask(40, 40);
  history = new History(this.mask);
  label = 1;
  shape: BrushShape = "round";
  radius = 2;
  samples: Samples = new Uint8Array(1600);
  sampleSpan = 200;
  rule: InkRule = FREE;
  range: [number, number] = [0, 255];
  measures: Measure[] = [];
  view: View = { ...HOME, scale: 10 };
  window: Window = { center: 50, width: 100 };
  valueSpan = 600;
  drawable = true;
  dirty: Rect = EMPTY_RECT;

  ink(kind: InkKind): Ink {
    if (kind === "erase") return makeInk(0, this.rule);
    const [low, high] = this.range;
    const { samples } = this;
    return makeInk(this.label, this.rule, kind === "threshold" ? { samples, low, high } : null);
  }
  measured(measure: Measure): void {
    this.measures = [measure];
  }
  touched(rect: Rect): void {
    this.dirty = union(this.dirty, rect);
  }
  commit(): void {
    this.history.commit(this.dirty);
    this.dirty = EMPTY_RECT;
  }
  revert(): void {
    this.history.revert(this.dirty);
    this.dirty = EMPTY_RECT;
  }
  at(x: number, y: number): Spot {
    const screen = { x: x * 10, y: y * 10 };
    return { screen, image: toImage(this.view, screen) };
  }
  drawn(): number {
    return 40 * 40 - countLabels(this.mask)[0]!;
  }
}
