/**
 * What a tool is. Each tool is a small state machine that touches typed arrays through a Board and
 * knows neither React nor the DOM. `cancel` returns to the state before the act began.
 */
import type { View } from "../domain/geometry";
import type { Mask, Rect } from "../domain/mask";
import type { Point } from "../domain/ops";
import type { Window } from "../domain/window";

export type ToolId = "brush" | "eraser" | "polygon" | "freehand" | "pan" | "window";

/** A pointer's place, in image coordinates and in CSS pixels of the surface. */
export interface Spot {
  readonly image: Point;
  readonly screen: Point;
}

/** What a tool may touch. */
export interface Board {
  readonly mask: Mask;
  /** The class to draw with. */
  readonly label: number;
  /** Brush radius in pixel widths. */
  readonly radius: number;
  view: View;
  window: Window;
  /** The span of values the image holds: one screen height of dragging covers it. */
  readonly valueSpan: number;
  /** False while only context is shown: tools that draw then do nothing. */
  readonly drawable: boolean;
  /** Paint this box of the working map again. */
  touched(rect: Rect): void;
  /** Keep what was drawn since the last commit as one step of the history. */
  commit(): void;
  /** Throw away what was drawn since the last commit. */
  revert(): void;
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
  /** Escape, or a second finger: back to the state before the act. Returns whether there was one. */
  cancel(board: Board): boolean;
  preview(): Preview | null;
}
