import { type Point, paintStroke } from "../domain/ops";
import { type Board, Drag, type InkKind, type Spot, type Tool } from "./tool";

const KINDS = { brush: "draw", eraser: "erase", threshold: "threshold" } as const;

/** Brush, eraser and threshold brush: one pen with three inks. States: idle (`last` null), drawing. */
export class Brush extends Drag implements Tool {
  private last: Point | null = null;
  private readonly kind: InkKind;

  constructor(readonly id: keyof typeof KINDS) {
    super();
    this.kind = KINDS[id];
  }

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

  cancel(board: Board): boolean {
    if (!this.last) return false;
    this.last = null;
    board.revert();
    return true;
  }

  private draw(board: Board, from: Point, to: Point): void {
    const { shape, radius } = board;
    const brush = { shape, radius, aspect: board.view.aspect };
    board.touched(paintStroke(board.mask, from, to, brush, board.ink(this.kind)));
    this.last = to;
  }
}
