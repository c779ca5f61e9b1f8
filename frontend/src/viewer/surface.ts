/**
 * The labelling surface: image, labels, contours and cursor, each a canvas of its own. The image and
 * label canvases have the image's own grid and are moved by one CSS transform; the others lie on
 * the screen's grid. Pointer handlers only touch typed arrays and mark work; one animation frame
 * does the painting.
 */
import { contours } from "../domain/contour";
import {
  aspectOf,
  centred,
  fit,
  HOME,
  matrixOf,
  reorient,
  type Size,
  type View,
  zoomAt,
} from "../domain/geometry";
import { type HeatMap, heatWords } from "../domain/heat";
import {
  drawnRows,
  EMPTY_RECT,
  fullRect,
  isEmpty,
  type Mask,
  type Rect,
  union,
} from "../domain/mask";
import type { Point } from "../domain/ops";
import { type Pixels, render, type Window } from "../domain/window";
import type { Preview } from "../tools/tool";
import {
  type Cursor,
  drawCursor,
  drawMeasure,
  drawOutlines,
  drawPreview,
  type Outlines,
  type ShownMeasure,
} from "./overlay";
import { fillPalette, type Look, overMap, type Palette, type Strengths } from "./palette";

export interface SurfaceImage {
  readonly pixels: Pixels;
  readonly spacing: readonly number[] | null;
}

export interface OutlineLayer {
  readonly mask: Mask;
  /** One colour for every label; null: the class colours. */
  readonly colour: string | null;
}

function canvas(name: string, parent: HTMLElement): HTMLCanvasElement {
  const element = document.createElement("canvas");
  element.dataset.layer = name;
  element.style.position = "absolute";
  element.style.left = "0";
  element.style.top = "0";
  element.style.transformOrigin = "0 0";
  element.style.pointerEvents = "none";
  parent.append(element);
  return element;
}

function show(layer: HTMLCanvasElement, shown: boolean): void {
  layer.style.display = shown ? "block" : "none";
}

/** How long to wait for a frame that does not come: none is painted while the page is hidden. */
const NO_FRAME = 250;

export class Surface {
  private readonly imageCanvas: HTMLCanvasElement;
  private readonly heatCanvas: HTMLCanvasElement;
  private readonly labelCanvas: HTMLCanvasElement;
  private readonly outlineCanvas: HTMLCanvasElement;
  private readonly cursorCanvas: HTMLCanvasElement;
  private readonly observer: ResizeObserver;
  private image: SurfaceImage | null = null;
  private mask: Mask | null = null;
  private outlines: readonly Outlines[] = [];
  /** Of the labels, where these are shown so. */
  private traced: readonly Outlines[] = [];
  private rgba: ImageData | null = null;
  private colours: Palette = new Map();
  private strengths: Strengths = new Map();
  private words = new Uint32Array(256);
  private look: Look = "filled";
  private wanted: Look = "filled";
  private heated = false;
  private cursor: Cursor | null = null;
  private measures: readonly ShownMeasure[] = [];
  private previewShape: Preview | null = null;
  private dirtyLabels: Rect = EMPTY_RECT;
  private stale = { image: false, view: true, outlines: true, cursor: true };
  private frame = 0;
  /** Whether the label canvas is to be painted from nothing. */
  private relabel = false;
  private waiting: (() => void)[] = [];
  private currentView: View = HOME;
  private currentWindow: Window = { center: 0, width: 1 };
  private fitted = true;
  /** Something is being drawn: the image is not to move under the hand. */
  private still = false;
  /** Its room changed meanwhile. */
  private outgrown = false;
  size: Size = { width: 0, height: 0 };
  /** The surface's place in the browser's viewport, kept so that handlers need no layout read. */
  origin: Point = { x: 0, y: 0 };

  constructor(
    readonly host: HTMLElement,
    private readonly onView: (view: View) => void,
  ) {
    this.imageCanvas = canvas("image", host);
    this.heatCanvas = canvas("heat", host);
    this.labelCanvas = canvas("labels", host);
    this.outlineCanvas = canvas("outlines", host);
    this.cursorCanvas = canvas("cursor", host);
    this.labelCanvas.style.imageRendering = "pixelated";
    // A canvas that shows nothing still costs the compositor its size with every frame.
    show(this.heatCanvas, false);
    show(this.outlineCanvas, false);
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(host);
    window.addEventListener("resize", this.measure);
    this.measure();
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    window.removeEventListener("resize", this.measure);
    for (const layer of this.layers) layer.remove();
  }

  get view(): View {
    return this.currentView;
  }

  set view(view: View) {
    this.currentView = view;
    this.fitted = false;
    this.mark("view");
    this.onView(view);
  }

  get window(): Window {
    return this.currentWindow;
  }

  set window(window: Window) {
    this.currentWindow = window;
    this.mark("image");
  }

