/**
 * Submissions on their way. Each lies in the journal with its key until the server acknowledged or
 * refused it; the same key is sent on every try, so that an answer lost on the way cannot make two
 * annotations. Works are sent in the order they were finished.
 */
import { ApiError, isPassing, isSignedOut } from "../api/errors";
import { packMask } from "../domain/codec";
import type { Journal, JournalRecord } from "../journal/journal";
import type { Server } from "./server";

export type OutboxState = "idle" | "sending" | "offline" | "signed_out";

export interface Refusal {
  readonly record: JournalRecord;
  readonly code: string;
  readonly message: string;
}

const RETRY = [1500, 3000, 6000, 12000];

export class Outbox {
  private readonly queue: JournalRecord[] = [];
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

  add(record: JournalRecord): void {
    this.queue.push(record);
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
        this.failures = 0;
      }
      this.tell("idle");
      for (const resolve of this.waiters.splice(0)) resolve();
    } finally {
      this.sending = false;
    }
  }

  private async hand(record: JournalRecord): Promise<void> {
    const work = {
      key: record.submitKey ?? "",
      mask: await packMask(record.mask),
      seconds: record.seconds,
    };
    if (record.amends) await this.server.amend(record.amends, work);
    else await this.server.submit(record.assignment, { ...work, token: record.token });
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
      // A 409 leaves the work on the server as this reader's draft; any other refusal leaves it
      // here, as does that of an amendment, which the server keeps only as far as it was autosaved.
      if (error.code !== "already_submitted") {
        this.onRefused({ record, code: error.code, message: error.message });
      }
      if (error.status !== 409 || record.amends) return true;
    }
    await this.journal.remove(record.user, record.assignment).catch(() => undefined);
    return true;
  }
}
