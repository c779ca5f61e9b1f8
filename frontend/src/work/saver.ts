/**
 * Saves one drawing: at once into the journal, and within two seconds as a draft on the server, with
 * a growing sequence. A draft is what changed since the one the server holds; the whole mask when
 * that is not known. What fails is tried again; nothing is forgotten before it is acknowledged.
 */
import type { Assignment, Schemas } from "../api/client";
import { ApiError, isPassing, isSignedOut } from "../api/errors";
import { packMask, packPart } from "../domain/codec";
import { holds, type Lineage, numberAfter } from "../domain/lineage";
import type { Mask } from "../domain/mask";
import { type Journal, type JournalRecord, journalKey } from "../journal/journal";
import type { Case, Seat, Slice } from "./case";
import type { Server } from "./server";

/** A draft that the server is known to hold. */
export interface KeptDraft {
  readonly sequence: number;
  readonly mask: Mask;
}

export type SaveState =
  | { readonly kind: "clean" }
  | { readonly kind: "saving" }
  | { readonly kind: "saved"; readonly at: number }
  | { readonly kind: "offline" }
  | { readonly kind: "signed_out" }
  | { readonly kind: "stale" }
  | { readonly kind: "refused"; readonly message: string };

/** Milliseconds from a change to the draft being sent. */
export const SAVE_AFTER = 1200;
const RETRY = [2000, 4000, 8000, 15000];

export class Saver {
  /** Of the newest state of the drawing. */
  sequence: number;
  private acknowledged: number;
  /** What the server's draft holds; null when that is not known. */
  private kept: Mask | null;
  /** The server's draft by its sequence, 0 for none: another one there was not saved by this window. */
  private base: number;
  /** Other drawings that only this browser keeps: the reader chooses before more is saved. */
  private rivals: readonly JournalRecord[];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private sending = false;
  private writing = false;
  private written: number;
  private failures = 0;
  private closed = false;
  /** When the drawing was last changed on this page (ms); null: not since it was loaded. */
  changedAt: number | null = null;
  state: SaveState = { kind: "clean" };

  constructor(
    private readonly work: Case,
    readonly slice: Slice,
    private readonly seat: Seat,
    private readonly server: Server,
    private readonly journal: Journal,
    private readonly onState: (state: SaveState) => void,
  ) {
    const { sequence, origin, standing } = slice;
    const unsent = standing.record !== null;
    this.sequence = sequence;
    this.acknowledged = unsent ? sequence - 1 : sequence;
    this.base = standing.lineage.base;
    this.rivals = standing.rivals;
    this.kept = origin === "draft" ? this.snapshot() : null;
    this.written = sequence;
    if (standing.besideDraft || this.rivals.length > 0) this.state = { kind: "stale" };
    else if (unsent) this.plan(0);
    else if (origin === "draft") {
      const { saved_at } = draftOf(work, slice)!;
      this.state = { kind: "saved", at: Date.parse(saved_at) };
    }
  }

  get dirty(): boolean {
    return this.acknowledged < this.sequence;
  }

  /** What the server holds of this case, where that is known. */
  get draft(): KeptDraft | null {
    return this.kept ? { sequence: this.base, mask: this.kept } : null;
  }

  /** What the drawing at hand goes back to. */
  get lineage(): Lineage {
    return { base: this.base, own: [...this.slice.standing.lineage.own, this.sequence] };
  }

  /** Of two drawings that only this browser keeps, the one that is not at hand. */
  get rival(): JournalRecord | null {
    return this.rivals[0] ?? null;
  }

  /** The drawing changed. */
  changed(): void {
    this.sequence = this.number();
    this.changedAt = Date.now();
    void this.write();
    this.plan(SAVE_AFTER);
  }

  /** Try now: the network or the session is back, or the page is about to be left. */
  poke(): void {
    this.failures = 0;
    if (this.dirty && this.state.kind !== "stale") this.plan(0);
  }

  /** Of two windows' drawings the reader wants to keep this one. */
  async keepMine(): Promise<void> {
    const [rival, ...others] = this.rivals;
    if (rival) {
      await this.journal.remove(rival.key);
      this.rivals = others;
    } else {
      const there = await this.server.assignment(this.slice.assignment);
      this.base = draftOf({ assignment: there }, this.slice)?.sequence ?? 0;
    }
    this.kept = null;
    this.sequence = this.number(this.base);
    await this.write();
    if (this.rivals.length > 0) return;
    this.tell({ kind: "saving" });
    this.plan(0);
  }

  /** Put the case aside: what is newer than the server's draft stays in the journal. */
  async park(): Promise<void> {
    this.close();
    if (this.dirty) await this.put().catch(() => undefined);
  }

  /** No more drafts: the case was submitted, skipped or put away. */
  close(): void {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
  }

  private number(above = 0): number {
    return numberAfter(Math.max(this.sequence, above), this.seat.room);
  }

  private tell(state: SaveState): void {
    this.state = state;
    if (!this.closed) this.onState(state);
  }

  private plan(after: number): void {
    if (this.closed || this.sending || this.rivals.length > 0) return;
    if (this.timer && after > 0) return;
    if (this.timer) clearTimeout(this.timer);
    if (this.state.kind !== "offline" && this.state.kind !== "signed_out") {
      this.tell({ kind: "saving" });
    }
    this.timer = setTimeout(() => void this.send(), after);
  }

