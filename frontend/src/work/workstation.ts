/**
 * The workstation: one reading, one surface, and the tools between them. React only shows its
 * store and calls its verbs; nothing here waits for React.
 */
import type { LabelClass, Question } from "../api/client";
import { toScreen, type View } from "../domain/geometry";
import type { Ink } from "../domain/ink";
import { IGNORE, type Mask, type Rect } from "../domain/mask";
import type { Measure } from "../domain/measure";
import type { BrushShape, Point } from "../domain/ops";
import type { Samples, Window } from "../domain/window";
import { LOOKING, makeTools } from "../tools/kit";
import type { Board, InkKind, Spot, Tool, ToolId } from "../tools/tool";
import { Input } from "../viewer/input";
import { Surface } from "../viewer/surface";
import { type Case, firstWindow, type Slice } from "./case";
import { Drawing } from "./drawing";
import { Form } from "./form";
import { Layers } from "./layers";
import { Maps } from "./maps";
import { Marks } from "./marks";
import { Optics } from "./optics";
import { Pen } from "./pen";
import { Pointer } from "./pointer";
import type { Reading } from "./reading";
import type { Server } from "./server";
import { Sheet } from "./sheet";
import { Slides } from "./slides";
import { Store } from "./store";
import { Tally } from "./tally";
import { lacking, type Part, START, type Ui } from "./ui";

/**
 * How long a case must have been on the screen before it can be handed in (ms): the second half of a
 * double click, or of a key tapped twice, comes within it, and a look at an image takes longer.
 */
const LOOK = 400;

export class Workstation implements Board {
  readonly ui = new Store<Ui>(START);
  private readonly tools = makeTools();
  private readonly sheet = new Sheet(this.ui);
  private readonly pointer = new Pointer(this.ui, this.sheet);
  private readonly tally: Tally;
  private input: Input | null = null;
  /** When the case at hand came onto the screen, by `performance.now`; null until then. */
  private shownAt: number | null = null;
  readonly pen = new Pen(this.ui, this.sheet, () => this.pointer.draw());
  readonly optics = new Optics(this.ui, this.sheet, () => {
    // Corners are places of the image: an outline goes on however the image lies.
    if (!this.outlining) this.leave();
  });
  readonly marks = new Marks(this.ui, this.sheet);
  readonly drawing = new Drawing(this.ui, this.sheet, this.pen, {
    begin: () => {
      if (this.outlining && this.stay()) return false;
      this.leave();
      return true;
    },
    back: () => this.input?.back() ?? false,
    show: (place) => this.slides.showSlice(place),
    edited: (places) => this.edited(places),
  });
  readonly form: Form;
  readonly maps: Maps;
  readonly layers: Layers;
  readonly slides: Slides;
  private readonly stop: () => void;
  panning = false;

