/**
 * Two hundred random readers: tools, rules, undo, redo, save and reload, against a plain model of
 * the map that keeps whole copies and draws pixel by pixel. The bytes must be the same throughout.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { edits } from "../actions/edits";
import { packMask, unpackMask } from "../domain/codec";
import { HOME, type Turn, toScreen } from "../domain/geometry";
import { History } from "../domain/history";
import { FREE, type InkRule, makeInk } from "../domain/ink";
import { emptyMask } from "../domain/mask";
import { type Point, swapLabels } from "../domain/ops";
import * as plain from "../domain/plain";
import type { Workstation } from "../work/workstation";
import { Brush } from "./brush";
import { Bucket, RegionGrow } from "./fill";
import { Freehand, Polygon } from "./outline";
import { Box } from "./shape";
import { TestBoard } from "./test-board";
import type { Spot, Tool } from "./tool";

const ROWS = 14;
const COLUMNS = 17;
const SAMPLES = Int16Array.from({ length: ROWS * COLUMNS }, (_, i) => ((i * 37) % 90) - 20);
const SPAN = 90;

const tools: Record<string, () => Tool> = {
  brush: () => new Brush("brush"),
  eraser: () => new Brush("eraser"),
  threshold: () => new Brush("threshold"),
  polygon: () => new Polygon(),
  freehand: () => new Freehand(),
  rectangle: () => new Box("rectangle"),
  ellipse: () => new Box("ellipse"),
  bucket: () => new Bucket(),
  region: () => new RegionGrow(),
};

/** Image coordinates in steps that no pixel centre shares with a shape's edge by accident. */
const place = fc
  .tuple(fc.integer({ min: -4, max: 2 * COLUMNS + 4 }), fc.integer({ min: -4, max: 2 * ROWS + 4 }))
  .map(([x, y]) => ({ x: x / 2 + 0.137, y: y / 2 + 0.219 }));
