import { bucketFill, growRegion, indexAt, paintRegion } from "../domain/regions";
import { type Board, Drag, type Spot, type Tool } from "./tool";

/** Bucket: one press fills what hangs together and has one label. States: idle, pressed. */
export class Bucket extends Drag implements Tool {
  readonly id = "bucket";
  busy = false;

  down(board: Board, spot: Spot): void {
    if (!board.drawable) return;
    const seed = indexAt(board.mask, spot.image);
    board.touched(bucketFill(board.mask, seed, board.ink("draw")));
    this.busy = true;
  }

  move(): void {}

  up(board: Board): void {
    if (!this.busy) return;
    this.busy = false;
    board.commit();
  }

  cancel(board: Board): boolean {
    if (!this.busy) return false;
    this.busy = false;
    board.revert();
    return true;
  }
}

/** How many CSS pixels of dragging make the tolerance the whole range of values. */
const DRAG = 800;
/** The tolerance of a click without a drag, as a share of the range of values. */
const FIRST = 0.04;

/**
 * Region growing: a press takes what hangs together and has about the value pressed on; dragging
 * right or up takes more, left or down less. States: idle (`seed` -1), dragging.
 */
export class RegionGrow extends Drag implements Tool {
  readonly id = "region";
  private seed = -1;
  private start = { x: 0, y: 0 };
  private tolerance = 0;

  get busy(): boolean {
    return this.seed >= 0;
  }

  down(board: Board, spot: Spot): void {
    if (!board.drawable) return;
    this.seed = indexAt(board.mask, spot.image);
    this.start = spot.screen;
    this.tolerance = FIRST * board.sampleSpan;
    if (this.busy) this.grow(board);
  }

  move(board: Board, spots: readonly Spot[]): void {
    const spot = spots.at(-1);
    if (!this.busy || !spot) return;
    const dragged = spot.screen.x - this.start.x - (spot.screen.y - this.start.y);
    const tolerance = Math.max(0, (FIRST + dragged / DRAG) * board.sampleSpan);
    if (tolerance === this.tolerance) return;
    this.tolerance = tolerance;
    board.revert();
    this.grow(board);
  }

  up(board: Board): void {
    if (!this.busy) return;
    this.seed = -1;
    board.commit();
  }

  cancel(board: Board): boolean {
    if (!this.busy) return false;
    this.seed = -1;
    board.revert();
    return true;
  }

  private grow(board: Board): void {
    const region = growRegion(board.mask, board.samples, this.seed, this.tolerance);
    board.touched(paintRegion(board.mask, region, board.ink("draw")));
  }
}
