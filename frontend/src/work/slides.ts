/** The series of the case at hand, one frame on show: stepping through it, and running as cine. */
import type { ImageInfo } from "../api/client";
import type { Pixels } from "../domain/window";
import type { Case, Slice } from "./case";
import { Frames } from "./frames";
import type { Server } from "./server";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import { lacking, type Part, type Ui } from "./ui";
import { imageFile, labelFile } from "./volume";

/** Frames a second in cine. */
const CINE_RATE = 12;

/** What hangs on the frame on show. */
interface Acts {
  /** Whether what is being drawn on the frame on show is not done: none other may come then. */
  stay(): boolean;
  /** End the act under way: another frame is to come. */
  leave(): void;
  /** Another frame is on show, or on its way. */
  moved(): void;
  /** Its pixels are on the surface. */
  painted(): void;
  /** The frames of the series are known. */
  opened(): void;
}

export class Slides {
  private readonly frames: Frames;
  private images: readonly ImageInfo[] = [];
  /** The slice that each frame of the series is; -1 where a frame is only context. */
  places: readonly number[] = [0];
  /** The frame that could not be fetched. */
  private missing: number | null = null;
  private film: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
    server: Server,
    private readonly acts: Acts,
  ) {
    this.frames = new Frames(server);
  }

  /** Another case: until its series is known, its own image is all there is. */
  follow(work: Case): void {
    this.images = [];
    this.frames.rest();
    this.setCine(false);
    this.sheet.at = work.own;
    this.places = [work.own];
    const slices = work.slices.length;
    this.ui.set({ frame: 0, ownFrame: 0, frames: 1, mine: true, slices, lacking: [] });
  }

  async open(work: Case): Promise<void> {
    const { series, image } = work.assignment;
    if (series.count < 2) return;
    const frames = await this.frames.open(series.id).catch(() => null);
    if (this.sheet.work !== work) return;
    this.lacks("series", frames === null);
    const own = frames?.findIndex((frame) => frame.id === image.id) ?? -1;
    if (!frames || own < 0) return;
    this.images = frames;
    const places = new Map(work.slices.map((slice, place) => [slice.image.id, place]));
    this.places = frames.map((frame) => places.get(frame.id) ?? -1);
    this.ui.set({ frame: own, ownFrame: own, frames: frames.length });
    this.frames.warm(frames, own);
    this.acts.opened();
  }

  /** Whether every slice of the case can be gone to. */
  get complete(): boolean {
    const { slices, frames } = this.ui.get();
    return slices <= frames;
  }

  /** Fetch what could not be fetched once more: the list of the series, or the frame gone to. */
  again(part: "series" | "slice"): void {
    const { work } = this.sheet;
    if (part === "slice") this.goTo(this.missing ?? this.ui.get().ownFrame);
    else if (work) void this.open(work);
  }

  private lacks(part: Part, lacks: boolean): void {
    this.ui.set({ lacking: lacking(this.ui.get().lacking, part, lacks) });
  }

  /** Move through the series. False when there is nowhere to go: the wheel zooms then. */
  step(by: number): boolean {
    const { frame, frames } = this.ui.get();
    if (frames < 2) return false;
    this.goTo(frame + by);
    return true;
  }

  /** Run through the series, over and over, until anything else is done. */
  setCine(cine: boolean): void {
    if (this.ui.get().cine === cine || (cine && this.acts.stay())) return;
    clearInterval(this.film);
    this.ui.set({ cine });
    if (!cine) return;
    this.film = setInterval(() => {
      const { frame, frames } = this.ui.get();
      this.show((frame + 1) % frames);
    }, 1000 / CINE_RATE);
  }

  goTo(frame: number): void {
    this.setCine(false);
    this.show(frame);
  }

  showSlice(place: number): void {
    this.goTo(this.places.indexOf(place));
  }

  private show(frame: number): void {
    const { frames, frame: before, ownFrame } = this.ui.get();
    const target = Math.min(frames - 1, Math.max(0, frame));
    const { work } = this.sheet;
    if (target === before || !work || this.acts.stay()) return;
    this.acts.leave();
    this.lacks("slice", false);
    const place = this.places[target] ?? -1;
    if (place >= 0) this.sheet.at = place;
    this.ui.set({ frame: target, mine: place >= 0, arrived: false });
    this.acts.moved();
    if (target === ownFrame) {
      this.paint(work.assignment.image, work.pixels);
      return;
    }
    const image = this.images[target];
    if (!image) return;
    this.frames.warm(this.images, target);
    void this.frames
      .pixels(image)
      .then((pixels) => {
        // In cine a late frame is still shown: a picture behind is better than a standstill.
        const { frame: now, cine } = this.ui.get();
        const wanted = now === target || (cine && now !== this.ui.get().ownFrame);
        if (this.sheet.work === work && wanted) this.paint(image, pixels);
      })
      .catch(() => {
        // Gone on meanwhile, to another frame or case: that one is fetched for itself.
        if (this.sheet.work !== work || this.ui.get().frame !== target) return;
        this.goTo(ownFrame);
        this.missing = target;
        this.lacks("slice", true);
      });
  }

  /** Put an image on the surface, and the labels upon it where it is the slice drawn on. */
  paint(image: ImageInfo, pixels: Pixels): void {
    const { sheet } = this;
    sheet.lay(image, pixels);
    // In cine a late frame is shown while the next one is already wanted.
    const wanted = this.images[this.ui.get().frame] ?? sheet.work?.assignment.image;
    this.ui.set({ arrived: image.id === wanted?.id });
    sheet.surface?.show({ pixels, spacing: image.spacing }, this.ui.get().window);
    if (image.id === sheet.slice?.image.id) sheet.surface?.showMask(sheet.mask);
    this.acts.painted();
  }

  /** The image of a slice of the case at hand. */
  async pixels({ image }: Slice): Promise<Pixels> {
    const { work } = this.sheet;
    return work?.assignment.image.id === image.id ? work.pixels : this.frames.pixels(image);
  }

  /** The series as a file for a viewer of volumes; null where it is no volume. */
  async imageFile(): Promise<ArrayBuffer | null> {
    const { series } = this.frames;
    return series ? imageFile(this.frames, series) : null;
  }

  /** The labels as they stand, in the grid of the series. */
  labelFile(): ArrayBuffer | null {
    const { series } = this.frames;
    const { work } = this.sheet;
    return series && work ? labelFile(series, work.slices) : null;
  }
}