const rule: fc.Arbitrary<InkRule> = fc.constantFrom(
  FREE,
  { ...FREE, over: "background" },
  { ...FREE, over: "class", inside: 1 },
  { ...FREE, locked: new Set([2]) },
);
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("tool" as const),
      tool: fc.constantFrom(...Object.keys(tools)),
      points: fc.array(place, { minLength: 2, maxLength: 6 }),
      label: fc.constantFrom(1, 2, 3, 255),
      radius: fc.constantFrom(0.5, 1.3, 3.1),
      shape: fc.constantFrom("round" as const, "square" as const),
      rule,
      turn: fc.constantFrom<Turn>(0, 1, 2, 3),
      mirrored: fc.boolean(),
      aspect: fc.constantFrom(1, 0.7, 1.9),
      cancelled: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("edit" as const),
      id: fc.constantFrom(
        "fillHoles",
        "keepLargest",
        "smoothEdge",
        "grow",
        "shrink",
        "clearClass",
        "swap",
      ),
      label: fc.constantFrom(1, 2, 3),
      rule,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("undo" as const, "redo" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reload" as const) }) },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;
type ToolAct = Extract<Act, { kind: "tool" }>;
type EditAct = Extract<Act, { kind: "edit" }>;

/** The model: whole copies before and after each act. */
class Model {
  map: plain.Plain = { rows: ROWS, columns: COLUMNS, data: Array(ROWS * COLUMNS).fill(0) };
  undos: number[][] = [];
  redos: number[][] = [];

  act(change: (map: plain.Plain) => void): void {
    const before = [...this.map.data];
    change(this.map);
    if (before.every((value, i) => value === this.map.data[i])) return;
    this.undos.push(before);
    this.redos = [];
  }

  step(from: number[][], to: number[][]): void {
    const data = from.pop();
    if (!data) return;
    to.push(this.map.data);
    this.map = { ...this.map, data };
  }
}

function board(): TestBoard {
  const made = new TestBoard();
  made.mask = emptyMask(ROWS, COLUMNS);
  made.history = new History(made.mask);
  made.samples = SAMPLES;
  made.sampleSpan = SPAN;
  made.range = [0, 40];
  return made;
}

/** Corners far enough apart that no click is taken for one that closes the polygon. */
function corners(a: ToolAct): Point[] {
  const kept: Point[] = [];
  for (const point of a.points) {
    const apart = (other: Point | undefined) =>
      !other || Math.max(Math.abs(other.x - point.x), Math.abs(other.y - point.y)) >= 1;
    if (apart(kept[0]) && apart(kept.at(-1))) kept.push(point);
  }
  return kept;
}

function drawWith(b: TestBoard, a: ToolAct): void {
  Object.assign(b, { label: a.label, radius: a.radius, shape: a.shape, rule: a.rule });
  b.view = { ...HOME, scale: 16, turn: a.turn, mirrored: a.mirrored, aspect: a.aspect };
  const spots: Spot[] = a.points.map((image) => ({ image, screen: toScreen(b.view, image) }));
  const tool = tools[a.tool]!();
  const last = spots.at(-1)!;
  if (a.tool === "polygon") {
    for (const image of corners(a)) tool.down(b, { image, screen: toScreen(b.view, image) });
  } else {
    tool.down(b, spots[0]!);
    tool.move(b, spots.slice(1));
  }
  if (a.cancelled && tool.busy) tool.cancel(b);
  else if (a.tool === "polygon") tool.finish(b);
  else tool.up(b, last);
}

function modelTool(map: plain.Plain, a: ToolAct): void {
  // A bucket is done with its press: there is nothing left to cancel.
  if (a.cancelled && a.tool !== "bucket") return;
  const ink = makeInk(a.label, a.rule);
  const [first, last] = [a.points[0]!, a.points.at(-1)!];
  const seed = (p: { x: number; y: number }) =>
    p.x < 0 || p.y < 0 || p.x >= COLUMNS || p.y >= ROWS
      ? -1
      : Math.floor(p.y) * COLUMNS + Math.floor(p.x);
  switch (a.tool) {
    case "brush":
    case "eraser":
    case "threshold": {
      const range = a.tool === "threshold" ? { samples: SAMPLES, low: 0, high: 40 } : null;
      const pen = makeInk(a.tool === "eraser" ? 0 : a.label, a.rule, range);
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
      const at = seed(first);
      const label = map.data[at];
      if (at < 0 || label === a.label) return;
      fillFrom(map, at, (i) => map.data[i] === label, ink);
      return;
    }
    case "region": {
      const at = seed(first);
      if (at < 0) return;
      const view = { ...HOME, scale: 16, turn: a.turn, mirrored: a.mirrored, aspect: a.aspect };
      const [s, e] = [toScreen(view, first), toScreen(view, last)];
      const tolerance = Math.max(0, (0.04 + (e.x - s.x - (e.y - s.y)) / 800) * SPAN);
      fillFrom(map, at, (i) => Math.abs(SAMPLES[i]! - SAMPLES[at]!) <= tolerance, ink);
    }
  }
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

function runEdit(b: TestBoard, a: EditAct): void {
  b.label = a.label;
  b.rule = a.rule;
  b.view = HOME;
  const station = {
    ink: b.ink.bind(b),
    label: a.label,
    view: b.view,
    ui: { get: () => ({ step: 2 }) },
  } as unknown as Workstation;
  if (a.id === "swap") b.touched(swapLabels(b.mask, a.label, 255));
  else b.touched(edits[a.id](b.mask, station));
  b.commit();
}

function modelEdit(map: plain.Plain, a: EditAct): void {
  const ink = makeInk(a.label, a.rule);
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
    case "swap":
      map.data.forEach((value, i) => {
        if (value === a.label) map.data[i] = 255;
        else if (value === 255) map.data[i] = a.label;
      });
  }
}

/** What a save and a reload leave of a case: its bytes, and a history begun anew. */
async function reload(b: TestBoard): Promise<void> {
  b.mask = await unpackMask(await packMask(b.mask.data), ROWS, COLUMNS);
  b.history = new History(b.mask);
}

it("two hundred random sessions give the bytes of the plain model", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 25 }), async (acts) => {
      const b = board();
      const model = new Model();
      for (const a of acts) {
        if (a.kind === "tool") {
          drawWith(b, a);
          model.act((map) => modelTool(map, a));
        } else if (a.kind === "edit") {
          runEdit(b, a);
          model.act((map) => modelEdit(map, a));
        } else if (a.kind === "reload") {
          await reload(b);
          model.undos = [];
          model.redos = [];
        } else if (a.kind === "undo") {
          b.history.undo();
          model.step(model.undos, model.redos);
        } else {
          b.history.redo();
          model.step(model.redos, model.undos);
        }
        expect([...b.mask.data], JSON.stringify(a)).toEqual(model.map.data);
      }
      expect(b.history.canUndo).toBe(model.undos.length > 0);
    }),
    { numRuns: 200 },
  );
}, 120_000);
