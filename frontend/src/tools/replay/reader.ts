/** A reader at the real workstation without a screen, and how they do each act. */
import { expect, vi } from "vitest";
import { edits } from "../../actions/edits";
import { unpackMask } from "../../domain/codec";
import { HOME, toScreen } from "../../domain/geometry";
import { type Point, swapLabels } from "../../domain/ops";
import { openJournal } from "../../journal/journal";
import { FakeServer } from "../../work/fake-server";
import { Reading } from "../../work/reading";
import { Workstation } from "../../work/workstation";
import type { Spot, ToolId } from "../tool";
import { corners, type EditAct, type ToolAct } from "./acts";
import { CLASSES, COLUMNS, ROWS, SAMPLES, SIZE, SUGGESTED } from "./world";

/** Tools of several clicks, which Enter closes. */
const CLICKED: ReadonlySet<ToolId> = new Set(["polygon", "livewire"]);

/** A reader with a browser and a server: one case of so many slices. */
export class Reader {
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
    this.station.slides.step(by);
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

export function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), PATIENCE);
}

export function drawWith(reader: Reader, a: ToolAct): void {
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

export function runEdit(reader: Reader, { id, label, rule }: EditAct): void {
  const { station } = reader;
  station.ui.set({ label, ...rule, step: 2 });
  reader.look({ scale: 1 });
  if (id === "swap") station.drawing.edit((mask) => swapLabels(mask, label, 255));
  else if (id in VERBS) station.drawing[id as keyof typeof VERBS]();
  else station.drawing.edit((mask) => edits[id as keyof typeof edits](mask, station));
}

/** What is no edit of a class but a verb of the drawing. */
const VERBS = {
  copyBefore: true,
  fillBetween: true,
  clearSuggestion: true,
  loadSuggestion: true,
  clearAll: true,
};
