import { LiveWire } from "../domain/livewire";
import { fillPolygon, type Point } from "../domain/ops";
import { near } from "./outline";
import type { Board, Preview, Spot, Tool } from "./tool";

/**
 * Live-wire: a click sets an anchor, and the outline clings to edges on its way to the pointer; a
 * click on the first anchor, a double click or Enter closes and fills. States: idle, placing,
 * closing (from the last press until it is let go).
 */
export class Wire implements Tool {
  readonly id = "livewire";
  private wire: LiveWire | null = null;
  private anchors: Spot[] = [];
  /** The way to each anchor but the first. */
  private placed: Point[][] = [];
  private ahead: Point[] = [];
  /** A press becomes a pinch by a second finger: until it is let go it fills nothing. */
  private closing = false;

  get busy(): boolean {
    return this.anchors.length > 0;
  }

  down(board: Board, spot: Spot): void {
    if (!board.drawable) return;
    const first = this.anchors[0];
    const last = this.anchors.at(-1);
    if (first && this.anchors.length >= 2 && near(board, first, spot)) {
      this.closing = true;
      return;
    }
    // The second press of a double click lands on the anchor just set.
    if (last && this.anchors.length >= 2 && near(board, last, spot, 3)) {
      this.closing = true;
      return;
    }
    if (this.wire) this.placed.push(this.wire.path(spot.image));
    else this.wire = new LiveWire(board.mask, board.samples, board.view.aspect);
    this.wire.start(spot.image);
    this.anchors.push(spot);
    this.ahead = [];
  }

  move(_board: Board, spots: readonly Spot[]): void {
    const to = spots.at(-1)?.image;
    if (this.wire && to) this.ahead = this.wire.path(to);
  }

  up(board: Board): void {
    if (this.closing) this.finish(board);
  }

  finish(board: Board): boolean {
    const first = this.anchors[0];
    if (!first || !this.wire) return false;
    const outline = [...this.placed.flat(), ...this.wire.path(first.image)];
    this.forget();
    board.touched(fillPolygon(board.mask, outline, board.ink("draw")));
    board.commit();
    return true;
  }

  cancel(): boolean {
    const was = this.busy;
    this.forget();
    return was;
  }

  back(): boolean {
    if (this.closing) {
      this.closing = false;
      return true;
    }
    if (!this.anchors.pop()) return false;
    const last = this.anchors.at(-1);
    if (!last) this.forget();
    else this.wire?.start(last.image);
    this.placed.pop();
    this.ahead = [];
    return true;
  }

  preview(): Preview | null {
    const first = this.anchors[0];
    if (!first) return null;
    return { points: [first.image, ...this.placed.flat(), ...this.ahead], closed: false };
  }

  private forget(): void {
    this.wire = null;
    this.anchors = [];
    this.placed = [];
    this.ahead = [];
    this.closing = false;
  }
}
