import type { Point } from "../domain/ops";
import { type Board, Drag, type Spot, type Tool } from "./tool";

/** Ruler: drag from end to end. States: idle (`from` null), dragging. Draws nothing on the mask. */
export class Ruler extends Drag implements Tool {
  readonly id = "ruler";
  private from: Point | null = null;

  get busy(): boolean {
    return this.from !== null;
  }

  down(_board: Board, spot: Spot): void {
    this.from = spot.image;
  }

  move(board: Board, spots: readonly Spot[]): void {
    const to = spots.at(-1)?.image;
    if (this.from && to) board.measured({ kind: "ruler", points: [this.from, to] });
  }

  up(board: Board, spot: Spot): void {
    if (!this.from) return;
    const moved = this.from.x !== spot.image.x || this.from.y !== spot.image.y;
    board.measured({ kind: "ruler", points: moved ? [this.from, spot.image] : [] });
    this.from = null;
  }

  cancel(board: Board): boolean {
    if (!this.from) return false;
    this.from = null;
    board.measured({ kind: "ruler", points: [] });
    return true;
  }
}

/** Angle: three clicks, the corner second. States: idle (no points), one or two points set. */
export class Angle extends Drag implements Tool {
  readonly id = "angle";
  private points: Point[] = [];

  get busy(): boolean {
    return this.points.length > 0;
  }

  down(board: Board, spot: Spot): void {
    this.points.push(spot.image);
    board.measured({ kind: "angle", points: [...this.points] });
    if (this.points.length === 3) this.points = [];
  }

  move(board: Board, spots: readonly Spot[]): void {
    const to = spots.at(-1)?.image;
    if (this.busy && to) board.measured({ kind: "angle", points: [...this.points, to] });
  }

  up(): void {}

  /** Half an angle is none, and must not stand in the way of what Enter does otherwise. */
  override finish(board: Board): boolean {
    return this.cancel(board);
  }

  cancel(board: Board): boolean {
    if (!this.busy) return false;
    this.points = [];
    board.measured({ kind: "angle", points: [] });
    return true;
  }

  override back(board: Board): boolean {
    if (!this.points.pop()) return false;
    board.measured({ kind: "angle", points: [...this.points] });
    return true;
  }
}
