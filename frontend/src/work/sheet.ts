/** What lies before the reader: the case, the slice drawn on, the image on show, and its surface. */
import type { ImageInfo } from "../api/client";
import { HOME, type View } from "../domain/geometry";
import type { Mask } from "../domain/mask";
import { greySamples } from "../domain/sampling";
import { autoWindow, type Pixels, type Samples } from "../domain/window";
import type { Surface } from "../viewer/surface";
import type { Case, Slice } from "./case";
import type { Store } from "./store";
import { outOfSight, type Ui } from "./ui";

export class Sheet {
  surface: Surface | null = null;
  work: Case | null = null;
  /** The place of the slice drawn on. */
  at = 0;
  valueSpan = 1;
  /** The image on show: that of the slice, or a neighbour's for context. */
  image: ImageInfo | null = null;
  private shown: Pixels | null = null;
  private grey: Samples | null = null;

  constructor(private readonly ui: Store<Ui>) {}

  get slice(): Slice | null {
    return this.work?.slices[this.at] ?? null;
  }

  get mask(): Mask {
    const { slice } = this;
    if (!slice) throw new Error("no case is shown");
    return slice.mask;
  }

  /** Of the image on show. */
  get pixels(): Pixels | null {
    return this.shown;
  }

  /** Another image is on show. */
  lay(image: ImageInfo, pixels: Pixels): void {
    this.image = image;
    this.shown = pixels;
    this.grey = null;
    this.valueSpan = autoWindow(pixels, 0, 100).width;
  }

  get samples(): Samples {
    if (!this.shown) throw new Error("no image is shown");
    this.grey ??= greySamples(this.shown);
    return this.grey;
  }

  get sampleSpan(): number {
    const slope = this.shown?.channels === 1 ? Math.abs(this.shown.slope) || 1 : 1;
    return this.valueSpan / slope;
  }

  get view(): View {
    return this.surface?.view ?? HOME;
  }

  get drawable(): boolean {
    const ui = this.ui.get();
    // While a frame is still on its way, the one before it is on show: no drawing on that.
    const there = this.work !== null && ui.classes.length > 0 && ui.mine && ui.arrived;
    return there && outOfSight(ui) === null;
  }

  /** The reader is at it: the time counts. */
  active(): void {
    this.work?.stopwatch.activity(performance.now() / 1000);
  }
}
