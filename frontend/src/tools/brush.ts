import { type Point, paintCapsule } from "../domain/ops";
import type { Board, Preview, Spot, Tool } from "./tool";

/** Brush and eraser: a round pen. States: idle (`last` null), drawing. */
export class Brush implements Tool {
  private last: Point | null = null;

  constructor(readonly id: "brush" | "eraser") {}

  get busy(): boolean {
    return this.last !== null;
  }

  down(board: Board, spot: Spot): void {
    if (!board.drawable) return;
    this.draw(board, spot.image, spot.image);
  }

  move(board: Board, spots: readonly Spot[]): void {
    for (const { image } of spots) if (this.last) this.draw(board, this.last, image);
  }

  up(board: Board, spot: Spot): void {
    if (!this.last) return;
    if (this.last.x !== spot.image.x || this.last.y !== spot.image.y) {
      this.draw(board, this.last, spot.image);
    }
    this.last = null;
    board.commit();
  }

  finish(): boolean {
    return false;
  }

  cancel(board: Board): boolean {
    if (!this.last) return false;
    this.last = null;
    board.revert();
    return true;
  }

  preview(): Preview | null {
    return null;
  }

  private draw(board: Board, from: Point, to: Point): void {
    const label = this.id === "eraser" ? 0 : board.label;
    board.touched(paintCapsule(board.mask, from, to, board.radius, label, board.view.aspect));
    this.last = to;
  }
}
