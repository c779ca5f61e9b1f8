import { fillEllipse, fillRectangle, type Point } from "../domain/ops";
import { type Board, Drag, type Preview, type Spot, type Tool } from "./tool";

const FILL = { rectangle: fillRectangle, ellipse: fillEllipse } as const;
const SIDES = 48;

/** Rectangle and ellipse: drag from corner to corner. States: idle (`from` null), dragging. */
export class Box extends Drag implements Tool {
  private from: Point | null = null;
  private to: Point = { x: 0, y: 0 };

  constructor(readonly id: keyof typeof FILL) {
    super();
  }

  get busy(): boolean {
    return this.from !== null;
  }

  down(board: Board, spot: Spot): void {
    if (!board.drawable) return;
    this.from = spot.image;
    this.to = spot.image;
  }

  move(_board: Board, spots: readonly Spot[]): void {
    this.to = spots.at(-1)?.image ?? this.to;
  }

  up(board: Board, spot: Spot): void {
    if (!this.from) return;
    board.touched(FILL[this.id](board.mask, this.from, spot.image, board.ink("draw")));
    this.from = null;
    board.commit();
  }

  cancel(): boolean {
    const was = this.busy;
    this.from = null;
    return was;
  }

  override preview(): Preview | null {
    if (!this.from) return null;
    const { from, to } = this;
    if (this.id === "rectangle") {
      const points = [from, { x: to.x, y: from.y }, to, { x: from.x, y: to.y }];
      return { points, closed: true };
    }
    const points = Array.from({ length: SIDES }, (_, i) => {
      const angle = (2 * Math.PI * i) / SIDES;
      return {
        x: (from.x + to.x) / 2 + (Math.cos(angle) * (to.x - from.x)) / 2,
        y: (from.y + to.y) / 2 + (Math.sin(angle) * (to.y - from.y)) / 2,
      };
    });
    return { points, closed: true };
  }
}
