/** A small server in memory for tests, with the rules of the real one that the workstation meets. */
import type { Assignment, Recent } from "../api/client";
import { ApiError, NetworkError } from "../api/errors";
import { unpackMask } from "../domain/codec";
import type { Server } from "./server";

interface Row {
  readonly task: number;
  slot: "current" | "next";
  state: "held" | "submitted" | "skipped" | "lost";
  draft: { sequence: number; mask: string; seconds: number; saved_at: string } | null;
  mask: number[] | null;
  key: string | null;
}

const ROWS = 4;
const COLUMNS = 4;

export class FakeServer implements Server {
  readonly rows = new Map<number, Row>();
  private tasks: number[];
  /** "away": nothing answers. "deaf": requests arrive and answers are lost. "out": 401. */
  mode: "well" | "away" | "deaf" | "out" = "well";
  submits = 0;
  amendments = 0;
  leases: string[] = [];
  suggest = false;

  constructor(tasks: number) {
    this.tasks = Array.from({ length: tasks }, (_, i) => i + 1);
  }

  private async answer<T>(act: () => T): Promise<T> {
    await Promise.resolve();
    if (this.mode === "away") throw new NetworkError();
    if (this.mode === "out") throw new ApiError(401, "not_logged_in", "");
    const result = act();
    if (this.mode === "deaf") throw new NetworkError();
    return result;
  }

  private describe(id: number, row: Row): Assignment {
    return {
      id,
      campaign: "c",
      slot: row.slot,
      state: "held",
      token: `t${id}`,
      round: 1,
      leased_until: "2026-01-01T00:30:00Z",
      server_time: "2026-01-01T00:00:00Z",
      task: { id: row.task, state: "reading", case: row.task },
      image: {
        id: row.task,
        series: 1,
        index: row.task,
        rows: ROWS,
        columns: COLUMNS,
        channels: 1,
        dtype: "uint8",
        bits: 8,
        slope: 1,
        intercept: 0,
        photometric: "MONOCHROME2",
        spacing: null,
        axes: null,
        window: null,
        modality: "MR",
        patient_key: "P-1",
        pixels_url: "pixels",
        thumbnail_url: "",
        sha256: "",
      },
      series: { id: 1, index: row.task, count: 9 },
      why: {
        share: "order",
        strategy: null,
        score: null,
        rank: 1,
        place: 1,
        of: 9,
        model_number: null,
      },
      suggestion: this.suggest ? { id: 1, model_number: 2, mask_url: "suggestion" } : null,
      draft: row.draft,
      returned: null,
    };
  }

  lease(_campaign: string, slot: "current" | "next"): Promise<Assignment | null> {
    return this.answer(() => {
      this.leases.push(slot);
      const held = [...this.rows].filter(([, row]) => row.state === "held");
      const found = held.find(([, r]) => r.slot === slot) ?? (slot === "current" ? held[0] : null);
      if (found) {
        found[1].slot = slot;
        return this.describe(...found);
      }
      const task = this.tasks.shift();
      if (task === undefined) return null;
      const row: Row = { task, slot, state: "held", draft: null, mask: null, key: null };
      this.rows.set(100 + task, row);
      return this.describe(100 + task, row);
    });
  }

  assignment(id: number): Promise<Assignment> {
    return this.answer(() => this.describe(id, this.rows.get(id)!));
  }

  renew(id: number): Promise<{ leased_until: string; server_time: string }> {
    return this.answer(() => {
      if (this.rows.get(id)!.state !== "held") throw new ApiError(409, "lease_lost", "");
      return { leased_until: "2026-01-01T00:30:00Z", server_time: "2026-01-01T00:00:00Z" };
    });
  }

  release(id: number): Promise<void> {
    return this.answer(() => {
      this.rows.get(id)!.state = "skipped";
    });
  }

  draft(
    id: number,
    draft: { sequence: number; mask: string; seconds?: number },
  ): Promise<{ sequence: number; saved_at: string }> {
    return this.answer(() => {
      const row = this.rows.get(id)!;
      if (row.draft && row.draft.sequence >= draft.sequence) {
        throw new ApiError(409, "stale_draft", "");
      }
      row.draft = { ...draft, seconds: draft.seconds ?? 0, saved_at: "2026-01-01T00:00:00Z" };
      return { sequence: draft.sequence, saved_at: row.draft.saved_at };
    });
  }

  async submit(
    id: number,
    work: { key: string; mask: string },
  ): Promise<{ annotation: number; mask_sha256: string; task_state: "settled" }> {
    const mask = [...(await unpackMask(work.mask, ROWS, COLUMNS)).data];
    return this.answer(() => {
      const row = this.rows.get(id)!;
      if (row.key !== work.key) {
        if (row.state === "submitted") throw new ApiError(409, "already_submitted", "");
        if (row.state === "lost") throw new ApiError(409, "lease_lost", "kept as your draft");
        this.submits++;
      }
      row.key = work.key;
      row.mask = mask;
      row.state = "submitted";
      return { annotation: id, mask_sha256: "", task_state: "settled" as const };
    });
  }

  recent(): Promise<Recent[]> {
    const done = [...this.rows].filter(([, row]) => row.state === "submitted").reverse();
    return this.answer(() =>
      done.map(([id, row]) => ({
        annotation: id,
        assignment: id,
        case: row.task,
        submitted_at: "2026-01-01T00:00:00Z",
        task_state: "settled",
        thumbnail_url: "",
        mask_url: `answer/${id}`,
        hindrance: null,
      })),
    );
  }

  async amend(
    id: number,
    work: { key: string; mask: string },
  ): Promise<{ annotation: number; mask_sha256: string; task_state: "settled" }> {
    const mask = [...(await unpackMask(work.mask, ROWS, COLUMNS)).data];
    return this.answer(() => {
      const row = this.rows.get(id)!;
      if (row.key !== work.key) this.amendments++;
      Object.assign(row, { key: work.key, mask, draft: null });
      return { annotation: id, mask_sha256: "", task_state: "settled" as const };
    });
  }

  series(): Promise<never> {
    return Promise.reject(new NetworkError());
  }

  bytes(url: string): Promise<ArrayBuffer> {
    const answered = /^answer\/(\d+)$/.exec(url);
    if (answered) {
      const { mask } = this.rows.get(Number(answered[1]))!;
      return this.answer(() => Uint8Array.from(mask!).buffer);
    }
    const value = url === "suggestion" ? 2 : 7;
    return this.answer(() => new Uint8Array(ROWS * COLUMNS).fill(value).buffer);
  }
}
