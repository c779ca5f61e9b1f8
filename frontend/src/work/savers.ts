/** Saves a case: one saver for each of its drawings, and their states as one. */
import { numberAfter } from "../domain/lineage";
import type { Journal, JournalRecord } from "../journal/journal";
import type { Case, Seat } from "./case";
import { type KeptDraft, recordOf, Saver, type SaveState } from "./saver";
import type { Server } from "./server";

/** From the quietest to what the reader must know first. */
const GRAVITY: readonly SaveState["kind"][] = [
  "clean",
  "saved",
  "saving",
  "offline",
  "signed_out",
  "stale",
  "refused",
];

export class Savers {
  private readonly each: readonly Saver[] = [];

  constructor(
    private readonly work: Case,
    private readonly seat: Seat,
    server: Server,
    private readonly journal: Journal,
    onState: (state: SaveState) => void,
  ) {
    // A saver with unsent work speaks up as it is made, before all of them are there.
    const told = () => {
      if (this.each.length === 0) return;
      if (!this.each.some((saver) => saver.dirty)) void this.forgetSeries().catch(() => undefined);
      onState(this.state);
    };
    this.each = work.slices.map((slice) => new Saver(work, slice, seat, server, journal, told));
  }

  /** The gravest of all; of the saved ones the newest. */
  get state(): SaveState {
    return this.each.map((saver) => saver.state).reduce(graver);
  }

  /** Of a lone image, the draft that the server is known to hold. */
  get draft(): KeptDraft | null {
    const [only, other] = this.each;
    return only && !other ? only.draft : null;
  }

  /** The drawings at these places changed. */
  changed(places: readonly number[]): void {
    for (const place of places) this.each[place]?.changed();
  }

  poke(): void {
    for (const saver of this.each) saver.poke();
  }

  /** Those of drawings of which another window saved newer ones. */
  get stale(): readonly Saver[] {
    return this.each.filter((saver) => saver.state.kind === "stale");
  }

  async keepMine(): Promise<void> {
    await Promise.all(this.stale.map((saver) => saver.keepMine()));
  }

  /** Let go of the drawings that have another one, for that; what is on other slices stays. */
  async takeTheirs(): Promise<void> {
    this.close();
    const { stale } = this;
    for (const saver of this.each) await (stale.includes(saver) ? saver.forget() : saver.park());
    await this.forgetSeries();
  }

  async park(): Promise<void> {
    await Promise.all(this.each.map((saver) => saver.park()));
  }

  close(): void {
    for (const saver of this.each) saver.close();
  }

  /** The finished case as it is kept and sent. */
  submission(submitKey: string): JournalRecord {
    const { work, each } = this;
    const record = recordOf(work, this.seat, work.slices[work.own]!);
    const last = Math.max(...each.map((saver) => saver.sequence));
    const sealed = {
      ...record,
      submitKey,
      sequence: numberAfter(last, this.seat.room),
      lineages: each.map((saver) => saver.lineage),
      at: Date.now(),
    };
    if (each.length === 1) return sealed;
    const frames = work.slices.map((slice) => slice.assignment);
    // Beside the records of its slices: one of those may be written before all are saved.
    const key = `${record.key}:series`;
    return { ...sealed, key, mask: work.history.committed, frames };
  }

  /**
   * Write a submission into the journal, where it stays until the server acknowledged it; of a
   * series as one record, in the place of those of its drawings.
   */
  async seal(submission: JournalRecord): Promise<void> {
    this.close();
    await this.journal.put(submission);
    await this.forget(submission.key);
  }

  /** Remove what the journal keeps of this case, but for one record. */
  async forget(but: string | null = null): Promise<void> {
    await this.forgetSeries(but);
    for (const saver of this.each) await saver.forget(but);
  }

  /** Remove the submissions of a series that this drawing goes back to. */
  private async forgetSeries(but: string | null = null): Promise<void> {
    const rivals = this.work.slices.flatMap(({ standing }) => standing.rivals);
    const keep = new Set([but, ...rivals.map(({ key }) => key)]);
    const held = new Set(this.work.slices.flatMap(({ standing }) => standing.series));
    for (const key of held) if (!keep.has(key)) await this.journal.remove(key);
  }
}

function graver(a: SaveState, b: SaveState): SaveState {
  if (a.kind === "saved" && b.kind === "saved") return a.at > b.at ? a : b;
  return GRAVITY.indexOf(b.kind) > GRAVITY.indexOf(a.kind) ? b : a;
}
