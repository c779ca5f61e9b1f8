/**
 * The workstation: one reading, one surface, and the tools between them. React only shows its
 * store and calls its verbs; nothing here waits for React.
 */
import type { ImageInfo, LabelClass, Question } from "../api/client";
import { HOME, toScreen, type View, zoomAt } from "../domain/geometry";
import { type Ink, makeInk, type PaintOver, type Range } from "../domain/ink";
import {
  difference,
  EMPTY_RECT,
  emptyMask,
  fullRect,
  IGNORE,
  isDrawn,
  type Mask,
  type Rect,
  union,
} from "../domain/mask";
import { type Measure, statistics } from "../domain/measure";
import { type BrushShape, clearEqual, copyClass, type Point, replaceAll } from "../domain/ops";
import { greySamples, rangeUnder, toSample } from "../domain/sampling";
import { fillBetween, inStack, slicesIn } from "../domain/stack";
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
import { type Case, firstWindow, type Slice } from "./case";
import { Form } from "./form";
import { Frames } from "./frames";
import { Maps } from "./maps";
import { inWords } from "./measures";
import type { Reading } from "./reading";
import type { Server } from "./server";
import { Store } from "./store";
import { START, type Ui } from "./ui";
import { imageFile, labelFile } from "./volume";

/** Tools that change nothing: all there are where nothing is drawn. */
export const LOOKING: ReadonlySet<ToolId> = new Set(["ruler", "angle", "pan", "window"]);
export const MAX_RADIUS = 128;
/** Frames a second in cine. */
const CINE_RATE = 12;
const COUNT_AFTER = 150;
/** The design's colour of attention. */
const ATTENTION = "#E0A93B";
const EARLIER = "#FFFFFF";

export class Workstation implements Board {
  readonly ui = new Store<Ui>(START);
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
  /** The place of the slice drawn on. */
  private at = 0;
  /** The slice that each frame of the series is; -1 where a frame is only context. */
  private places: readonly number[] = [0];
  private dirty: Rect = EMPTY_RECT;
  private pins: readonly { readonly at: Point; readonly text: string }[] = [];
  private hovered: Point | null = null;
  private valueFrame = 0;
  /** Which slices hold labels, and which may have changed since that was looked up. */
  private drawn: boolean[] = [];
  private stale = new Set<number>();
  private counting: ReturnType<typeof setTimeout> | undefined;
  private film: ReturnType<typeof setInterval> | undefined;
  private readonly frames: Frames;
  readonly form: Form;
  readonly maps: Maps;
  private readonly stop: () => void;
  panning = false;
  valueSpan = 1;

