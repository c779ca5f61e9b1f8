/**
 * The workstation: one reading, one surface, and the tools between them. React only shows its
 * store and calls its verbs; nothing here waits for React.
 */
import type { ImageInfo, LabelClass } from "../api/client";
import { HOME, toScreen, type View, zoomAt } from "../domain/geometry";
import { type Ink, makeInk, type PaintOver, type Range } from "../domain/ink";
import {
  difference,
  EMPTY_RECT,
  emptyMask,
  IGNORE,
  type Mask,
  type Rect,
  union,
} from "../domain/mask";
import { type Measure, type RegionStatistics, statistics } from "../domain/measure";
import { type BrushShape, clearEqual, type Point, replaceAll } from "../domain/ops";
import { greySamples, rangeUnder, toSample } from "../domain/sampling";
import { autoWindow, type Pixels, type Samples, valueAt, type Window } from "../domain/window";
import { Brush } from "../tools/brush";
import { Bucket, RegionGrow } from "../tools/fill";
import { Wire } from "../tools/livewire";
import { Pan, WindowLevel } from "../tools/look";
import { Angle, Ruler } from "../tools/measure";
import { Freehand, Polygon } from "../tools/outline";
import { Box } from "../tools/shape";
import type { Board, InkKind, Spot, Tool, ToolId } from "../tools/tool";
import { Input } from "../viewer/input";
import { type OutlineLayer, Surface } from "../viewer/surface";
import { type Case, firstWindow } from "./case";
import { Frames } from "./frames";
import { inWords } from "./measures";
import type { Reading } from "./reading";
import type { Server } from "./server";
import { Store } from "./store";

export interface Ui {
  readonly tool: ToolId;
  /** The classes in the order of their number keys. */
  readonly classes: readonly LabelClass[];
  readonly label: number;
  readonly radius: number;
  readonly shape: BrushShape;
  /** What acts of drawing may replace; `inside` is the class that "class" keeps to. */
  readonly over: PaintOver;
  readonly inside: number;
  /** How many pixel widths a class grows or shrinks by. */
  readonly step: number;
  /** Protected classes. */
  readonly locked: ReadonlySet<number>;
  /** The threshold brush's range, in modality values. */
  readonly range: readonly [low: number, high: number];
  /** The next press takes the range from under the brush. */
  readonly picking: boolean;
  readonly measures: readonly Measure[];
  readonly opacity: number;
  readonly labelsHidden: boolean;
  readonly outlines: boolean;
  readonly changes: boolean;
  readonly smooth: boolean;
  readonly panel: boolean;
  readonly window: Window;
  readonly scale: number;
  readonly view: View | null;
  /** Which frame of the series is shown, and which one is the case's own. */
  readonly frame: number;
  readonly ownFrame: number;
  readonly frames: number;
  readonly cine: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly value: readonly number[] | null;
  /** Of the class at hand, in stored samples. */
  readonly stats: RegionStatistics | null;
  readonly ask: "skip" | "help" | "recent" | null;
}

export const MAX_RADIUS = 128;
/** Frames a second in cine. */
const CINE_RATE = 12;
const COUNT_AFTER = 150;
/** The design's colour of attention. */
const ATTENTION = "#E0A93B";

export class Workstation implements Board {
  readonly ui = new Store<Ui>({
    tool: "brush",
    classes: [],
    label: 1,
    radius: 4,
    shape: "round",
    over: "everything",
    inside: 1,
    step: 1,
    locked: new Set(),
    range: [0, 0],
    picking: false,
    measures: [],
    opacity: 0.45,
    labelsHidden: false,
    outlines: false,
    changes: false,
    smooth: true,
    panel: true,
    window: { center: 0, width: 1 },
    scale: 1,
    view: null,
    frame: 0,
    ownFrame: 0,
    frames: 1,
    cine: false,
    canUndo: false,
    canRedo: false,
    value: null,
    stats: null,
    ask: null,
  });
  private readonly tools: Record<ToolId, Tool> = {
    brush: new Brush("brush"),
    eraser: new Brush("eraser"),
    threshold: new Brush("threshold"),
    polygon: new Polygon(),
    freehand: new Freehand(),
    livewire: new Wire(),
    rectangle: new Box("rectangle"),
    ellipse: new Box("ellipse"),
    bucket: new Bucket(),
    region: new RegionGrow(),
    ruler: new Ruler(),
    angle: new Angle(),
    pan: new Pan(),
    window: new WindowLevel(),
  };
  private surface: Surface | null = null;
  private input: Input | null = null;
  private work: Case | null = null;
  private seriesFrames: readonly ImageInfo[] = [];
  private shown: Pixels | null = null;
  private grey: Samples | null = null;
  private dirty: Rect = EMPTY_RECT;
  private hovered: Point | null = null;
  private valueFrame = 0;
  private counting: ReturnType<typeof setTimeout> | undefined;
  private film: ReturnType<typeof setInterval> | undefined;
  private readonly frames: Frames;
  private readonly stop: () => void;
  panning = false;
  valueSpan = 1;

