/**
 * Two hundred random readers at the real workstation, without a screen: tools, rules, undo, redo,
 * slices, saving, leaving and coming back, and handing in, through the real journal (on an IndexedDB
 * in memory) and the real drafts, against a plain model of the maps that keeps whole copies and draws
 * pixel by pixel, and a server that knows of masks only what was sent to it. The bytes must be the
 * same throughout.
 */
import "fake-indexeddb/auto";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { edits } from "../actions/edits";
import type { LabelClass } from "../api/client";
import { unpackMask } from "../domain/codec";
import { HOME, type Turn, toScreen } from "../domain/geometry";
import { FREE, type InkRule, makeInk } from "../domain/ink";
import { type Point, swapLabels } from "../domain/ops";
import * as plain from "../domain/plain";
import { openJournal } from "../journal/journal";
import { FakeServer } from "../work/fake-server";
import { Reading } from "../work/reading";
import { Workstation } from "../work/workstation";
import type { Spot, ToolId } from "./tool";

const ROWS = 14;
const COLUMNS = 17;
const SIZE = { rows: ROWS, columns: COLUMNS };
const SLICES = 4;
/** No two of them alike, and so no two ways along edges that cost the same. */
const SAMPLES = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => {
  const noise = Math.sin(i * 12.9898) * 43758.5453;
  return 90 * (noise - Math.floor(noise)) - 20;
});
const SPAN = Math.max(...SAMPLES) - Math.min(...SAMPLES);
const SUGGESTED = Uint8Array.from({ length: ROWS * COLUMNS }, (_, i) => {
  const [x, y] = [i % COLUMNS, Math.floor(i / COLUMNS)];
  return (x - 6) ** 2 + (y - 7) ** 2 < 16 ? 1 : (x - 12) ** 2 + (y - 5) ** 2 < 9 ? 3 : 0;
});
const CLASSES = [1, 2, 3].map(
  (index): LabelClass => ({
    index,
    name: `c${index}`,
    colour: "#E69F00",
    retired: false,
  }),
);

