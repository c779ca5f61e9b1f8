/**
 * Saves one case: at once into the journal, and within two seconds as a draft on the server, with a
 * growing sequence. What fails is tried again; nothing is forgotten before it is acknowledged.
 */
import { ApiError, isPassing, isSignedOut } from "../api/errors";
import { packMask } from "../domain/codec";
import { type Journal, journalKey } from "../journal/journal";
import type { Case } from "./case";
import type { Server } from "./server";

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
  private sequence: number;
  private acknowledged: number;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private sending = false;
  private writing = false;
  private written: number;
  private failures = 0;
  private closed = false;
  state: SaveState = { kind: "clean" };

  constructor(
    private readonly work: Case,
    private readonly user: number,
    private readonly server: Server,
    private readonly journal: Journal,
    private readonly onState: (state: SaveState) => void,
  ) {
    this.sequence = work.sequence;
    this.acknowledged = work.unsent ? work.sequence - 1 : work.sequence;
    this.written = work.sequence;
    if (work.unsent) this.plan(0);
  }

  get dirty(): boolean {
    return this.acknowledged < this.sequence;
  }

  /** The drawing changed. */
  changed(): void {
    this.sequence++;
    void this.write();
    this.plan(SAVE_AFTER);
  }

  /** Try now: the network or the session is back, or the page is about to be left. */
  poke(): void {
    this.failures = 0;
    if (this.dirty && this.state.kind !== "stale") this.plan(0);
  }

  /** Another window saved newer work and this reader wants to keep this one. */
  async keepMine(): Promise<void> {
    const there = await this.server.assignment(this.work.assignment.id);
    this.sequence = Math.max(this.sequence, there.draft?.sequence ?? 0) + 1;
    this.tell({ kind: "saving" });
    await this.write();
    this.plan(0);
  }

  /** Put the case aside: what is newer than the server's draft stays in the journal. */
  async park(): Promise<void> {
    this.close();
    if (this.dirty) await this.put(null).catch(() => undefined);
  }

  /** No more drafts: the case was submitted, skipped or put away. */
  close(): void {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
  }

  /** Write a submission into the journal; it stays there until the server acknowledged it. */
  async seal(submitKey: string): Promise<void> {
    this.sequence++;
    this.close();
    await this.put(submitKey);
  }

  private tell(state: SaveState): void {
    this.state = state;
    if (!this.closed) this.onState(state);
  }

  private plan(after: number): void {
    if (this.closed || this.sending) return;
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
        await this.put(null);
      }
    } catch {
      // A full or refused store: the draft on the server is then the only copy.
    } finally {
      this.writing = false;
    }
  }

  private put(submitKey: string | null): Promise<void> {
    const { assignment, mask, stopwatch } = this.work;
    return this.journal.put({
      key: journalKey(this.user, assignment.id),
      user: this.user,
      assignment: assignment.id,
      campaign: assignment.campaign,
      caseName: String(assignment.task.case),
      token: assignment.token,
      rows: mask.rows,
      columns: mask.columns,
      mask: mask.data,
      sequence: this.sequence,
      seconds: stopwatch.seconds,
      submitKey,
      amends: this.work.amends,
    });
  }

  private async send(): Promise<void> {
    this.timer = null;
    if (this.closed || !this.dirty) return;
    this.sending = true;
    const { sequence } = this;
    const { assignment, mask, stopwatch } = this.work;
    let retry: number | null = null;
    try {
      const packed = await packMask(mask.data);
      await this.server.draft(assignment.id, {
        token: assignment.token,
        sequence,
        mask: packed,
        seconds: stopwatch.seconds,
      });
      this.acknowledged = Math.max(this.acknowledged, sequence);
      this.failures = 0;
      if (this.dirty) retry = SAVE_AFTER;
      else await this.saved();
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
      await this.journal.remove(this.user, this.work.assignment.id).catch(() => undefined);
    }
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
    if (error instanceof ApiError && error.code === "stale_draft") this.tell({ kind: "stale" });
    else this.tell({ kind: "refused", message: error instanceof Error ? error.message : "" });
    return null;
  }
}
