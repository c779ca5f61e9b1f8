import { pan, type View } from "../domain/geometry";
import type { Window } from "../domain/window";
import { type Board, Drag, type Spot, type Tool } from "./tool";

/** How many CSS pixels of dragging cross the whole range of values. */
const DRAG = 600;

/** Move the image. States: idle (`start` null), dragging. */
export class Pan extends Drag implements Tool {
  readonly id = "pan";
  private start: { view: View; spot: Spot } | null = null;

  get busy(): boolean {
    return this.start !== null;
  }

  down(board: Board, spot: Spot): void {
    this.start = { view: board.view, spot };
  }

  move(board: Board, spots: readonly Spot[]): void {
    const spot = spots.at(-1);
    if (!this.start || !spot) return;
    const { x, y } = this.start.spot.screen;
    board.view = pan(this.start.view, spot.screen.x - x, spot.screen.y - y);
  }

  up(): void {
    this.start = null;
  }

  cancel(board: Board): boolean {
    if (!this.start) return false;
    board.view = this.start.view;
    this.start = null;
    return true;
  }
}

/** Window and level: across widens, down darkens the level (brightens the image), as on reading stations. */
export class WindowLevel extends Drag implements Tool {
  readonly id = "window";
  private start: { window: Window; spot: Spot } | null = null;

  get busy(): boolean {
    return this.start !== null;
  }

  down(board: Board, spot: Spot): void {
    this.start = { window: board.window, spot };
  }

  move(board: Board, spots: readonly Spot[]): void {
    const spot = spots.at(-1);
    if (!this.start || !spot) return;
    const unit = board.valueSpan / DRAG;
    const { window } = this.start;
    const across = spot.screen.x - this.start.spot.screen.x;
    const down = spot.screen.y - this.start.spot.screen.y;
    board.window = {
      ...window,
      width: Math.max(unit, window.width + across * unit),
      center: window.center - down * unit,
    };
  }

  up(): void {
    this.start = null;
  }

  cancel(board: Board): boolean {
    if (!this.start) return false;
    board.window = this.start.window;
    this.start = null;
    return true;
  }
}
