/**
 * Submissions on their way. Each lies in the journal with its key until the server acknowledged or
 * refused it; the same key is sent on every try, so that an answer lost on the way cannot make two
 * annotations. Works are sent in the order they were finished.
 */
import type { Schemas } from "../api/client";
import { ApiError, isPassing, isSignedOut } from "../api/errors";
import { maskHash, packMask, packPart } from "../domain/codec";
import { holds } from "../domain/lineage";
import type { Mask } from "../domain/mask";
import type { Journal, JournalRecord } from "../journal/journal";
import type { KeptDraft } from "./saver";
import type { Server } from "./server";

export type OutboxState = "idle" | "sending" | "offline" | "signed_out";

export interface Refusal {
  readonly record: JournalRecord;
  /**
   * Whether the work lies in this browser alone, until the reader sends or discards it; not once its
   * case is open again.
   */
  readonly kept: boolean;
  readonly code: string;
  readonly message: string;
}

type Beside = Pick<
  Required<Schemas["AmendInputRequest"]>,
  "key" | "seconds" | "findings" | "unseen"
>;

const RETRY = [1500, 3000, 6000, 12000];
const STALE = "stale_draft";

export class Outbox {
  private readonly queue: JournalRecord[] = [];
  /** Drafts the server holds of works in the queue: only what changed since is sent then. */
  private readonly drafts = new Map<JournalRecord, KeptDraft>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private sending = false;
  private failures = 0;
  private closed = false;
  private waiters: (() => void)[] = [];
  state: OutboxState = "idle";

  constructor(
    private readonly server: Server,
    private readonly journal: Journal,
    private readonly onChange: (state: OutboxState, waiting: number) => void,
    private readonly onRefused: (refusal: Refusal) => void,
  ) {}

  get waiting(): number {
    return this.queue.length;
  }

  holds(assignment: number): boolean {
    return this.queue.some((record) => record.assignment === assignment);
  }

  add(record: JournalRecord, draft: KeptDraft | null = null): void {
    this.queue.push(record);
    if (draft && !record.amends) this.drafts.set(record, draft);
    void this.send();
  }

  poke(): void {
    this.failures = 0;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    void this.send();
  }