  /** Show another image. The view is kept when the new image has the same shape and spacing. */
  show(image: SurfaceImage, window: Window): void {
    const before = this.image;
    this.image = image;
    this.currentWindow = window;
    const { rows, columns } = image.pixels;
    const aspect = aspectOf(image.spacing);
    const same =
      before?.pixels.rows === rows &&
      before.pixels.columns === columns &&
      this.currentView.aspect === aspect;
    if (!same) {
      for (const layer of [this.imageCanvas, this.heatCanvas, this.labelCanvas]) {
        layer.width = columns;
        layer.height = rows;
      }
      this.rgba = new ImageData(columns, rows);
      this.currentView = { ...this.currentView, aspect };
      this.fit();
    }
    this.mark("image");
  }

  /** Show a label map, or none. The surface reads it and never writes it. */
  showMask(mask: Mask | null): void {
    this.mask = mask;
    if (mask) this.repaint(mask);
  }

  private repaint(mask: Mask): void {
    this.relabel = true;
    this.touched(fullRect(mask));
  }

  /** Whether there is a case to be seen; the style sheet hides the surface when not. */
  setEmpty(empty: boolean): void {
    this.host.dataset.empty = String(empty);
  }

  /** Over once what is to be painted now is on the screen, or when nothing is being painted. */
  painted(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      setTimeout(resolve, NO_FRAME);
    });
  }

  /** Show a map between image and labels, or none. */
  showHeat(heat: HeatMap | null): void {
    const { width, height } = this.heatCanvas;
    const context = this.heatCanvas.getContext("2d");
    context?.clearRect(0, 0, width, height);
    const shown = heat !== null && heat.columns === width && heat.rows === height;
    show(this.heatCanvas, shown);
    this.heated = shown;
    this.relook();
    if (!shown) return;
    const picture = new ImageData(width, height);
    const pixels = new Uint32Array(picture.data.buffer);
    const words = heatWords();
    for (let i = 0; i < pixels.length; i++) pixels[i] = words[heat.data[i]!]!;
    context?.putImageData(picture, 0, 0);
  }

  /** Bring an image point to the middle, at least so many times as large as the whole image fits. */
  lookAt(point: Point, times: number): void {
    if (!this.image) return;
    const { rows, columns } = this.image.pixels;
    const whole = fit(rows, columns, this.size, this.currentView);
    const scale = Math.max(this.currentView.scale, whole.scale * times);
    this.view = centred({ ...this.currentView, scale }, point, this.size);
  }

  setImageVisible(visible: boolean): void {
    this.imageCanvas.style.visibility = visible ? "visible" : "hidden";
  }

  setLook(look: Look): void {
    this.wanted = look;
    this.relook();
  }

  private relook(): void {
    const look = this.heated ? overMap(this.wanted) : this.wanted;
    if (look === this.look) return;
    this.look = look;
    this.labelCanvas.style.visibility = look === "filled" ? "visible" : "hidden";
    this.mark("outlines");
  }

  /** Show the outlines of these maps, each in the class colours or in one of its own. */
  showOutlines(layers: readonly OutlineLayer[]): void {
    this.outlines = layers.map(({ mask, colour }) => ({ lines: contours(mask), colour }));
    this.mark("outlines");
  }

  setColours(colours: Palette, strengths: Strengths): void {
    this.colours = colours;
    this.strengths = strengths;
    this.words = fillPalette(colours, strengths);
    if (this.mask) this.repaint(this.mask);
    this.mark("outlines");
  }

  setOpacity(opacity: number): void {
    this.labelCanvas.style.opacity = String(opacity);
  }

  setSmooth(smooth: boolean): void {
    this.imageCanvas.style.imageRendering = smooth ? "auto" : "pixelated";
  }

  setCursor(cursor: Cursor | null): void {
    this.cursor = cursor;
    this.mark("cursor");
  }

  setMeasures(measures: readonly ShownMeasure[]): void {
    this.measures = measures;
    this.mark("cursor");
  }

  setPreview(preview: Preview | null): void {
    if (!preview && !this.previewShape) return;
    this.previewShape = preview;
    this.mark("cursor");
  }

  touched(rect: Rect): void {
    this.dirtyLabels = union(this.dirtyLabels, rect);
    this.request();
  }

  fit(): void {
    if (!this.image || this.size.width === 0) return;
    const { rows, columns } = this.image.pixels;
    this.view = fit(rows, columns, this.size, this.currentView);
    this.fitted = true;
  }

  /** Turn or mirror what is seen; labels and everything else on the image follow. */
  reorient(change: Parameters<typeof reorient>[1]): void {
    const { fitted } = this;
    this.view = reorient(this.currentView, change, this.size);
    if (fitted) this.fit();
  }

  /** One image pixel a CSS pixel, about the middle of the screen. */
  actualSize(): void {
    const middle = { x: this.size.width / 2, y: this.size.height / 2 };
    this.view = zoomAt(this.currentView, middle, 1 / this.currentView.scale);
  }

  /** Measure again where the surface is; called on resize and at each press, never while drawing. */
  readonly measure = (): void => {
    const box = this.host.getBoundingClientRect();
    this.origin = { x: box.left, y: box.top };
    if (box.width === this.size.width && box.height === this.size.height) return;
    this.size = { width: box.width, height: box.height };
    const ratio = window.devicePixelRatio || 1;
    for (const layer of [this.outlineCanvas, this.cursorCanvas]) {
      layer.width = Math.round(box.width * ratio);
      layer.height = Math.round(box.height * ratio);
      layer.style.width = `${box.width}px`;
      layer.style.height = `${box.height}px`;
    }
    if (this.still) this.outgrown = true;
    else if (this.fitted) this.fit();
    this.mark("view");
  };

  /** While something is drawn, keep the image where it is; fit it to a changed room afterwards. */
  keepStill(still: boolean): void {
    this.still = still;
    if (still || !this.outgrown) return;
    this.outgrown = false;
    if (this.fitted) this.fit();
  }

  private get layers(): HTMLCanvasElement[] {
    const { imageCanvas, heatCanvas, labelCanvas, outlineCanvas, cursorCanvas } = this;
    return [imageCanvas, heatCanvas, labelCanvas, outlineCanvas, cursorCanvas];
  }

  private mark(what: keyof Surface["stale"]): void {
    this.stale[what] = true;
    this.request();
  }

  private request(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(this.paint);
  }

  private readonly paint = (): void => {
    this.frame = 0;
    const { stale } = this;
    if (stale.image) this.paintImage();
    if (!isEmpty(this.dirtyLabels)) {
      this.paintLabels();
      if (this.look === "outlined") stale.outlines = true;
    }
    if (stale.view) this.move();
    if (stale.outlines) this.trace();
    const lines = [...this.traced, ...this.outlines];
    if (lines.length > 0 && (stale.view || stale.outlines)) {
      drawOutlines(this.outlineCanvas, this.view, lines, this.colours, this.strengths);
    }
    if (stale.view || stale.cursor) this.paintCursor();
    this.stale = { image: false, view: false, outlines: false, cursor: false };
    // The next frame begins when this one has been taken to the screen.
    for (const resolve of this.waiting.splice(0)) requestAnimationFrame(resolve);
  };

  private move(): void {
    const transform = `matrix(${matrixOf(this.currentView).join(",")})`;
    this.imageCanvas.style.transform = transform;
    this.heatCanvas.style.transform = transform;
    this.labelCanvas.style.transform = transform;
  }

  private paintImage(): void {
    if (!this.image || !this.rgba) return;
    render(this.image.pixels, this.currentWindow, new Uint32Array(this.rgba.data.buffer));
    this.imageCanvas.getContext("2d", { alpha: false })?.putImageData(this.rgba, 0, 0);
  }

  /** The labels as outlines, where they are shown so. */
  private trace(): void {
    const mask = this.look === "outlined" ? this.mask : null;
    this.traced = mask ? [{ lines: contours(mask), colour: null }] : [];
    show(this.outlineCanvas, this.traced.length + this.outlines.length > 0);
  }

  private paintLabels(): void {
    let rect = this.dirtyLabels;
    this.dirtyLabels = EMPTY_RECT;
    const context = this.labelCanvas.getContext("2d");
    if (!this.mask || !context || this.mask.columns !== this.labelCanvas.width) return;
    const { data, columns } = this.mask;
    if (this.relabel) {
      this.relabel = false;
      context.clearRect(0, 0, this.labelCanvas.width, this.labelCanvas.height);
      rect = drawnRows(this.mask);
      if (isEmpty(rect)) return;
    }
    const box = new ImageData(rect.x1 - rect.x0, rect.y1 - rect.y0);
    const words = new Uint32Array(box.data.buffer);
    let i = 0;
    for (let y = rect.y0; y < rect.y1; y++) {
      for (let x = rect.x0; x < rect.x1; x++, i++) {
        const label = data[y * columns + x]!;
        // `ignore` is hatched: it must be told apart without colour.
        if (label === 255 && (x + y) % 4 > 1) continue;
        words[i] = this.words[label]!;
      }
    }
    context.putImageData(box, rect.x0, rect.y0);
  }

  private paintCursor(): void {
    const context = this.cursorCanvas.getContext("2d");
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.cursorCanvas.width, this.cursorCanvas.height);
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.previewShape) drawPreview(context, this.view, this.previewShape);
    for (const measure of this.measures) drawMeasure(context, this.view, measure);
    if (this.cursor) drawCursor(context, this.view, this.cursor);
  }
}
