/** The rules of drawing: size and shape of the tip, what may be replaced, and within which values. */
import { type Ink, makeInk, type PaintOver, type Range } from "../domain/ink";
import { IGNORE } from "../domain/mask";
import type { BrushShape, Point } from "../domain/ops";
import { rangeUnder, toSample } from "../domain/sampling";
import { autoWindow, type Pixels } from "../domain/window";
import type { InkKind } from "../tools/tool";
import type { Sheet } from "./sheet";
import type { Store } from "./store";
import type { Ui } from "./ui";

export const MAX_RADIUS = 128;

export class Pen {
  constructor(
    private readonly ui: Store<Ui>,
    private readonly sheet: Sheet,
    /** The tip is another one now. */
    private readonly changed: () => void,
  ) {}

  /** The rules of the next act. The eraser takes away whatever may be replaced, background or not. */
  ink(kind: InkKind): Ink {
    const { label, over, inside } = this.ui.get();
    const locked = this.kept;
    if (kind === "erase") {
      const rule = { over: over === "class" ? over : ("everything" as const), inside, locked };
      return makeInk(0, rule);
    }
    const range = kind === "threshold" ? this.sampleRange() : null;
    return makeInk(label, { over, inside, locked }, range);
  }

  private sampleRange(): Range | null {
    const { pixels } = this.sheet;
    if (!pixels) return null;
    const [a, b] = this.ui.get().range.map((value) => toSample(pixels, value)) as [number, number];
    const { samples } = this.sheet;
    // Half a step of rounding: a value the slider shows belongs to the range it names.
    return { samples, low: Math.min(a, b) - 1e-6, high: Math.max(a, b) + 1e-6 };
  }

  /** Classes that no act of drawing changes: those protected, and those out of sight. */
  get kept(): ReadonlySet<number> {
    const { locked, unshown } = this.ui.get();
    return new Set([...locked, ...unshown]);
  }

  /** 256 flags: the labels that may be changed. */
  get open(): Uint8Array {
    return makeInk(0, { over: "everything", inside: 0, locked: this.kept }).over;
  }

  /** Whether the class at hand may be changed at all. */
  get free(): boolean {
    return !this.kept.has(this.ui.get().label);
  }

  /** The labels that the class at hand may be changed into, or swapped with. */
  get others(): readonly number[] {
    const { classes, label } = this.ui.get();
    const all = [...classes.map(({ index }) => index), IGNORE];
    return all.filter((each) => each !== label && !this.kept.has(each));
  }

  /** Protect a class from every act of drawing, or free it again. */
  toggleLock(label: number): void {
    const locked = new Set(this.ui.get().locked);
    if (!locked.delete(label)) locked.add(label);
    this.ui.set({ locked });
  }

  setOver(over: PaintOver, inside = this.ui.get().inside): void {
    this.ui.set({ over, inside });
  }

  setShape(shape: BrushShape): void {
    this.ui.set({ shape });
    this.changed();
  }

  setRadius(radius: number): void {
    this.ui.set({ radius: Math.min(MAX_RADIUS, Math.max(0.5, radius)) });
    this.changed();
  }

  /** Brush sizes grow by a quarter, and by at least half a pixel. */
  resize(sign: number): void {
    const { radius } = this.ui.get();
    const step = Math.max(0.5, Math.round(radius * 0.5) / 2);
    this.setRadius(radius + Math.sign(sign) * step);
  }

  setRange(low: number, high: number): void {
    this.ui.set({ range: [Math.min(low, high), Math.max(low, high)] });
  }

  /** Begin with the range that suits the image on show. */
  firstRange(): void {
    this.setRange(...halfOf(this.sheet.pixels));
  }

  /** Take the threshold brush's range from what lies under the brush. */
  pickRange(at: Point): void {
    this.ui.set({ picking: false });
    const { pixels, view } = this.sheet;
    if (!pixels) return;
    const { samples } = this.sheet;
    const found = rangeUnder(pixels, samples, at, this.ui.get().radius, view.aspect);
    if (found) this.setRange(...found);
  }
}

/** A first range for the threshold brush: the brighter half of what the image holds. */
function halfOf(pixels: Pixels | null): [number, number] {
  if (!pixels) return [0, 0];
  const { center, width } = autoWindow(pixels, 0, 100);
  return [center, center + width / 2];
}
