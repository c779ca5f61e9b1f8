/**
 * One reader at work in one campaign: the case at hand, the one prefetched behind it, their leases,
 * and the way from submit to the next case. Knows no DOM and no React.
 */
import type { Assignment, Findings, Recent, Schemas } from "../api/client";
import { ApiError, isPassing, isSignedOut } from "../api/errors";
import { unpackMask } from "../domain/codec";
import { newRemainder } from "../domain/lineage";
import { type Mask, maskFrom } from "../domain/mask";
import type { Journal, JournalRecord } from "../journal/journal";
import { type Case, loadCase, type Seat, type Slice } from "./case";
import { Outbox, type OutboxState, type Refusal } from "./outbox";
import type { SaveState } from "./saver";
import { Savers } from "./savers";
import type { Server } from "./server";
import { Store } from "./store";

export type Phase = "loading" | "ready" | "waiting" | "empty" | "closed" | "forbidden" | "failed";

export interface ReadingState {
  readonly phase: Phase;
  readonly work: Case | null;
  /** A case that is held and could not be loaded. */
  readonly broken: Assignment | null;
  readonly save: SaveState;
  /** When the lease ends, by this machine's clock (ms). */
  readonly heldUntil: number | null;
  /** The case can no longer be handed in; the work is kept. The server's code says why. */
  readonly lost: string | null;
  readonly outbox: OutboxState;
  readonly unsent: number;
  /** Submissions that the server did not take, and of which the reader has not been told. */
  readonly refusals: readonly Refusal[];
  readonly submitted: number;
  readonly message: string;
}

/** What another window saved of a slice that was drawn on in this one as well. */
export interface Rival {
  readonly slice: Slice;
  readonly mask: Mask;
  readonly findings: Findings;
  /** Null where the browser does not know it any more. */
  readonly savedAt: string | null;
  /** When this window's drawing was last changed (ms); null: not since the page was loaded. */
  readonly changedAt: number | null;
  /** How many slices the other window saved newer drawings of. */
  readonly slices: number;
}

const RENEW_EVERY = 60_000;
const RETRY_AFTER = 3000;
/** With nothing left to read, ask again: work is imported, returned, and leases end. */
const ASK_AGAIN = 20_000;

export class Reading {
  readonly store = new Store<ReadingState>({
    phase: "loading",
    work: null,
    broken: null,
    save: { kind: "clean" },
    heldUntil: null,
    lost: null,
    outbox: "idle",
    unsent: 0,
    refusals: [],
    submitted: 0,
    message: "",
  });
  private saver: Savers | null = null;
  private next: Case | null = null;
  private readonly outbox: Outbox;
  private readonly heartbeat: ReturnType<typeof setInterval>;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private advancing = false;
  private again = false;
  private closed = false;
  private readonly seat: Seat;

  constructor(
    readonly campaign: string,
    user: number,
    private readonly server: Server,
    private readonly journal: Journal,
  ) {
    this.seat = { user, room: newRemainder() };
    this.outbox = new Outbox(
      server,
      journal,
      (outbox, unsent) => this.store.set({ outbox, unsent }),
      (refusal) => this.told(refusal),
    );
    this.heartbeat = setInterval(() => void this.renew(), RENEW_EVERY);
  }

  /** Whether work that the server does not have would outlive the page. */
  get durable(): boolean {
    return this.journal.durable;
  }

  async start(): Promise<void> {
    const left = await this.journal.unsent(this.seat.user, this.campaign).catch(() => []);
    for (const record of left) {
      if (record.refused) this.told({ record, kept: true, ...record.refused });
      else this.outbox.add(record);
    }
    await this.advance();
  }

  close(): void {
    this.closed = true;
    void this.saver?.park();
    this.outbox.close();
    clearInterval(this.heartbeat);
    if (this.retry) clearTimeout(this.retry);
  }

  /** The drawings on these slices, or the answers, were changed by one act. */
  changed(places: readonly number[] = [this.store.get().work?.own ?? 0]): void {
    this.saver?.changed(places);
  }

  /** The network or the session is back. */
  poke(): void {
    this.saver?.poke();
    this.outbox.poke();
    void this.renew();
    if (this.store.get().phase !== "ready") void this.advance();
  }