  /** One write at a time; strokes made meanwhile go into the next one. */
  private async write(): Promise<void> {
    if (this.writing) return;
    this.writing = true;
    try {
      while (!this.closed && this.written < this.sequence) {
        this.written = this.sequence;
        await this.put();
      }
    } catch {
      // A full or refused store: the draft on the server is then the only copy.
    } finally {
      this.writing = false;
    }
  }

  private put(): Promise<void> {
    const { slice, sequence, lineage } = this;
    const record = recordOf(this.work, this.seat, slice);
    const at = this.changedAt ?? slice.standing.record?.at ?? Date.now();
    return this.journal.put({ ...record, sequence, lineages: [lineage], at });
  }

  /** The drawing without a stroke that is still under way. */
  private snapshot(): Mask {
    return { ...this.slice.mask, data: committed(this.work, this.slice).slice() };
  }

  /** What changed since the draft the server holds, or everything. */
  private async pack(now: Mask): Promise<Pick<Schemas["DraftInputRequest"], "mask" | "box">> {
    return this.kept ? packPart(this.kept, now) : { mask: await packMask(now) };
  }

  private async send(): Promise<void> {
    this.timer = null;
    if (this.closed || !this.dirty) return;
    this.sending = true;
    const { sequence, base } = this;
    const { assignment, findings, unseen, stopwatch } = this.work;
    let retry: number | null = null;
    try {
      const now = this.snapshot();
      const packed = await this.pack(now);
      await this.server.draft(this.slice.assignment, {
        token: assignment.token,
        sequence,
        base,
        findings,
        unseen: [...unseen],
        seconds: stopwatch.seconds,
        ...packed,
      });
      this.base = sequence;
      this.kept = now;
      this.acknowledged = Math.max(this.acknowledged, sequence);
      this.failures = 0;
      if (!this.dirty) await this.saved();
      // Drawn on meanwhile, be it while the journal was being cleared.
      if (this.dirty) retry = SAVE_AFTER;
    } catch (error) {
      retry = this.failed(error);
    } finally {
      this.sending = false;
    }
    if (retry !== null) this.plan(retry);
  }

  private async saved(): Promise<void> {
    this.tell({ kind: "saved", at: Date.now() });
    if (!this.closed && !this.writing) {
      await this.forget().catch(() => undefined);
    }
  }

  /** Remove what the journal keeps of this drawing alone, but for one record. */
  async forget(but: string | null = null): Promise<void> {
    const { standing, assignment } = this.slice;
    const { user, room } = this.seat;
    const keys = new Set([...standing.held, journalKey(user, assignment, room)]);
    if (but !== null) keys.delete(but);
    // All at once: what is drawn meanwhile is written after them.
    await Promise.all([...keys].map((key) => this.journal.remove(key)));
  }

  /** Tell what went wrong; the time after which to try again, or null to wait for the reader. */
  private failed(error: unknown): number | null {
    if (isSignedOut(error)) {
      this.tell({ kind: "signed_out" });
      return null;
    }
    if (isPassing(error)) {
      this.tell({ kind: "offline" });
      return RETRY[Math.min(this.failures++, RETRY.length - 1)]!;
    }
    if (error instanceof ApiError && error.code === "stale_draft") return this.differs(error);
    this.tell({ kind: "refused", message: error instanceof Error ? error.message : "" });
    return null;
  }

  /**
   * The server holds another draft than this window thought. An own one whose answer was lost, one
   * that the page sent as it was left, or none any more: the whole mask is sent. Another window's is
   * not overwritten unasked.
   */
  private differs({ detail }: ApiError): number | null {
    const { sequence } = (detail ?? {}) as { sequence?: number };
    if (sequence === undefined || sequence === this.base || !holds(this.lineage, sequence)) {
      this.tell({ kind: "stale" });
      return null;
    }
    this.base = sequence;
    this.kept = null;
    if (this.sequence <= sequence) this.sequence = this.number(sequence);
    return 0;
  }
}

/** What the journal keeps of one drawing. */
export function recordOf(work: Case, { user, room }: Seat, slice: Slice): JournalRecord {
  const { assignment, findings, unseen, stopwatch, amends } = work;
  const { mask } = slice;
  return {
    key: journalKey(user, slice.assignment, room),
    user,
    assignment: slice.assignment,
    campaign: assignment.campaign,
    caseName: slice.name,
    token: assignment.token,
    rows: mask.rows,
    columns: mask.columns,
    mask: committed(work, slice),
    findings,
    unseen,
    sequence: 0,
    seconds: stopwatch.seconds,
    submitKey: null,
    amends,
  };
}

/** A slice as of the last finished act, without a stroke that is still being drawn. */
function committed({ slices, history }: Case, slice: Slice): Uint8Array {
  const size = slice.mask.data.length;
  const place = slices.indexOf(slice);
  return history.committed.subarray(place * size, (place + 1) * size);
}

/** The draft that the server had of a slice when the case was fetched. */
function draftOf({ assignment }: Pick<Case, "assignment">, slice: Slice): Assignment["draft"] {
  if (assignment.frames.length === 0) return assignment.draft;
  return assignment.frames.find((each) => each.assignment === slice.assignment)?.draft ?? null;
}
