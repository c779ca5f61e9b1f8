/** How the image is looked at: where, how large and which way up, and through which window. */
import { type View, zoomAt } from "../domain/geometry";
import { autoWindow, type Window } from "../domain/window";
import type { Surface } from "../viewer/surface";
import { firstWindow } from "./case";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import type { Ui } from "./ui";

export class Optics {
  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
    /** End the act under way, where it cannot go on when the image is turned. */
    private readonly leave: () => void,
  ) {}

  get view(): View {
    return this.sheet.view;
  }

  set view(view: View) {
    const { surface } = this.sheet;
    if (surface) surface.view = view;
  }

  get window(): Window {
    return this.ui.get().window;
  }

  set window(window: Window) {
    const { surface } = this.sheet;
    if (surface) surface.window = window;
    this.ui.set({ window });
  }

  resetWindow(kind: "stored" | "auto"): void {
    const { work, pixels } = this.sheet;
    if (!work || !pixels) return;
    const { image } = work.assignment;
    this.setWindow(kind === "stored" ? firstWindow(image, pixels) : autoWindow(pixels));
  }

  /** Another window; whether dark and bright are changed over stays as it is. */
  setWindow({ center, width }: Window): void {
    this.window = { ...this.window, center, width };
  }

  invert(): void {
    this.window = { ...this.window, inverted: !this.window.inverted };
  }

  fit(): void {
    this.sheet.surface?.fit();
  }

  /** As stored, and the whole of it: nobody is to take left for right for a turn of the last case. */
  upright(): void {
    this.view = { ...this.view, turn: 0, mirrored: false };
    this.fit();
  }

  actualSize(): void {
    this.sheet.surface?.actualSize();
  }

  reorient(change: Parameters<Surface["reorient"]>[0]): void {
    this.leave();
    this.sheet.surface?.reorient(change);
  }

  zoom(factor: number): void {
    const size = this.sheet.surface?.size;
    if (size) this.view = zoomAt(this.view, { x: size.width / 2, y: size.height / 2 }, factor);
  }
}