  /** The newer drawing of another window: of this slice, or of the first that there is one of. */
  async rival(wanted: Slice | null): Promise<Rival | null> {
    const stale = this.saver?.stale ?? [];
    const saver = stale.find(({ slice }) => slice === wanted) ?? stale[0];
    if (!saver) return null;
    const { slice, changedAt, rival } = saver;
    const { rows, columns } = slice.image;
    if (rival) {
      const { findings = {}, at } = rival;
      const savedAt = at === undefined ? null : new Date(at).toISOString();
      const mask = maskFrom(rows, columns, rival.mask);
      return { slice, mask, findings, savedAt, changedAt, slices: stale.length };
    }
    const { draft } = await this.server.assignment(slice.assignment);
    if (!draft) return null;
    const { findings = {}, saved_at: savedAt } = draft;
    const mask = await unpackMask(draft.mask, rows, columns);
    return { slice, mask, findings, savedAt, changedAt, slices: stale.length };
  }

  /** Let this window's drawing stand, to be saved in the place of the other one. */
  keepMine(): void {
    this.chosen();
    void this.saver?.keepMine().catch(() => undefined);
  }

  /** Put this window's drawing away and take up the newer one from the server. */
  async takeTheirs(): Promise<void> {
    const { saver } = this;
    const { work } = this.store.get();
    this.chosen();
    await saver?.takeTheirs().catch(() => undefined);
    if (this.holds(work)) this.forget();
    if (work?.amends) await this.amendAgain(work.amends);
    else await this.advance();
  }

  /** Take up the amendment that was refused first, to choose between two windows' drawings. */
  async revisit(): Promise<void> {
    const amends = this.store.get().refusals[0]?.record.amends;
    if (amends) await this.amendAgain(amends);
  }

  /** Take up the reader's own answer, or the case at hand where it is none of the last any more. */
  private async amendAgain(annotation: number): Promise<void> {
    try {
      const answer = (await this.recent()).find((each) => each.annotation === annotation);
      if (answer) await this.reopen(answer);
    } catch (error) {
      this.stumbled(error);
    }
    if (!this.store.get().work) await this.advance();
  }

  /** Which of two drawings stays is settled, and with it why the case was not taken. */
  private chosen(): void {
    const { work } = this.store.get();
    this.settle(({ record }) => record.assignment !== work?.assignment.id);
  }

  /**
   * Hand in the case and show the next one at once; the sending goes on behind it. Not while two
   * windows' drawings wait for a choice: what is handed in would drop the other one unasked.
   */
  async submit(): Promise<void> {
    const { work, lost, phase, save } = this.store.get();
    const { saver } = this;
    if (!work || !saver || lost || phase !== "ready" || save.kind === "stale") return;
    work.stopwatch.activity(performance.now() / 1000);
    const record = saver.submission(newKey());
    // Handed in anew: what was refused of it before is overtaken.
    this.settle((refusal) => refusal.record.assignment !== record.assignment);
    const next = work.amends ? null : this.next;
    if (next) {
      this.next = null;
      this.show(next);
    } else this.forget();
    this.store.set({ submitted: this.store.get().submitted + 1 });
    // A browser without storage still sends; the journal is the second belt.
    await saver.seal(record).catch(() => undefined);
    this.outbox.add(record, saver.draft);
    await this.advance();
  }

  /** Give the case back with a reason: the one at hand, or the one that could not be loaded. */
  async skip(reason: string): Promise<void> {
    const { saver } = this;
    const { work, broken } = this.store.get();
    const assignment = work?.assignment ?? broken;
    if (!assignment) return;
    const { id, token } = assignment;
    try {
      await this.server.release(id, token, reason);
    } catch (error) {
      if (isPassing(error) || isSignedOut(error)) throw error;
      // A lease that is lost already needs no giving back.
    }
    // Handed in, or put aside, while the answer was on its way: what is at hand now stays.
    if (this.holds(work)) {
      saver?.close();
      await saver?.forget().catch(() => undefined);
    }
    if (this.holds(work)) this.forget();
    await this.advance();
  }

  /** After a lost case: leave the kept draft behind and go on. */
  async goOn(): Promise<void> {
    this.saver?.poke();
    this.forget();
    await this.advance();
  }

  /** The reader has been told of the first refusal; work that lies here alone stays here. */
  dismiss(): void {
    const [first] = this.store.get().refusals;
    this.settle((refusal) => refusal !== first);
  }

