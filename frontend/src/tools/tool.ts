/**
 * What a tool is. Each tool is a small state machine that touches typed arrays through a Board and
 * knows neither React nor the DOM. `cancel` returns to the state before the act began.
 */
import type { View } from "../domain/geometry";
import type { Ink } from "../domain/ink";
import type { Mask, Rect } from "../domain/mask";
import type { Measure } from "../domain/measure";
import type { BrushShape, Point } from "../domain/ops";
import type { Samples, Window } from "../domain/window";

export type ToolId =
  | "brush"
  | "eraser"
  | "threshold"
  | "polygon"
  | "freehand"
  | "livewire"
  | "rectangle"
  | "ellipse"
  | "bucket"
  | "region"
  | "ruler"
  | "angle"
  | "pan"
  | "window";

/** Which rules an act of drawing follows: the class's, the eraser's, or the class's within a range. */
export type InkKind = "draw" | "erase" | "threshold";

/** A pointer's place, in image coordinates and in CSS pixels of the surface. */
export interface Spot {
  readonly image: Point;
  readonly screen: Point;
}

/** What a tool may touch. */
export interface Board {
  readonly mask: Mask;
  readonly shape: BrushShape;
  /** Brush radius in pixel widths. */
  readonly radius: number;
  /** One number a pixel of the image on show. */
  readonly samples: Samples;
  view: View;
  window: Window;
  /** The span of modality values the image holds: a whole screen of dragging covers it. */
  readonly valueSpan: number;
  /** The same span in stored samples. */
  readonly sampleSpan: number;
  /** False while only context is shown: tools that draw then do nothing. */
  readonly drawable: boolean;
  ink(kind: InkKind): Ink;
  /** Paint this box of the working map again. */
  touched(rect: Rect): void;
  /** Keep what was drawn since the last commit as one step of the history. */
  commit(): void;
  /** Throw away what was drawn since the last commit. */
  revert(): void;
  /** Keep a measurement on show until the next one of its kind. */
  measured(measure: Measure): void;
}

/** What the overlay draws for a tool that is at work. */
export interface Preview {
  readonly points: readonly Point[];
  readonly closed: boolean;
}

export interface Tool {
  readonly id: ToolId;
  /** True between the beginning and the end of an act. */
  readonly busy: boolean;
  down(board: Board, spot: Spot): void;
  /** All spots since the last call, coalesced events included. */
  move(board: Board, spots: readonly Spot[]): void;
  up(board: Board, spot: Spot): void;
  /** Enter, or a double click: finish an act of several clicks. Returns whether there was one. */
  finish(board: Board): boolean;
  /** Escape: back to the state before the act. Returns whether there was one. */
  cancel(board: Board): boolean;
  /** Undo, or a second finger: take back the last press of the act. Returns whether there was one. */
  back(board: Board): boolean;
  preview(): Preview | null;
}

/** A tool whose acts are one press and drag: nothing to finish by Enter, nothing to preview. */
export abstract class Drag {
  abstract cancel(board: Board): boolean;

  back(board: Board): boolean {
    return this.cancel(board);
  }

  finish(_board: Board): boolean {
    return false;
  }

  preview(): Preview | null {
    return null;
  }
}