  constructor(
    readonly reading: Reading,
    server: Server,
  ) {
    const { ui, sheet } = this;
    this.form = new Form(
      ui,
      () => sheet.work,
      () => this.said(),
      () => this.maps.lay(),
    );
    this.maps = new Maps(
      ui,
      server,
      () => sheet.slice,
      () => sheet.surface,
    );
    this.layers = new Layers(ui, sheet, this.maps, this.pointer, () => this.tool.busy);
    this.slides = new Slides(ui, sheet, server, {
      stay: () => this.stay(),
      leave: () => this.leave(),
      moved: () => {
        this.layers.lay();
        this.tally.count();
      },
      painted: () => {
        this.marks.draw();
        this.tally.count();
      },
      opened: () => this.tally.count(),
    });
    this.tally = new Tally(ui, sheet, () => this.slides.places);
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
      hover: (spot) => this.pointer.hover(spot),
      scroll: (step) => this.slides.step(step),
      resize: (step) => this.pen.resize(step),
    });
    const { sheet } = this;
    sheet.surface = surface;
    this.input = input;
    this.maps.forget();
    this.layers.colour();
    surface.setOpacity(this.ui.get().opacity);
    surface.setSmooth(this.ui.get().smooth);
    surface.setImageVisible(this.ui.get().image);
    surface.setEmpty(!sheet.work);
    if (sheet.work) this.display(sheet.work);
    this.follow();
    return () => {
      input.destroy();
      surface.destroy();
      sheet.surface = null;
      this.input = null;
    };
  }

  close(): void {
    this.stop();
    this.slides.setCine(false);
    this.tally.close();
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
    this.layers.colour();
  }

  get palette(): readonly LabelClass[] {
    return this.ui.get().classes;
  }

  get assignment(): Case["assignment"] | null {
    return this.sheet.work?.assignment ?? null;
  }

  get slice(): Slice | null {
    return this.sheet.slice;
  }

  get suggestion(): Mask | null {
    return this.slice?.suggestion ?? null;
  }

  get tool(): Tool {
    return this.tools[this.ui.get().tool];
  }

  // --- what tools may touch -----------------------------------------------------------------

  get mask(): Mask {
    return this.sheet.mask;
  }

  get label(): number {
    return this.ui.get().label;
  }

  get shape(): BrushShape {
    return this.ui.get().shape;
  }

  get radius(): number {
    return this.ui.get().radius;
  }

  get samples(): Samples {
    return this.sheet.samples;
  }

  get valueSpan(): number {
    return this.sheet.valueSpan;
  }

  get sampleSpan(): number {
    return this.sheet.sampleSpan;
  }

  get view(): View {
    return this.optics.view;
  }

  set view(view: View) {
    this.optics.view = view;
  }

  get window(): Window {
    return this.optics.window;
  }

  set window(window: Window) {
    this.optics.window = window;
  }

  get drawable(): boolean {
    return this.sheet.drawable;
  }

  ink(kind: InkKind): Ink {
    return this.pen.ink(kind);
  }

  measured(measure: Measure): void {
    this.marks.measured(measure);
  }

  touched(rect: Rect): void {
    this.drawing.touched(rect);
  }

  commit(): void {
    this.drawing.commit();
  }

  revert(): void {
    this.drawing.revert();
  }

  // --- verbs --------------------------------------------------------------------------------

  /** Take a tool in hand, unless something is being drawn with another; whether it is in hand. */
  choose(tool: ToolId): boolean {
    if (this.atWork && tool === this.tool.id) return true;
    if (this.stay()) return false;
    this.leave();
    this.ui.set({ tool });
    this.pointer.draw();
    return true;
  }

  setLabel(label: number): void {
    // What is being drawn goes on with this class: it is to be seen.
    if (this.atWork && this.ui.get().unshown.has(label)) this.layers.toggleClass(label);
    this.ui.set({ label });
    this.maps.lay(); // what is of one class follows the class at hand
    this.tally.count();
  }

  /** Whether the case has been on the screen for long enough to be handed in. */
  get seen(): boolean {
    return this.shownAt !== null && performance.now() - this.shownAt >= LOOK;
  }

  /**
   * Close the outline at work; else hand the case in, unless it has only just come, slices of it
   * cannot be seen, a required answer lacks or a remark is begun: these are then at hand.
   */
  submit(): void {
    if (this.tool.busy) {
      if (this.tool.finish(this)) this.sheet.surface?.setPreview(null);
      this.refresh();
      return;
    }
    if (!this.seen || !this.slides.complete) return;
    const { work } = this.sheet;
    if (!work || (this.form.complete() && this.marks.complete())) void this.reading.submit();
  }

  /** Fetch a part of the case that could not be fetched, once more. */
  again(part: Part): void {
    if (part === "map") this.maps.again();
    else this.slides.again(part);
  }

  /** Go on without a part that could not be fetched. */
  without(part: Part): void {
    this.ui.set({ lacking: lacking(this.ui.get().lacking, part, false) });
  }

  /** Give the keys back to the drawing. */
  focus(): void {
    this.sheet.surface?.host.focus({ preventScroll: true });
  }

  /** Escape: end the act under way, else close what is open, else go back to the own frame. */
  cancel(): void {
    if (this.input?.cancel()) return;
    if (this.ui.get().ask) this.ui.set({ ask: null });
    else if (this.ui.get().picking) this.ui.set({ picking: false });
    else if (this.ui.get().pinning) this.ui.set({ pinning: false, ask: "remarks" });
    else if (this.marks.measures.length > 0) this.marks.clearMeasures();
    else if (!this.ui.get().mine) this.slides.goTo(this.ui.get().ownFrame);
    else this.slides.setCine(false);
  }

  // --- for tests and debugging, read only ------------------------------------------------------

  imageToClient(x: number, y: number): Point {
    this.sheet.surface?.measure();
    const origin = this.sheet.surface?.origin ?? { x: 0, y: 0 };
    const at = toScreen(this.view, { x, y });
    return { x: origin.x + at.x, y: origin.y + at.y };
  }

  // --- inside -------------------------------------------------------------------------------

  /** End the act under way: what it would go on upon is about to change. */
  private leave(): void {
    if (this.tool.busy) this.input?.cancel();
  }

  /** Whether something is being drawn, and not done. */
  private get atWork(): boolean {
    return this.tool.busy && !LOOKING.has(this.tool.id);
  }

  /** Whether an outline is begun and not closed. */
  private get outlining(): boolean {
    return this.tool.preview()?.closed === false;
  }

  /** Keep slice and tool while something is being drawn; of an outline left open say so. */
  private stay(): boolean {
    if (!this.atWork) return false;
    this.ui.set({ unclosed: this.outlining });
    return true;
  }

  /** The reading moved on: show its case. */
  private follow(): void {
    const { sheet } = this;
    const { work } = this.reading.store.get();
    if (work === sheet.work) return;
    const before = sheet.work;
    // A stroke in the middle of which the case changes belongs to neither.
    this.leave();
    sheet.work = work;
    this.drawing.follow();
    sheet.surface?.setEmpty(!work);
    if (!work) return;
    this.imageFirst();
    const sameSeries = before?.assignment.series.id === work.assignment.series.id;
    const window = sameSeries
      ? this.ui.get().window
      : firstWindow(work.assignment.image, work.pixels);
    this.slides.follow(work);
    this.tally.follow(work);
    this.maps.forget();
    this.layers.follow();
    this.ui.set({ window, value: null });
    this.form.follow(work);
    this.marks.follow(work.assignment.id);
    this.display(work);
    this.marks.clearMeasures();
    if (!sameSeries) this.pen.firstRange();
    if (!sameSeries) this.optics.upright();
    this.refresh();
    void this.slides.open(work);
  }

  /** Let the page around the image be drawn only once the image is on the screen. */
  private imageFirst(): void {
    const { surface } = this.sheet;
    if (!surface) return;
    const painted = surface.painted();
    this.ui.hold(painted);
    this.reading.store.hold(painted);
  }

  private display(work: Case): void {
    this.slides.paint(work.assignment.image, work.pixels);
    this.layers.lay();
    void this.noteShown(work);
  }

  private async noteShown(work: Case): Promise<void> {
    this.shownAt = null;
    await this.sheet.surface?.painted();
    if (this.sheet.work === work) this.shownAt = performance.now();
  }

  private edited(places: readonly number[]): void {
    this.tally.changed(places);
    this.form.see(places);
    this.sheet.active();
    this.ui.set({ revision: this.ui.get().revision + 1 });
    this.reading.changed(places);
    this.refresh();
    if (this.ui.get().changes) this.layers.lay();
  }

  private said(): void {
    this.sheet.active();
    this.reading.changed();
    this.maps.lay(); // what is about an answer follows the answer at hand
  }

  private refresh(): void {
    this.sheet.surface?.keepStill(this.tool.busy);
    const history = this.sheet.work?.history;
    // What redo would bring back may be on another slice.
    const canRedo = (history?.canRedo ?? false) && !this.atWork;
    this.ui.set({ canUndo: history?.canUndo ?? false, canRedo, unclosed: false });
    this.tally.count();
  }

  /** Whether a press on the image is an answer to something asked, and no drawing. */
  private take(spot: Spot): boolean {
    this.slides.setCine(false);
    const { picking, pinning } = this.ui.get();
    if (picking) this.pen.pickRange(spot.image);
    if (pinning) this.marks.place(spot.image);
    return picking || pinning;
  }
}