const TOOLS: readonly ToolId[] = [
  "brush",
  "eraser",
  "threshold",
  "polygon",
  "freehand",
  "rectangle",
  "ellipse",
  "bucket",
  "region",
  "livewire",
  "ruler",
  "angle",
];
/** Tools of several clicks, which Enter closes. */
const CLICKED: ReadonlySet<ToolId> = new Set(["polygon", "livewire"]);

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
      tool: fc.constantFrom(...TOOLS),
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
        "acceptClass",
        "swap",
        "copyBefore",
        "fillBetween",
        "clearSuggestion",
        "loadSuggestion",
        "clearAll",
      ),
      label: fc.constantFrom(1, 2, 3),
      rule,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("undo" as const, "redo" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("step" as const), by: fc.constantFrom(1, 1, -1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("save" as const),
      lost: fc.constantFrom(false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reload" as const) }) },
);
/** Two drawings of a class with an empty slice between them, and the filling of that slice. */
const filling = fc
  .record({ below: place, above: place, label: fc.constantFrom(1, 2, 3), rule })
  .map(({ below, above, label, rule }): Act[] => {
    const edit = (id: EditAct["id"]): Act => ({ kind: "edit", id, label, rule });
    const dot = (at: Point): Act => ({
      kind: "tool",
      tool: "brush",
      points: [at, at],
      label,
      radius: 3.1,
      shape: "round",
      rule: FREE,
      turn: 0,
      mirrored: false,
      aspect: 1,
      cancelled: false,
    });
    const next: Act = { kind: "step", by: 1 };
    const clear = { ...edit("clearAll"), rule: FREE };
    return [clear, dot(below), next, clear, next, clear, dot(above), edit("fillBetween")];
  });
const session = fc
  .array(fc.oneof({ weight: 20, arbitrary: act.map((each): Act[] => [each]) }, filling), {
    minLength: 5,
    maxLength: 25,
  })
  .map((acts) => acts.flat());
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;
type ToolAct = Extract<Act, { kind: "tool" }>;
type EditAct = Extract<Act, { kind: "edit" }>;

/** The model: whole copies of all slices before and after each act. */
class Model {
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

/** A reader with a browser and a server: one case of so many slices. */
class Reader {
  readonly server: FakeServer;
  private readonly name = crypto.randomUUID();
  station!: Workstation;

  constructor(slices: number, suggested: boolean) {
    this.server = new FakeServer(1, slices, SIZE);
    Object.assign(this.server, { samples: SAMPLES, suggested: SUGGESTED, suggest: suggested });
  }

  async open(): Promise<void> {
    const journal = await openJournal(this.name);
    const reading = new Reading("c", 7, this.server, journal);
    this.station = new Workstation(reading, this.server);
    this.station.setForm(CLASSES, []);
    await reading.start();
    const { slices } = this.work;
    await until(() => this.ui.frames === slices.length && this.ui.arrived);
  }

  get ui() {
    return this.station.ui.get();
  }

  get work() {
    return this.station.reading.store.get().work!;
  }

  /** Leave the page in the middle of everything, and come back. */
  async reload(): Promise<void> {
    await this.rest();
    this.close();
    await this.open();
  }

  close(): void {
    this.station.close();
    this.station.reading.close();
  }

  /** Save at once; when `lost`, the server keeps the drafts and its answers do not arrive. */
  async save(lost: boolean): Promise<void> {
    await this.rest();
    const dirty = this.savers.filter((saver) => saver.dirty);
    const after = this.server.parts.length + dirty.length;
    this.server.mode = lost ? "deaf" : "well";
    this.station.reading.poke();
    if (lost) await until(() => this.server.parts.length >= after);
    else await until(() => this.savers.every((saver) => !saver.dirty));
    await this.rest();
    this.server.mode = "well";
  }

  /** Wait for what is under way: a draft that comes after its window has gone is another window's. */
  private rest(): Promise<void> {
    return until(() => this.savers.every((saver) => !saver.sending));
  }

  private get savers(): readonly { readonly dirty: boolean; readonly sending: boolean }[] {
    type Inside = { saver: { each: readonly { dirty: boolean; sending: boolean }[] } };
    return (this.station.reading as unknown as Inside).saver.each;
  }

  async step(by: number): Promise<void> {
    this.station.step(by);
    await this.arrived();
  }

  async arrived(): Promise<void> {
    if (!this.ui.arrived) await until(() => this.ui.arrived);
  }

  /** What the server holds of each slice: its draft, or nothing. */
  async drafts(): Promise<(number[] | null)[]> {
    const rows = this.work.slices.map(({ assignment }) => this.server.rows.get(assignment)!);
    return Promise.all(
      rows.map(async ({ draft }) =>
        draft ? [...(await unpackMask(draft.mask, ROWS, COLUMNS)).data] : null,
      ),
    );
  }

  /** The view as if there were a screen of it. */
  look(view: object): void {
    Object.defineProperty(this.station, "view", {
      value: { ...HOME, scale: 16, ...view },
      configurable: true,
      writable: true,
    });
  }
}

const PATIENCE = { timeout: 20_000, interval: 1 };

function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), PATIENCE);
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

function drawWith(reader: Reader, a: ToolAct): void {
  const { station } = reader;
  const { label, radius, shape, tool: id } = a;
  station.ui.set({ label, radius, shape, ...a.rule, range: [0, 40] });
  reader.look({ turn: a.turn, mirrored: a.mirrored, aspect: a.aspect });
  const spot = (image: Point): Spot => ({ image, screen: toScreen(station.view, image) });
  const spots = a.points.map(spot);
  station.choose(id);
  const { tool } = station;
  if (CLICKED.has(id)) {
    for (const point of corners(a)) {
      tool.down(station, spot(point));
      tool.move(station, [spot({ x: 5.1, y: 6.2 })]);
    }
  } else {
    tool.down(station, spots[0]!);
    tool.move(station, spots.slice(1));
  }
  if (a.cancelled && tool.busy) tool.cancel(station);
  else if (CLICKED.has(id)) tool.finish(station);
  else tool.up(station, spots.at(-1)!);
  if (tool.busy) tool.cancel(station);
}

function modelTool(map: plain.Plain, a: ToolAct): void {
  // A bucket is done with its press: there is nothing left to cancel.
  if (a.cancelled && a.tool !== "bucket") return;
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

function runEdit(reader: Reader, { id, label, rule }: EditAct): void {
  const { station } = reader;
  station.ui.set({ label, ...rule, step: 2 });
  reader.look({ scale: 1 });
  if (id === "swap") station.edit((mask) => swapLabels(mask, label, 255));
  else if (id in VERBS) station[id as keyof typeof VERBS]();
  else station.edit(edits[id as keyof typeof edits]);
}

/** What is no edit of a class but a verb of the workstation. */
const VERBS = {
  copyBefore: true,
  fillBetween: true,
  clearSuggestion: true,
  loadSuggestion: true,
  clearAll: true,
};

function modelEdit({ map, slices, at, suggested }: Model, a: EditAct): void {
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

async function run(reader: Reader, model: Model, a: Act): Promise<void> {
  switch (a.kind) {
    case "tool":
      drawWith(reader, a);
      model.act(() => modelTool(model.map, a));
      return;
    case "edit":
      runEdit(reader, a);
      model.act(() => modelEdit(model, a));
      return;
    case "undo":
    case "redo":
      reader.station[a.kind]();
      model[a.kind]();
      await reader.arrived();
      return;
    case "step":
      await reader.step(a.by);
      model.at = Math.min(model.slices.length - 1, Math.max(0, model.at + a.by));
      return;
    case "save":
      await reader.save(a.lost);
      return;
    case "reload":
      await reader.reload();
      model.reload();
  }
}

it.each([1, SLICES])(
  "a hundred random sessions on %i slices give the bytes of the plain model",
  async (slices) => {
    const sessions = fc.asyncProperty(fc.boolean(), session, async (suggested, acts) => {
      const reader = new Reader(slices, suggested);
      const model = new Model(slices, suggested ? [...SUGGESTED] : null);
      await reader.open();
      try {
        for (const a of acts) {
          await run(reader, model, a);
          expect(
            reader.work.slices.map(({ mask }) => [...mask.data]),
            JSON.stringify(a),
          ).toEqual(model.slices.map(({ data }) => data));
          expect(reader.ui.frame).toBe(model.at);
        }
        expect(reader.work.history.canUndo).toBe(model.canUndo);
        await reader.save(false);
        const drafts = await reader.drafts();
        for (const [i, draft] of drafts.entries()) {
          if (draft) expect(draft).toEqual(model.slices[i]!.data);
        }
        const rows = reader.work.slices.map(
          ({ assignment }) => reader.server.rows.get(assignment)!,
        );
        await reader.station.reading.submit();
        await until(() => rows.every(({ state }) => state === "submitted"));
        expect(rows.map(({ mask }) => mask)).toEqual(model.slices.map(({ data }) => data));
      } finally {
        reader.close();
      }
    });
    await fc.assert(sessions, { numRuns: 100 });
  },
  120_000,
);