  constructor(
    readonly reading: Reading,
    server: Server,
  ) {
    this.frames = new Frames(server);
    this.form = new Form(
      this.ui,
      () => this.work,
      () => this.said(),
    );
    this.maps = new Maps(
      this.ui,
      server,
      () => this.slice,
      () => this.surface,
    );
    this.stop = reading.store.follow(() => this.follow());
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
      resize: (step) => this.resize(step),
    });
    this.surface = surface;
    this.input = input;
    this.maps.forget();
    this.colour();
    surface.setOpacity(this.ui.get().opacity);
    surface.setSmooth(this.ui.get().smooth);
    surface.setEmpty(!this.work);
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

  /** What the campaign wants drawn and answered. */
  setForm(classes: readonly LabelClass[], questions: readonly Question[]): void {
    const live = classes.filter((each) => !each.retired);
    const { label, tool } = this.ui.get();
    const known = label === IGNORE || live.some((each) => each.index === label);
    this.ui.set({
      classes: live,
      questions: questions.filter((each) => !each.retired),
      label: known ? label : (live[0]?.index ?? IGNORE),
      tool: live.length === 0 && !LOOKING.has(tool) ? "pan" : tool,
    });
    this.colour();
  }

  get palette(): readonly LabelClass[] {
    return this.ui.get().classes;
  }

  get assignment(): Case["assignment"] | null {
    return this.work?.assignment ?? null;
  }

  get slice(): Slice | null {
    return this.work?.slices[this.at] ?? null;
  }

  get suggestion(): Mask | null {
    return this.slice?.suggestion ?? null;
  }

  get tool(): Tool {
    return this.tools[this.ui.get().tool];
  }

  // --- what tools may touch -----------------------------------------------------------------

  get mask(): Mask {
    const { slice } = this;
    if (!slice) throw new Error("no case is shown");
    return slice.mask;
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
    const { classes, mine, arrived, labelsHidden } = this.ui.get();
    // While a frame is still on its way, the one before it is on show: no drawing on that.
    return this.work !== null && classes.length > 0 && mine && arrived && !labelsHidden;
  }

  touched(rect: Rect): void {
    this.dirty = union(this.dirty, rect);
    this.surface?.touched(rect);
  }

  commit(): void {
    const changed = this.work?.history.commit(this.boxed(this.dirty)) ?? false;
    this.dirty = EMPTY_RECT;
    if (changed) this.edited([this.at]);
  }

  /** A box of the slice drawn on, as the history counts rows. */
  private boxed(rect: Rect): Rect {
    return inStack(rect, this.at, this.mask.rows);
  }

  revert(): void {
    this.work?.history.revert(this.boxed(this.dirty));
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
    this.maps.lay(); // what is of one class follows the class at hand
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

  /** Hand the case in, unless a required answer lacks: that question is then at hand. */
  submit(): void {
    if (!this.work || this.form.complete()) void this.reading.submit();
  }

  /** Draw the class at hand on the slices between those that hold it, as one step. */
  fillBetween(): void {
    const { work } = this;
    if (!work || !this.drawable) return;
    if (this.tool.busy) this.input?.cancel();
    const masks = work.slices.map((slice) => slice.mask);
    const rect = fillBetween(masks, this.ink("draw"), this.view.aspect);
    if (!work.history.commit(rect)) return;
    this.surface?.touched(fullRect(this.mask));
    this.edited(slicesIn(rect, this.mask.rows));
  }

  /** Draw the class at hand as it stands on the slice before. */
  copyBefore(): void {
    const before = this.work?.slices[this.at - 1];
    if (before) this.edit((mask) => copyClass(mask, before.mask, this.ink("draw")));
  }

  /** Take the threshold brush's range from what lies under the brush. */
  pickRange(at: Point): void {
    this.ui.set({ picking: false });
    if (!this.shown) return;
    const found = rangeUnder(this.shown, this.samples, at, this.radius, this.view.aspect);
    if (found) this.setRange(...found);
  }

  /** The next press on the image says where the remark points to. */
  pin(): void {
    this.ui.set({ pinning: true, ask: null });
  }

  /** Number the places that remarks point to. */
  showPins(remarks: readonly { readonly place: Point | null }[]): void {
    this.pins = remarks.flatMap(({ place }, i) => (place ? [{ at: place, text: `${i + 1}` }] : []));
    this.drawMeasures();
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

  /** Brush sizes grow by a quarter, and by at least half a pixel. */
  resize(sign: number): void {
    const step = Math.max(0.5, Math.round(this.radius * 0.5) / 2);
    this.setRadius(this.radius + Math.sign(sign) * step);
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

  /** Outline the version that this one corrects. */
  showBefore(before: boolean): void {
    this.ui.set({ before });
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

  /** Give the keys back to the drawing. */
  focus(): void {
    this.surface?.host.focus({ preventScroll: true });
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
    else if (this.ui.get().pinning) this.ui.set({ pinning: false, ask: "remarks" });
    else if (this.ui.get().measures.length > 0) this.clearMeasures();
    else if (!this.ui.get().mine) this.goTo(this.ui.get().ownFrame);
    else this.setCine(false);
  }

  /** Enter: close the outline at work, else hand the case in. */
  enter(): void {
    if (this.tool.busy) {
      if (this.tool.finish(this)) this.surface?.setPreview(null);
      return;
    }
    this.submit();
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
    const place = this.places[target] ?? -1;
    if (place >= 0) this.at = place;
    this.ui.set({ frame: target, mine: place >= 0, arrived: false });
    this.layers();
    this.count();
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

  /** The series as a file for a viewer of volumes; null where it is no volume. */
  async imageFile(): Promise<ArrayBuffer | null> {
    const { series } = this.frames;
    return series ? imageFile(this.frames, series) : null;
  }

  /** The labels as they stand, in the grid of the series. */
  labelFile(): ArrayBuffer | null {
    const { series } = this.frames;
    return series && this.work ? labelFile(series, this.work.slices) : null;
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
    this.surface?.setEmpty(!work);
    if (!work) return;
    this.imageFirst();
    const sameSeries = before?.assignment.series.id === work.assignment.series.id;
    const window = sameSeries
      ? this.ui.get().window
      : firstWindow(work.assignment.image, work.pixels);
    this.seriesFrames = [];
    this.frames.rest();
    this.setCine(false);
    this.at = work.own;
    this.drawn = [];
    this.stale = new Set(work.slices.keys());
    this.maps.forget();
    this.places = [work.own];
    const slices = work.slices.length;
    this.ui.set({ frame: 0, ownFrame: 0, frames: 1, mine: true, slices, labelled: [] });
    this.ui.set({ window, labelsHidden: false, value: null });
    this.form.follow(work);
    this.ui.set({ remark: { text: "", place: null }, pinning: false });
    this.pins = [];
    this.display(work);
    this.clearMeasures();
    if (!sameSeries) this.setRange(...halfOf(this.shown));
    if (!sameSeries) this.surface?.fit();
    this.refresh();
    void this.openSeries(work);
  }

  /** Let the page around the image be drawn only once the image is on the screen. */
  private imageFirst(): void {
    if (!this.surface) return;
    const painted = this.surface.painted();
    this.ui.hold(painted);
    this.reading.store.hold(painted);
  }

  private display(work: Case): void {
    this.paint(work.assignment.image, work.pixels);
    this.layers();
  }

  private async openSeries(work: Case): Promise<void> {
    const { series, image } = work.assignment;
    if (series.count < 2) return;
    const frames = await this.frames.open(series.id).catch(() => []);
    const own = frames.findIndex((frame) => frame.id === image.id);
    if (this.work !== work || own < 0) return;
    this.seriesFrames = frames;
    const places = new Map(work.slices.map((slice, place) => [slice.image.id, place]));
    this.places = frames.map((frame) => places.get(frame.id) ?? -1);
    this.ui.set({ frame: own, ownFrame: own, frames: frames.length });
    this.frames.warm(frames, own);
    this.count();
  }

  private paint(image: ImageInfo, pixels: Pixels): void {
    this.shown = pixels;
    // In cine a late frame is shown while the next one is already wanted.
    const wanted = this.seriesFrames[this.ui.get().frame] ?? this.work?.assignment.image;
    this.ui.set({ arrived: image.id === wanted?.id });
    this.grey = null;
    this.valueSpan = autoWindow(pixels, 0, 100).width;
    this.surface?.show({ pixels, spacing: image.spacing }, this.ui.get().window);
    if (image.id === this.slice?.image.id) this.surface?.showMask(this.mask);
  }

  private layers(): void {
    const { mine: own, labelsHidden, outlines, changes, before } = this.ui.get();
    this.surface?.setLabelsVisible(own && !labelsHidden);
    const shown: OutlineLayer[] = [];
    const { suggestion } = this;
    if (own && !labelsHidden && suggestion) {
      if (outlines) shown.push({ mask: suggestion, colour: null });
      if (changes) shown.push({ mask: difference(this.mask, suggestion), colour: ATTENTION });
    }
    const earlier = before && own && !labelsHidden ? this.slice?.before : null;
    if (earlier) shown.push({ mask: earlier, colour: EARLIER });
    this.surface?.showOutlines(shown);
    this.maps.lay();
    this.cursor();
  }

  private colour(): void {
    this.surface?.setColours(new Map(this.palette.map((each) => [each.index, each.colour])));
  }

  /** After undo or redo: show a slice that it changed. */
  private stepHistory(rect: Rect | null): void {
    if (!rect) return;
    const changed = slicesIn(rect, this.mask.rows);
    if (!changed.includes(this.at) || !this.ui.get().mine) {
      this.goTo(this.places.indexOf(changed[0]!));
    }
    this.surface?.touched(fullRect(this.mask));
    this.edited(changed);
  }

  private whole(rect: Rect): void {
    this.touched(rect);
    this.commit();
  }

  private edited(places: readonly number[]): void {
    for (const place of places) this.stale.add(place);
    this.form.see(places);
    this.work?.stopwatch.activity(performance.now() / 1000);
    this.ui.set({ revision: this.ui.get().revision + 1 });
    this.reading.changed(places);
    this.refresh();
    if (this.ui.get().changes) this.layers();
  }

  private said(): void {
    this.work?.stopwatch.activity(performance.now() / 1000);
    this.reading.changed();
    this.maps.lay(); // what is about an answer follows the answer at hand
  }

  private refresh(): void {
    const history = this.work?.history;
    this.ui.set({ canUndo: history?.canUndo ?? false, canRedo: history?.canRedo ?? false });
    this.count();
  }

  /** Area, mean and deviation of the class at hand, and where labels are, once the hand rests. */
  private count(): void {
    clearTimeout(this.counting);
    this.counting = setTimeout(() => {
      const { work, slice } = this;
      const shown = slice && this.shown?.rows === slice.mask.rows && this.ui.get().mine;
      const stats = shown
        ? statistics(slice.mask, this.samples, this.label, slice.image.spacing)
        : null;
      // A series is large: only what changed is looked through.
      for (const place of this.stale) {
        const drawn = work?.slices[place];
        this.drawn[place] = drawn ? isDrawn(drawn.mask) : false;
      }
      this.stale.clear();
      const labelled = this.places.flatMap((place, frame) => (this.drawn[place] ? [frame] : []));
      this.ui.set({ stats, labelled });
    }, COUNT_AFTER);
  }

  private take(spot: Spot): boolean {
    this.setCine(false);
    const { picking, pinning, remark } = this.ui.get();
    if (picking) this.pickRange(spot.image);
    if (pinning) {
      this.ui.set({ pinning: false, ask: "remarks", remark: { ...remark, place: spot.image } });
      this.drawMeasures();
    }
    return picking || pinning;
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
    const { measures, remark, mine } = this.ui.get();
    const shown = measures.map(({ points, ...each }) => ({
      points,
      text: inWords({ points, ...each }, spacing),
    }));
    // Remarks are of the slice drawn on, not of those around it.
    const pins = mine ? this.pins.map(({ at, text }) => ({ points: [at], text })) : [];
    const next = remark.place && mine ? [{ points: [remark.place], text: "+" }] : [];
    this.surface?.setMeasures([...shown, ...pins, ...next]);
  }
}

/** A first range for the threshold brush: the brighter half of what the image holds. */
function halfOf(pixels: Pixels | null): [number, number] {
  if (!pixels) return [0, 0];
  const { center, width } = autoWindow(pixels, 0, 100);
  return [center, center + width / 2];
}
