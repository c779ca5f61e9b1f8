/** The plain model of a session: whole copies of the maps, and each act once more, pixel by pixel. */
import { HOME, toScreen } from "../../domain/geometry";
import { FREE, makeInk } from "../../domain/ink";
import type { Point } from "../../domain/ops";
import * as plain from "../../domain/plain";
import { corners, type EditAct, type ToolAct } from "./acts";
import { COLUMNS, ROWS, SAMPLES, SIZE, SPAN } from "./world";

/** The model: whole copies of all slices before and after each act. */
export class Model {
  slices: plain.Plain[];
  at = 0;
  private undos: number[][][] = [];
  private redos: number[][][] = [];

  constructor(
    slices: number,
    readonly suggested: readonly number[] | null,
  ) {
    const data = suggested ?? Array(ROWS * COLUMNS).fill(0);
    this.slices = Array.from({ length: slices }, () => ({ ...SIZE, data: [...data] }));
  }

  get map(): plain.Plain {
    return this.slices[this.at]!;
  }

  get canUndo(): boolean {
    return this.undos.length > 0;
  }

  private get bytes(): number[][] {
    return this.slices.map(({ data }) => [...data]);
  }

  act(change: () => void): void {
    const before = this.bytes;
    change();
    if (before.flat().join() === this.bytes.flat().join()) return;
    this.undos.push(before);
    this.redos = [];
  }

  undo(): void {
    this.turn(this.undos, this.redos);
  }

  redo(): void {
    this.turn(this.redos, this.undos);
  }

  /** A step of the history shows the first slice it changed, unless it is about one on show. */
  private turn(from: number[][][], to: number[][][]): void {
    const data = from.pop();
    if (!data) return;
    const before = this.bytes;
    const changed = data.flatMap((slice, i) => (slice.join() === before[i]!.join() ? [] : [i]));
    to.push(before);
    this.slices = data.map((slice) => ({ ...SIZE, data: slice }));
    if (this.at < changed[0]! || this.at > changed.at(-1)!) this.at = changed[0]!;
  }

  reload(): void {
    this.at = 0;
    this.undos = [];
    this.redos = [];
  }
}

export function modelTool(map: plain.Plain, a: ToolAct): void {
  if (a.cancelled) return;
  const ink = makeInk(a.label, a.rule);
  const [first, last] = [a.points[0]!, a.points.at(-1)!];
  switch (a.tool) {
    case "brush":
    case "eraser":
    case "threshold": {
      const range =
        a.tool === "threshold" ? { samples: SAMPLES, low: -1e-6, high: 40 + 1e-6 } : null;
      // The eraser takes away whatever may be replaced: only inside a class keeps its sense.
      const over = a.rule.over === "class" ? a.rule.over : "everything";
      const pen =
        a.tool === "eraser" ? makeInk(0, { ...a.rule, over }) : makeInk(a.label, a.rule, range);
      a.points.forEach((point, i) => {
        const from = a.points[Math.max(0, i - 1)]!;
        plain.paint(map, pen, plain.underStroke(from, point, a.shape, a.radius, a.aspect));
      });
      return;
    }
    case "polygon":
      plain.paint(map, ink, plain.insideOutline(corners(a)));
      return;
    case "freehand":
      plain.paint(map, ink, plain.insideOutline(a.points));
      return;
    case "rectangle": {
      const corners = [first, { x: last.x, y: first.y }, last, { x: first.x, y: last.y }];
      plain.paint(map, ink, plain.insideOutline(corners));
      return;
    }
    case "ellipse":
      plain.paint(map, ink, plain.insideEllipse(first, last));
      return;
    case "bucket": {
      const at = indexOf(first);
      const label = map.data[at];
      if (at < 0 || label === a.label) return;
      fillFrom(map, at, (i) => map.data[i] === label, ink);
      return;
    }
    case "livewire": {
      const clicked = corners(a);
      const outline = clicked.flatMap((point, i) => wire(clicked.at(i - 1)!, point, a.aspect));
      // The way back to the first anchor comes last.
      const home = wire(clicked.at(-1)!, clicked[0]!, a.aspect);
      plain.paint(map, ink, plain.insideOutline([...outline.slice(home.length), ...home]));
      return;
    }
    case "region": {
      const at = indexOf(first);
      if (at < 0) return;
      const view = { ...HOME, scale: 16, turn: a.turn, mirrored: a.mirrored, aspect: a.aspect };
      const [s, e] = [toScreen(view, first), toScreen(view, last)];
      const tolerance = Math.max(0, (0.04 + (e.x - s.x - (e.y - s.y)) / 800) * SPAN);
      fillFrom(map, at, (i) => Math.abs(SAMPLES[i]! - SAMPLES[at]!) <= tolerance, ink);
    }
  }
}

function indexOf({ x, y }: Point): number {
  const outside = x < 0 || y < 0 || x >= COLUMNS || y >= ROWS;
  return outside ? -1 : Math.floor(y) * COLUMNS + Math.floor(x);
}

/** From an anchor, brought onto the image, to a point: along edges, or straight to one outside. */
function wire(from: Point, to: Point, aspect: number): Point[] {
  const x = Math.min(COLUMNS - 1, Math.max(0, Math.floor(from.x)));
  const y = Math.min(ROWS - 1, Math.max(0, Math.floor(from.y)));
  const end = indexOf(to);
  if (end < 0) return [{ x: x + 0.5, y: y + 0.5 }, to];
  return plain.wire({ ...SIZE, samples: SAMPLES }, aspect, y * COLUMNS + x, end);
}

function fillFrom(
  map: plain.Plain,
  at: number,
  belongs: (i: number) => boolean,
  ink: ReturnType<typeof makeInk>,
): void {
  const area = plain.reached(map, (x, y) => y * COLUMNS + x === at, belongs);
  plain.paint(map, ink, (x, y) => area.has(y * COLUMNS + x));
}

export function modelEdit({ map, slices, at, suggested }: Model, a: EditAct): void {
  const ink = makeInk(a.label, a.rule);
  const free = makeInk(0, { ...FREE, locked: a.rule.locked }).over;
  switch (a.id) {
    case "fillHoles":
      plain.fillHoles(map, ink);
      return;
    case "keepLargest":
      plain.keepLargest(map, a.label);
      return;
    case "smoothEdge":
      plain.smooth(map, ink);
      return;
    case "grow":
      plain.grow(map, ink, 2, 1);
      return;
    case "shrink":
      plain.shrink(map, a.label, 2, 1);
      return;
    case "clearClass":
      map.data.forEach((value, i) => {
        if (value === a.label) map.data[i] = 0;
      });
      return;
    case "acceptClass":
      plain.copyClass(map, suggested ?? map.data.slice(), ink);
      return;
    case "copyBefore":
      if (at > 0) plain.copyClass(map, slices[at - 1]!.data, ink);
      return;
    case "fillBetween":
      plain.fillBetween(slices, ink);
      return;
    case "clearSuggestion":
      suggested?.forEach((value, i) => {
        if (map.data[i] === value && free[value]) map.data[i] = 0;
      });
      return;
    case "loadSuggestion":
      suggested?.forEach((value, i) => {
        if (free[map.data[i]!]) map.data[i] = value;
      });
      return;
    case "clearAll":
      map.data.forEach((value, i) => {
        if (free[value]) map.data[i] = 0;
      });
      return;
    case "swap":
      map.data.forEach((value, i) => {
        if (value === a.label) map.data[i] = 255;
        else if (value === 255) map.data[i] = a.label;
      });
  }
}