  constructor(
    readonly reading: Reading,
    server: Server,
  ) {
    this.frames = new Frames(server);
    this.stop = reading.store.subscribe(() => this.follow());
  }

  /** Put the surface into the page. Returns what takes it out again. */
  mount(host: HTMLElement): () => void {
    const surface = new Surface(host, (view) => this.ui.set({ view, scale: view.scale }));
    const input = new Input(surface, {
      board: this,
      tool: () => this.tool,
      panning: () => this.panning,
      taken: (spot) => this.take(spot),
      changed: () => this.refresh(),
      hover: (spot) => this.hover(spot),
      scroll: (step) => this.step(step),
    });
    this.surface = surface;
    this.input = input;
    this.colour();
    surface.setOpacity(this.ui.get().opacity);
    surface.setSmooth(this.ui.get().smooth);
    if (this.work) this.display(this.work);
    this.follow();
    return () => {
      input.destroy();
      surface.destroy();
      this.surface = null;
      this.input = null;
    };
  }

  close(): void {
    this.stop();
    this.setCine(false);
    clearTimeout(this.counting);
  }

  setClasses(classes: readonly LabelClass[]): void {
    const live = classes.filter((each) => !each.retired);
    const { label } = this.ui.get();
    const known = label === IGNORE || live.some((each) => each.index === label);
    this.ui.set({ classes: live, label: known ? label : (live[0]?.index ?? IGNORE) });
    this.colour();
  }

  get palette(): readonly LabelClass[] {
    return this.ui.get().classes;
  }

  get assignment(): Case["assignment"] | null {
    return this.work?.assignment ?? null;
  }

  get suggestion(): Mask | null {
    return this.work?.suggestion ?? null;
  }

  get tool(): Tool {
    return this.tools[this.ui.get().tool];
  }

  // --- what tools may touch -----------------------------------------------------------------

  get mask(): Mask {
    if (!this.work) throw new Error("no case is shown");
    return this.work.mask;
  }

  get label(): number {
    return this.ui.get().label;
  }