  /** Send what was refused first once more, as it was, unless newer work has taken its place. */
  async resend(): Promise<void> {
    const [first] = this.store.get().refusals;
    if (!first) return;
    this.dismiss();
    if (!first.kept) return;
    const there = await this.kept(first.record);
    if (there) await this.journal.put({ ...there, refused: null }).catch(() => undefined);
    // A store that keeps nothing says nothing of what became of the case; one that does, does.
    else if (this.durable) return;
    this.outbox.add(first.record);
    await this.advance();
  }

  /** Let go of what was refused first: of work that lies here alone nothing is left. */
  async discard(): Promise<void> {
    const [first] = this.store.get().refusals;
    if (!first) return;
    this.dismiss();
    const there = await this.kept(first.record);
    if (there) await this.journal.remove(there.key).catch(() => undefined);
  }

  private told(refusal: Refusal): void {
    const { refusals, work } = this.store.get();
    const { assignment } = refusal.record;
    const kept = refusal.kept && work?.assignment.id !== assignment;
    this.store.set({ refusals: [...refusals, { ...refusal, kept }] });
  }

  /** Where a case is open again its work is put right and handed in there. */
  private reopened({ assignment }: Case): void {
    const { refusals } = this.store.get();
    if (!refusals.some(({ record }) => record.assignment === assignment.id)) return;
    this.store.set({
      refusals: refusals.map((each) =>
        each.record.assignment === assignment.id ? { ...each, kept: false } : each,
      ),
    });
  }

  private settle(stays: (refusal: Refusal) => boolean): void {
    this.store.set({ refusals: this.store.get().refusals.filter(stays) });
  }

  /** What the journal holds of a submission; null where newer work on its case is there. */
  private async kept({ key, submitKey }: JournalRecord): Promise<JournalRecord | null> {
    const there = await this.journal.get(key).catch(() => null);
    return there?.submitKey === submitKey ? there : null;
  }

  /** The reader's last answers, newest first. */
  recent(): Promise<Recent[]> {
    return this.server.recent(this.campaign);
  }

  /** Take up an earlier answer to amend it; the case at hand is put aside and comes back after. */
  async reopen(answer: Recent): Promise<void> {
    const assignment = await this.server.assignment(answer.assignment);
    const work = await loadCase(this.server, this.journal, this.seat, assignment, answer);
    const parked = this.saver?.park();
    this.forget();
    this.show(work);
    await parked;
  }

  /** Leave an amendment as it is, and go back to the case at hand. */
  async back(): Promise<void> {
    if (!this.store.get().work?.amends) return;
    const parked = this.saver?.park();
    this.forget();
    await parked;
    await this.advance();
  }

  /** Whether this case is the one at hand: it may be another one after every wait. */
  private holds(work: Case | null): boolean {
    return this.store.get().work === work;
  }

  private forget(): void {
    this.saver = null;
    const save = { kind: "clean" } as const;
    this.store.set({ work: null, broken: null, phase: "loading", lost: null, save });
  }

  private show(work: Case): void {
    const { assignment } = work;
    this.reopened(work);
    this.saver = new Savers(work, this.seat, this.server, this.journal, (save) => {
      if (this.store.get().work === work) this.store.set({ save });
    });
    this.store.set({
      work,
      broken: null,
      phase: "ready",
      lost: null,
      save: this.saver.state,
      heldUntil: work.amends ? null : until(assignment),
    });
  }

  /** After what is finished has been sent: hold the current case, then fetch the one behind it. */
  private async advance(): Promise<void> {
    this.again = true;
    if (this.advancing) return;
    this.advancing = true;
    try {
      // A submit that comes meanwhile asks for another turn.
      while (this.again && !this.closed) {
        this.again = false;
        await this.outbox.drained();
        await this.takeCurrent();
        if (this.store.get().work) await this.takeNext();
      }
    } catch (error) {
      this.stumbled(error);
    } finally {
      this.advancing = false;
    }
  }

