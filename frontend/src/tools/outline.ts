import { fillPolygon, type Point } from "../domain/ops";
import { type Board, Drag, type Preview, type Spot, type Tool } from "./tool";

/** How near the first corner (CSS pixels) a click closes the polygon. */
const CLOSE_WITHIN = 8;
/** Freehand keeps a point every so many CSS pixels. */
const STEP = 1.5;

/**
 * Polygon: a click sets a corner; a click on the first corner, a double click or Enter fills.
 * States: idle (no points), placing, closing (from the last press until it is let go).
 */
export class Polygon implements Tool {
  readonly id = "polygon";
  private corners: Spot[] = [];
  private hover: Point | null = null;
  /** A press becomes a pinch by a second finger: until it is let go it fills nothing. */
  private closing = false;

  get busy(): boolean {
    return this.corners.length > 0;
  }

  down(board: Board, spot: Spot): void {
    if (!board.drawable) return;
    const first = this.corners[0];
    const last = this.corners.at(-1);
    if (first && this.corners.length >= 3 && near(board, first, spot)) this.closing = true;
    // The second press of a double click lands on the corner just set.
    else if (last && this.corners.length >= 3 && near(board, last, spot, 3)) this.closing = true;
    else this.corners.push(spot);
  }

  move(_board: Board, spots: readonly Spot[]): void {
    this.hover = spots.at(-1)?.image ?? this.hover;
  }

  up(board: Board): void {
    if (this.closing) this.finish(board);
  }

  finish(board: Board): boolean {
    if (!this.busy) return false;
    const points = this.corners.map((corner) => corner.image);
    this.forget();
    board.touched(fillPolygon(board.mask, points, board.ink("draw")));
    board.commit();
    return true;
  }

  cancel(): boolean {
    const was = this.busy;
    this.forget();
    return was;
  }

  back(): boolean {
    this.hover = null;
    if (!this.closing) return this.corners.pop() !== undefined;
    this.closing = false;
    return true;
  }

  preview(): Preview | null {
    if (!this.busy) return null;
    const points = this.corners.map((corner) => corner.image);
    return { points: this.hover ? [...points, this.hover] : points, closed: false };
  }

  private forget(): void {
    this.corners = [];
    this.hover = null;
    this.closing = false;
  }
}

export function near(board: Board, corner: Spot, spot: Spot, within = CLOSE_WITHIN): boolean {
  const { scale, aspect } = board.view;
  const dx = (corner.image.x - spot.image.x) * scale;
  const dy = (corner.image.y - spot.image.y) * scale * aspect;
  return Math.hypot(dx, dy) <= within;
}

/** Freehand: drag around an area; letting go closes and fills it. States: idle, drawing. */
export class Freehand extends Drag implements Tool {
  readonly id = "freehand";
  private trace: Spot[] = [];

  get busy(): boolean {
    return this.trace.length > 0;
  }

  down(board: Board, spot: Spot): void {
    if (board.drawable) this.trace = [spot];
  }

  move(_board: Board, spots: readonly Spot[]): void {
    for (const spot of spots) {
      const last = this.trace.at(-1);
      if (!last) return;
      const { x, y } = last.screen;
      if (Math.hypot(spot.screen.x - x, spot.screen.y - y) >= STEP) this.trace.push(spot);
    }
  }

  up(board: Board, spot: Spot): void {
    if (!this.busy) return;
    const points = [...this.trace, spot].map((each) => each.image);
    this.trace = [];
    board.touched(fillPolygon(board.mask, points, board.ink("draw")));
    board.commit();
  }

  cancel(): boolean {
    const was = this.busy;
    this.trace = [];
    return was;
  }

  override preview(): Preview | null {
    return this.busy ? { points: this.trace.map((spot) => spot.image), closed: true } : null;
  }
}