  get shape(): BrushShape {
    return this.ui.get().shape;
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

  /** The rules of the next act. The eraser takes away whatever may be replaced, background or not. */
  ink(kind: InkKind): Ink {
    const { label, over, inside, locked } = this.ui.get();
    if (kind === "erase") {
      const rule = { over: over === "class" ? over : ("everything" as const), inside, locked };
      return makeInk(0, rule);
    }
    const range = kind === "threshold" ? this.sampleRange() : null;
    return makeInk(label, { over, inside, locked }, range);
  }

  private sampleRange(): Range | null {
    if (!this.shown) return null;
    const [a, b] = this.ui.get().range.map((value) => toSample(this.shown!, value)) as [
      number,
      number,
    ];
    // Half a step of rounding: a value the slider shows belongs to the range it names.
    return { samples: this.samples, low: Math.min(a, b) - 1e-6, high: Math.max(a, b) + 1e-6 };
  }

  measured(measure: Measure): void {
    const others = this.ui.get().measures.filter((each) => each.kind !== measure.kind);
    this.ui.set({ measures: measure.points.length > 0 ? [...others, measure] : others });
    this.drawMeasures();
  }

  get radius(): number {
    return this.ui.get().radius;
  }

  get view(): View {
    return this.surface?.view ?? HOME;
  }

  set view(view: View) {
    if (this.surface) this.surface.view = view;
  }

  get window(): Window {
    return this.ui.get().window;
  }

  set window(window: Window) {
    if (this.surface) this.surface.window = window;
    this.ui.set({ window });
  }

  get drawable(): boolean {
    const { frame, ownFrame, labelsHidden } = this.ui.get();
    return this.work !== null && frame === ownFrame && !labelsHidden;
  }

  touched(rect: Rect): void {
    this.dirty = union(this.dirty, rect);
    this.surface?.touched(rect);
  }

  commit(): void {
    const changed = this.work?.history.commit(this.dirty) ?? false;
    this.dirty = EMPTY_RECT;
    if (changed) this.edited();
  }

  revert(): void {
    this.work?.history.revert(this.dirty);
    this.surface?.touched(this.dirty);
    this.dirty = EMPTY_RECT;
  }

  // --- verbs --------------------------------------------------------------------------------

  choose(tool: ToolId): void {
    if (this.tool.busy) this.input?.cancel();
    this.ui.set({ tool });
    this.cursor();
  }

  setLabel(label: number): void {
    this.ui.set({ label });
    this.count();
  }

  setShape(shape: BrushShape): void {
    this.ui.set({ shape });
    this.cursor();
  }

  setOver(over: PaintOver, inside = this.ui.get().inside): void {
    this.ui.set({ over, inside });
  }

  setRange(low: number, high: number): void {
    this.ui.set({ range: [Math.min(low, high), Math.max(low, high)] });
  }

  /** Protect a class from every act of drawing, or free it again. */
  toggleLock(label: number): void {
    const locked = new Set(this.ui.get().locked);
    if (!locked.delete(label)) locked.add(label);
    this.ui.set({ locked });
  }

  /** Whether the class at hand may be changed at all. */
  get free(): boolean {
    const { label, locked } = this.ui.get();
    return !locked.has(label);
  }

  /** Take the threshold brush's range from what lies under the brush. */
  pickRange(at: Point): void {
    this.ui.set({ picking: false });
    if (!this.shown) return;
    const found = rangeUnder(this.shown, this.samples, at, this.radius, this.view.aspect);
    if (found) this.setRange(...found);
  }

  clearMeasures(): void {
    this.ui.set({ measures: [] });
    this.drawMeasures();
  }

  /** 256 flags: the labels that are not protected. */
  private get open(): Uint8Array {
    return makeInk(0, { over: "everything", inside: 0, locked: this.ui.get().locked }).over;
  }

  /** One act on the whole map, as one step of the history. */
  edit(act: (mask: Mask, station: Workstation) => Rect): void {
    if (!this.work || !this.drawable) return;
    if (this.tool.busy) this.input?.cancel();
    this.whole(act(this.mask, this));
  }

  setRadius(radius: number): void {
    this.ui.set({ radius: Math.min(MAX_RADIUS, Math.max(0.5, radius)) });
    this.cursor();
  }

  setOpacity(opacity: number): void {
    this.ui.set({ opacity });
    this.surface?.setOpacity(opacity);
  }

  setSmooth(smooth: boolean): void {
    this.ui.set({ smooth });
    this.surface?.setSmooth(smooth);
  }

  hideLabels(labelsHidden: boolean): void {
    if (this.ui.get().labelsHidden === labelsHidden) return;
    if (labelsHidden && this.tool.busy) return;
    this.ui.set({ labelsHidden });
    this.layers();
  }

  showOutlines(outlines: boolean): void {
    this.ui.set({ outlines });
    this.layers();
  }

  /** Outline what differs from the suggestion. */
  showChanges(changes: boolean): void {
    this.ui.set({ changes });
    this.layers();
  }

  undo(): void {
    if (this.input?.cancel()) return;
    this.stepHistory(this.work?.history.undo() ?? null);
  }

  redo(): void {
    this.stepHistory(this.work?.history.redo() ?? null);
  }

  clearSuggestion(): void {
    const { suggestion } = this;
    if (suggestion) this.edit((mask) => clearEqual(mask, suggestion, this.open));
  }

  loadSuggestion(): void {
    const { suggestion } = this;
    if (suggestion) this.edit((mask) => replaceAll(mask, suggestion, this.open));
  }

  clearAll(): void {
    const nothing = emptyMask(this.mask.rows, this.mask.columns);
    this.edit((mask) => replaceAll(mask, nothing, this.open));
  }

  resetWindow(kind: "stored" | "auto"): void {
    if (!this.work || !this.shown) return;
    const { image } = this.work.assignment;
    const window = kind === "stored" ? firstWindow(image, this.shown) : autoWindow(this.shown);
    this.setWindow(window);
  }

  /** Another window; whether dark and bright are changed over stays as it is. */
  setWindow({ center, width }: Window): void {
    this.window = { ...this.window, center, width };
  }

  invert(): void {
    this.window = { ...this.window, inverted: !this.window.inverted };
  }

  fit(): void {
    this.surface?.fit();
  }

  actualSize(): void {
    this.surface?.actualSize();
  }

  reorient(change: Parameters<Surface["reorient"]>[0]): void {
    if (this.tool.busy) this.input?.cancel();
    this.surface?.reorient(change);
  }

  zoom(factor: number): void {
    const size = this.surface?.size;
    if (size) this.view = zoomAt(this.view, { x: size.width / 2, y: size.height / 2 }, factor);
  }

  /** Escape: end the act under way, else close what is open, else go back to the own frame. */
  cancel(): void {
    if (this.input?.cancel()) return;
    if (this.ui.get().ask) this.ui.set({ ask: null });
    else if (this.ui.get().picking) this.ui.set({ picking: false });
    else if (this.ui.get().measures.length > 0) this.clearMeasures();
    else this.goTo(this.ui.get().ownFrame);
  }

  /** Enter: close the outline at work, else hand the case in. */
  enter(): void {
    if (this.tool.busy) {
      if (this.tool.finish(this)) this.surface?.setPreview(null);
      return;
    }
    void this.reading.submit();
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
    if (this.ui.get().cine === cine) return;
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

  private show(frame: number): void {
    const { frames, frame: before, ownFrame } = this.ui.get();
    const target = Math.min(frames - 1, Math.max(0, frame));
    const { work } = this;
    if (target === before || !work) return;
    if (this.tool.busy) this.input?.cancel();
    this.ui.set({ frame: target });
    this.layers();
    if (target === ownFrame) {
      this.paint(work.assignment.image, work.pixels);
      return;
    }
    const image = this.seriesFrames[target];
    if (!image) return;
    this.frames.warm(this.seriesFrames, target);
    void this.frames
      .pixels(image)
      .then((pixels) => {
        // In cine a late frame is still shown: a picture behind is better than a standstill.
        const { frame: now, cine } = this.ui.get();
        if (this.work === work && (now === target || (cine && now !== this.ui.get().ownFrame))) {
          this.paint(image, pixels);
        }
      })
      .catch(() => this.goTo(ownFrame));
  }

  // --- for tests and debugging, read only ------------------------------------------------------

  imageToClient(x: number, y: number): Point {
    this.surface?.measure();
    const origin = this.surface?.origin ?? { x: 0, y: 0 };
    const at = toScreen(this.view, { x, y });
    return { x: origin.x + at.x, y: origin.y + at.y };
  }

  // --- inside -------------------------------------------------------------------------------

  /** The reading moved on: show its case. */
  private follow(): void {
    const { work } = this.reading.store.get();
    if (work === this.work) return;
    const before = this.work;
    // A stroke in the middle of which the case changes belongs to neither.
    if (this.tool.busy) this.input?.cancel();
    this.work = work;
    this.dirty = EMPTY_RECT;
    if (!work) return;
    const sameSeries = before?.assignment.series.id === work.assignment.series.id;
    const window = sameSeries
      ? this.ui.get().window
      : firstWindow(work.assignment.image, work.pixels);
    this.seriesFrames = [];
    this.frames.rest();
    this.setCine(false);
    this.ui.set({ frame: 0, ownFrame: 0, frames: 1, window, labelsHidden: false, value: null });
    this.display(work);
    this.clearMeasures();
    if (!sameSeries) this.setRange(...halfOf(this.shown));
    if (!sameSeries) this.surface?.fit();
    this.refresh();
    void this.openSeries(work);
  }

  private display(work: Case): void {
    this.paint(work.assignment.image, work.pixels);
    this.surface?.showMask(work.mask);
    this.layers();
  }

  private async openSeries(work: Case): Promise<void> {
    const { series, image } = work.assignment;
    if (series.count < 2) return;
    const frames = await this.frames.open(series.id).catch(() => []);
    const own = frames.findIndex((frame) => frame.id === image.id);
    if (this.work !== work || own < 0) return;
    this.seriesFrames = frames;
    this.ui.set({ frame: own, ownFrame: own, frames: frames.length });
    this.frames.warm(frames, own);
  }

  private paint(image: ImageInfo, pixels: Pixels): void {
    this.shown = pixels;
    this.grey = null;
    this.valueSpan = autoWindow(pixels, 0, 100).width;
    this.surface?.show({ pixels, spacing: image.spacing }, this.ui.get().window);
    if (this.work && image.id === this.work.assignment.image.id) {
      this.surface?.touched({ x0: 0, y0: 0, x1: image.columns, y1: image.rows });
    }
  }

  private layers(): void {
    const { frame, ownFrame, labelsHidden, outlines, changes } = this.ui.get();
    const own = frame === ownFrame;
    this.surface?.setLabelsVisible(own && !labelsHidden);
    const shown: OutlineLayer[] = [];
    const { suggestion } = this;
    if (own && !labelsHidden && suggestion) {
      if (outlines) shown.push({ mask: suggestion, colour: null });
      if (changes) shown.push({ mask: difference(this.mask, suggestion), colour: ATTENTION });
    }
    this.surface?.showOutlines(shown);
    this.cursor();
  }

  private colour(): void {
    this.surface?.setColours(new Map(this.palette.map((each) => [each.index, each.colour])));
  }

  private stepHistory(rect: Rect | null): void {
    if (!rect) return;
    this.surface?.touched(rect);
    this.edited();
  }

  private whole(rect: Rect): void {
    this.touched(rect);
    this.commit();
  }

  private edited(): void {
    this.work?.stopwatch.activity(performance.now() / 1000);
    this.reading.changed();
    this.refresh();
    if (this.ui.get().changes) this.layers();
  }

  private refresh(): void {
    const history = this.work?.history;
    this.ui.set({ canUndo: history?.canUndo ?? false, canRedo: history?.canRedo ?? false });
    this.count();
  }

  /** Area, mean and deviation of the class at hand, once the hand rests. */
  private count(): void {
    clearTimeout(this.counting);
    this.counting = setTimeout(() => {
      const { work } = this;
      const stats = work
        ? statistics(work.mask, work.grey, this.label, work.assignment.image.spacing)
        : null;
      this.ui.set({ stats });
    }, COUNT_AFTER);
  }

  private take(spot: Spot): boolean {
    this.setCine(false);
    const { picking } = this.ui.get();
    if (picking) this.pickRange(spot.image);
    return picking;
  }

  private hover(spot: Spot | null): void {
    this.hovered = spot?.image ?? null;
    this.work?.stopwatch.activity(performance.now() / 1000);
    this.cursor();
    if (this.valueFrame !== 0) return;
    // Once a frame is enough for the eye; React then draws outside the pointer's handler.
    this.valueFrame = requestAnimationFrame(() => {
      this.valueFrame = 0;
      const at = this.hovered;
      this.ui.set({ value: at && this.shown ? valueAt(this.shown, at.x, at.y) : null });
    });
  }

  private cursor(): void {
    const { tool, radius, shape } = this.ui.get();
    const at = tool === "pan" || tool === "window" || !this.drawable ? null : this.hovered;
    const pen = tool === "brush" || tool === "eraser" || tool === "threshold";
    this.surface?.setCursor(at ? { at, radius: pen ? radius : 0, shape } : null);
  }

  private drawMeasures(): void {
    const spacing = this.work?.assignment.image.spacing;
    this.surface?.setMeasures(
      this.ui.get().measures.map((each) => ({ points: each.points, text: inWords(each, spacing) })),
    );
  }
}

/** A first range for the threshold brush: the brighter half of what the image holds. */
function halfOf(pixels: Pixels | null): [number, number] {
  if (!pixels) return [0, 0];
  const { center, width } = autoWindow(pixels, 0, 100);
  return [center, center + width / 2];
}