  private async takeCurrent(): Promise<void> {
    // An earlier answer is open: the case at hand waits.
    const { work } = this.store.get();
    if (work?.amends) return;
    const assignment = await this.server.lease(this.campaign, "current");
    // Handed in, or an earlier answer taken up, meanwhile: the answer is about what was at hand.
    if (!this.holds(work)) return;
    if (!assignment) {
      this.store.set({ phase: "empty", work: null, broken: null, heldUntil: null });
      this.later(ASK_AGAIN);
      return;
    }
    // Handed in while the question was under way: the next turn asks again.
    if (this.outbox.holds(assignment.id)) return;
    if (work?.assignment.id === assignment.id) {
      work.assignment = { ...work.assignment, ...freshLease(assignment) };
      this.store.set({ heldUntil: until(assignment) });
      return;
    }
    this.saver?.poke();
    let leased = this.next?.assignment.id === assignment.id ? this.next : null;
    this.next = leased ? null : this.next;
    if (leased) leased.assignment = { ...leased.assignment, ...freshLease(assignment) };
    try {
      leased ??= await this.load(assignment);
    } catch (error) {
      // A server that has just lent the case is there: its own fault (500) is about this image.
      const away = isPassing(error) && !(error instanceof ApiError && error.status === 500);
      if (work || away || isSignedOut(error)) throw error;
      // What the server says of an image is not about the campaign: the reader may give it back.
      const message = error instanceof Error ? error.message : "";
      if (this.holds(work)) this.store.set({ phase: "failed", broken: assignment, message });
      return;
    }
    if (this.holds(work)) this.show(leased);
  }

  private async takeNext(): Promise<void> {
    if (this.next) return;
    const assignment = await this.server.lease(this.campaign, "next").catch((error) => {
      // Without a prefetched case the work goes on; only slower.
      if (isPassing(error)) return null;
      throw error;
    });
    const { work } = this.store.get();
    if (assignment && assignment.id === work?.assignment.id) {
      // The lease of the case at hand had run out, and this has taken it up again.
      work.assignment = { ...work.assignment, ...freshLease(assignment) };
      this.store.set({ heldUntil: until(assignment), lost: null });
      return;
    }
    if (assignment) this.next = await this.load(assignment);
  }

  private load(assignment: Assignment): Promise<Case> {
    return loadCase(this.server, this.journal, this.seat, assignment);
  }

  private stumbled(error: unknown): void {
    if (this.closed) return;
    const { work } = this.store.get();
    if (isPassing(error)) {
      if (!work) this.store.set({ phase: "waiting" });
      this.later(RETRY_AFTER);
      return;
    }
    if (isSignedOut(error)) {
      if (!work) this.store.set({ phase: "waiting" });
      return;
    }
    const code = error instanceof ApiError ? error.code : "";
    if (work) {
      // The next case is already on show: it can be looked at, and no longer handed in.
      if (code === "campaign_closed") this.store.set({ lost: code, heldUntil: null });
      return;
    }
    const status = error instanceof ApiError ? error.status : 0;
    const message = error instanceof Error ? error.message : "";
    const phase =
      code === "campaign_closed"
        ? "closed"
        : status === 403 || status === 404
          ? "forbidden"
          : "failed";
    this.store.set({ phase, message });
  }

  private later(milliseconds: number): void {
    if (this.retry) clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      this.retry = null;
      void this.advance();
    }, milliseconds);
  }

  private async renew(): Promise<void> {
    const { work } = this.store.get();
    for (const held of [work, this.next]) {
      if (!held || held.amends) continue;
      const { id, token } = held.assignment;
      try {
        const lease = await this.server.renew(id, token);
        held.assignment = { ...held.assignment, ...lease };
        if (held === this.store.get().work) {
          this.store.set({ heldUntil: until(lease), lost: null });
        }
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 409) continue;
        // Meanwhile it was leased anew: the answer is about a lease that is over.
        if (held.assignment.token !== token) continue;
        if (held === this.next) this.next = null;
        else if (held === this.store.get().work) {
          this.store.set({ lost: error.code, heldUntil: null });
        }
      }
    }
  }
}

function freshLease(
  a: Assignment,
): Pick<Assignment, "token" | "slot" | "leased_until" | "server_time"> {
  return { token: a.token, slot: a.slot, leased_until: a.leased_until, server_time: a.server_time };
}

/** The end of the lease by this machine's clock, whatever that clock says. */
function until(lease: Schemas["RenewOutput"]): number {
  return Date.now() + Date.parse(lease.leased_until) - Date.parse(lease.server_time);
}

/** A UUID; `randomUUID` is missing on pages served without TLS from another host. */
function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  const hex = [...b].map((v) => v.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
