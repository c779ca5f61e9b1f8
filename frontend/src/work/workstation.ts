/**
 * The workstation: one reading, one surface, and the tools between them. React only shows its
 * store and calls its verbs; nothing here waits for React.
 */
import type { ImageInfo, LabelClass } from "../api/client";
import { type View, zoomAt } from "../domain/geometry";
import { EMPTY_RECT, IGNORE, type Mask, type Rect, union } from "../domain/mask";
import { clearEqual, type Point, replaceAll } from "../domain/ops";
import { autoWindow, type Pixels, valueAt, type Window } from "../domain/window";
import { Brush } from "../tools/brush";
import { Pan, WindowLevel } from "../tools/look";
import { Freehand, Polygon } from "../tools/outline";
import type { Board, Spot, Tool, ToolId } from "../tools/tool";
import { Input } from "../viewer/input";
import { Surface } from "../viewer/surface";
import { type Case, firstWindow } from "./case";
import { Frames } from "./frames";
import type { Reading } from "./reading";
import type { Server } from "./server";
import { Store } from "./store";

export interface Ui {
  readonly tool: ToolId;
  /** The classes in the order of their number keys. */
  readonly classes: readonly LabelClass[];
  readonly label: number;
  readonly radius: number;
  readonly opacity: number;
  readonly labelsHidden: boolean;
  readonly outlines: boolean;
  readonly smooth: boolean;
  readonly panel: boolean;
  readonly window: Window;
  readonly scale: number;
  readonly view: View | null;
  /** Which frame of the series is shown, and which one is the case's own. */
  readonly frame: number;
  readonly ownFrame: number;
  readonly frames: number;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly value: readonly number[] | null;
  readonly ask: "skip" | "help" | null;
}

export const MAX_RADIUS = 128;

export class Workstation implements Board {
  readonly ui = new Store<Ui>({
    tool: "brush",
    classes: [],
    label: 1,
    radius: 4,
    opacity: 0.45,
    labelsHidden: false,
    outlines: false,
    smooth: true,
    panel: true,
    window: { center: 0, width: 1 },
    scale: 1,
    view: null,
    frame: 0,
    ownFrame: 0,
    frames: 1,
    canUndo: false,
    canRedo: false,
    value: null,
    ask: null,
  });
  private readonly tools: Record<ToolId, Tool> = {
    brush: new Brush("brush"),
    eraser: new Brush("eraser"),
    polygon: new Polygon(),
    freehand: new Freehand(),
    pan: new Pan(),
    window: new WindowLevel(),
  };
  private surface: Surface | null = null;
  private input: Input | null = null;
  private work: Case | null = null;
  private seriesFrames: readonly ImageInfo[] = [];
  private shown: Pixels | null = null;
  private dirty: Rect = EMPTY_RECT;
  private hovered: Point | null = null;
  private valueFrame = 0;
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

  get radius(): number {
    return this.ui.get().radius;
  }

  get view(): View {
    return this.surface?.view ?? { scale: 1, left: 0, top: 0, aspect: 1 };
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

  undo(): void {
    if (this.input?.cancel()) return;
    this.stepHistory(this.work?.history.undo() ?? null);
  }

  redo(): void {
    this.stepHistory(this.work?.history.redo() ?? null);
  }

  clearSuggestion(): void {
    if (this.work?.suggestion) this.whole(clearEqual(this.mask, this.work.suggestion));
  }

  loadSuggestion(): void {
    if (this.work?.suggestion) this.whole(replaceAll(this.mask, this.work.suggestion));
  }

  clearAll(): void {
    if (!this.work) return;
    this.mask.data.fill(0);
    this.whole({ x0: 0, y0: 0, x1: this.mask.columns, y1: this.mask.rows });
  }

  resetWindow(kind: "stored" | "auto"): void {
    if (!this.work || !this.shown) return;
    const { image } = this.work.assignment;
    this.window = kind === "stored" ? firstWindow(image, this.shown) : autoWindow(this.shown);
  }

  fit(): void {
    this.surface?.fit();
  }

  zoom(factor: number): void {
    const size = this.surface?.size;
    if (size) this.view = zoomAt(this.view, { x: size.width / 2, y: size.height / 2 }, factor);
  }

  /** Escape: end the act under way, else close what is open, else go back to the own frame. */
  cancel(): void {
    if (this.input?.cancel()) return;
    if (this.ui.get().ask) this.ui.set({ ask: null });
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

  goTo(frame: number): void {
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
    this.frames.warm(this.seriesFrames, target, 2);
    void this.frames
      .pixels(image)
      .then((pixels) => {
        if (this.work === work && this.ui.get().frame === target) this.paint(image, pixels);
      })
      .catch(() => this.goTo(ownFrame));
  }

  // --- for tests and debugging, read only ------------------------------------------------------

  imageToClient(x: number, y: number): Point {
    this.surface?.measure();
    const { scale, left, top, aspect } = this.view;
    const origin = this.surface?.origin ?? { x: 0, y: 0 };
    return { x: origin.x + left + x * scale, y: origin.y + top + y * scale * aspect };
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
    this.ui.set({ frame: 0, ownFrame: 0, frames: 1, window, labelsHidden: false, value: null });
    this.display(work);
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
    this.valueSpan = autoWindow(pixels, 0, 100).width;
    this.surface?.show({ pixels, spacing: image.spacing }, this.ui.get().window);
    if (this.work && image.id === this.work.assignment.image.id) {
      this.surface?.touched({ x0: 0, y0: 0, x1: image.columns, y1: image.rows });
    }
  }

  private layers(): void {
    const { frame, ownFrame, labelsHidden, outlines } = this.ui.get();
    const own = frame === ownFrame;
    this.surface?.setLabelsVisible(own && !labelsHidden);
    const shown = own && outlines && !labelsHidden ? this.suggestion : null;
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
  }

  private refresh(): void {
    const history = this.work?.history;
    this.ui.set({ canUndo: history?.canUndo ?? false, canRedo: history?.canRedo ?? false });
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
    const { tool, radius } = this.ui.get();
    const draws = tool !== "pan" && tool !== "window" && this.drawable;
    const round = tool === "brush" || tool === "eraser";
    this.surface?.setCursor(draws ? this.hovered : null, round ? radius : 0);
  }
}
