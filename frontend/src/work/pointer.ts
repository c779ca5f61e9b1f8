/** The pointer over the image: the tool's tip, and the value under it. */
import type { Point } from "../domain/ops";
import { valueAt } from "../domain/window";
import type { Spot } from "../tools/tool";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import type { Ui } from "./ui";

export class Pointer {
  private at: Point | null = null;
  private frame = 0;

  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
  ) {}

  hover(spot: Spot | null): void {
    this.at = spot?.image ?? null;
    this.sheet.active();
    this.draw();
    if (this.frame !== 0) return;
    // Once a frame is enough for the eye; React then draws outside the pointer's handler.
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const { at } = this;
      const { pixels } = this.sheet;
      this.ui.set({ value: at && pixels ? valueAt(pixels, at.x, at.y) : null });
    });
  }

  draw(): void {
    const { tool, radius, shape } = this.ui.get();
    const { surface, drawable } = this.sheet;
    const at = tool === "pan" || tool === "window" || !drawable ? null : this.at;
    const pen = tool === "brush" || tool === "eraser" || tool === "threshold";
    surface?.setCursor(at ? { at, radius: pen ? radius : 0, shape } : null);
  }
}