  /** Resolves when nothing waits any more. */
  drained(): Promise<void> {
    if (this.queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  close(): void {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
  }

  private tell(state: OutboxState): void {
    this.state = state;
    if (!this.closed) this.onChange(state, this.queue.length);
  }

  private async send(): Promise<void> {
    if (this.sending || this.timer || this.closed) return;
    this.sending = true;
    try {
      for (let record = this.queue[0]; record && !this.closed; record = this.queue[0]) {
        this.tell("sending");
        if (!(await this.sendOne(record))) return;
        this.queue.shift();
        this.drafts.delete(record);
        this.failures = 0;
      }
      this.tell("idle");
      for (const resolve of this.waiters.splice(0)) resolve();
    } finally {
      this.sending = false;
    }
  }

  /** Hand in upon the drafts that the work goes back to; upon another one the server does not. */
  private async hand(record: JournalRecord): Promise<void> {
    let bases = record.lineages?.map(({ base }) => base);
    for (;;) {
      const draft = this.drafts.get(record);
      try {
        if (draft && (await this.handPart(record, draft))) return;
        if (!draft) return await this.handWhole(record, bases);
      } catch (error) {
        const now = basesNow(record, error);
        if (!now || (!draft && now.join() === bases?.join())) throw error;
        bases = now;
      }
      this.drafts.delete(record);
    }
  }

  private async handWhole(record: JournalRecord, bases?: readonly number[]): Promise<void> {
    const { frames, token } = record;
    if (frames) {
      const series = { ...start(record), token, frames: await packFrames(record, frames, bases) };
      await this.server.submitSeries(record.assignment, series);
      return;
    }
    const upon = bases && { base: bases[0]! };
    const work = { ...start(record), ...upon, mask: await packMask(drawnIn(record)) };
    if (record.amends) await this.server.amend(record.amends, work);
    else await this.server.submit(record.assignment, { ...work, token });
  }

  /** Send what changed since the draft the server holds; false where no part can be sent. */
  private async handPart(record: JournalRecord, draft: KeptDraft): Promise<boolean> {
    const mask = drawnIn(record);
    const sha256 = await maskHash(mask);
    if (!sha256) return false;
    const part = await packPart(draft.mask, mask);
    const { token } = record;
    const work = { ...start(record), ...part, base: draft.sequence, sha256, token };
    await this.server.submit(record.assignment, work);
    return true;
  }

  /** True when the server has decided over this record, one way or the other. */
  private async sendOne(record: JournalRecord): Promise<boolean> {
    try {
      await this.hand(record);
    } catch (error) {
      if (isSignedOut(error)) {
        this.tell("signed_out");
        return false;
      }
      if (isPassing(error) || !(error instanceof ApiError)) {
        this.tell("offline");
        const after = RETRY[Math.min(this.failures++, RETRY.length - 1)]!;
        this.timer = setTimeout(() => {
          this.timer = null;
          void this.send();
        }, after);
        return false;
      }
      // A 409 leaves the work on the server as this reader's draft, but for one that another draft
      // is there; any other refusal leaves it here, as does that of an amendment, which the server
      // keeps only as far as it was autosaved.
      const { code, message } = error;
      const kept = error.status !== 409 || code === STALE || Boolean(record.amends);
      if (kept) await this.mark(record, { code, message });
      this.onRefused({ record, kept, code, message });
      if (kept) return true;
    }
    await this.clear(record).catch(() => undefined);
    return true;
  }

  /** Let the journal go of what the server has, if newer work has not taken its place. */
  private async clear({ key, submitKey }: JournalRecord): Promise<void> {
    const there = await this.journal.get(key);
    if (there?.submitKey === submitKey) await this.journal.remove(key);
  }

  /** Note in the journal that a submission was refused, if newer work has not taken its place. */
  private async mark(
    record: JournalRecord,
    refused: Pick<Refusal, "code" | "message">,
  ): Promise<void> {
    try {
      const there = await this.journal.get(record.key);
      if (there?.submitKey === record.submitKey) await this.journal.put({ ...there, refused });
    } catch {
      // A store that refuses keeps it as it was: it is sent once more after a reload.
    }
  }
}

/** What every way of handing in says beside the drawing. */
function start({ submitKey, seconds, findings = {}, unseen = [] }: JournalRecord): Beside {
  return { key: submitKey ?? "", seconds, findings, unseen: [...unseen] };
}

function drawnIn({ rows, columns, mask }: JournalRecord): Mask {
  return { rows, columns, data: mask };
}

/** The drawings of a series, each packed under its assignment, upon the draft it goes back to. */
function packFrames(
  { rows, columns, mask }: JournalRecord,
  frames: readonly number[],
  bases?: readonly number[],
): Promise<Schemas["FrameInputRequest"][]> {
  const size = rows * columns;
  return Promise.all(
    frames.map(async (assignment, i) => {
      const data = mask.subarray(i * size, (i + 1) * size);
      const drawn = await packMask({ rows, columns, data });
      return { assignment, mask: drawn, ...(bases && { base: bases[i]! }) };
    }),
  );
}

/**
 * After a refusal since other drafts are there: theirs, if this work holds all that they do; null
 * when one of them is another window's, or the refusal is another one.
 */
function basesNow({ lineages, frames }: JournalRecord, error: unknown): number[] | null {
  if (!(error instanceof ApiError) || error.code !== STALE || !lineages) return null;
  const { sequence = 0, frames: there = {} } = (error.detail ?? {}) as {
    sequence?: number;
    frames?: Record<string, number>;
  };
  const now = lineages.map(({ base }, i) => (frames ? (there[frames[i]!] ?? base) : sequence));
  return lineages.every((lineage, i) => holds(lineage, now[i]!)) ? now : null;
}
