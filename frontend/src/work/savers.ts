/** Saves a case: one saver for each of its drawings, and their states as one. */
import type { Journal, JournalRecord } from "../journal/journal";
import type { Case } from "./case";
import { type KeptDraft, numberAfter, recordOf, Saver, type SaveState } from "./saver";
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
    private readonly user: number,
    server: Server,
    private readonly journal: Journal,
    onState: (state: SaveState) => void,
  ) {
    // A saver with unsent work speaks up as it is made, before all of them are there.
    const told = () => this.each.length > 0 && onState(this.state);
    this.each = work.slices.map((slice) => new Saver(work, slice, user, server, journal, told));
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

  async park(): Promise<void> {
    await Promise.all(this.each.map((saver) => saver.park()));
  }

  close(): void {
    for (const saver of this.each) saver.close();
  }

  /**
   * Write a submission into the journal, where it stays until the server acknowledged it; of a
   * series as one record, in the place of those of its drawings.
   */
  async seal(submitKey: string): Promise<void> {
    this.close();
    const sequence = numberAfter(Math.max(...this.each.map((saver) => saver.sequence)));
    await this.journal.put({ ...submission(this.work, this.user, submitKey), sequence });
    await this.forget(this.work.assignment.id);
  }

  /** Remove what the journal holds of this case, but for one record. */
  async forget(but: number | null = null): Promise<void> {
    for (const { assignment } of this.work.slices) {
      if (assignment !== but) await this.journal.remove(this.user, assignment);
    }
  }
}

function graver(a: SaveState, b: SaveState): SaveState {
  if (a.kind === "saved" && b.kind === "saved") return a.at > b.at ? a : b;
  return GRAVITY.indexOf(b.kind) > GRAVITY.indexOf(a.kind) ? b : a;
}

/** A finished case as it is kept and sent. */
export function submission(work: Case, user: number, submitKey: string): JournalRecord {
  const own = work.slices[work.own]!;
  const record = { ...recordOf(work, user, own), submitKey };
  if (work.slices.length === 1) return record;
  return {
    ...record,
    mask: work.history.committed,
    frames: work.slices.map((slice) => slice.assignment),
  };
}
