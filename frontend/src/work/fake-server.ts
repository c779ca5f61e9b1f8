/** A small server in memory for tests, with the rules of the real one that the workstation meets. */
import type { Assignment, Findings, Recent, Schemas, Series } from "../api/client";
import { ApiError, NetworkError } from "../api/errors";
import { maskHash, packPixels, unpackMask } from "../domain/codec";
import type { Mask } from "../domain/mask";
import { unpackSent } from "../domain/sent";
import type { Server } from "./server";

interface Row {
  token: string;
  readonly task: number;
  /** Of a series, the row it was leased with. */
  readonly leader: number | null;
  slot: "current" | "next";
  state: "held" | "submitted" | "skipped" | "lost";
  draft: {
    sequence: number;
    mask: string;
    findings: Findings;
    unseen: number[];
    seconds: number;
    saved_at: string;
  } | null;
  mask: number[] | null;
  findings: Findings;
  key: string | null;
}

/** Of the images, unless a test wants others. */
const SIZE = { rows: 4, columns: 4 };

export class FakeServer implements Server {
  readonly rows = new Map<number, Row>();
  private tasks: number[];
  /** "away": nothing answers. "deaf": requests arrive and answers are lost. "out": 401. */
  mode: "well" | "away" | "deaf" | "out" = "well";
  /** Everything that was asked, of whatever kind. */
  requests = 0;
  submits = 0;
  amendments = 0;
  leases: string[] = [];
  /** The box of every draft that was taken; null for a whole mask. */
  readonly parts: (readonly number[] | null)[] = [];
  /** The same of every submission. */
  readonly handed: (readonly number[] | null)[] = [];
  suggest = false;
  /** What the suggestion answers; it draws nothing then. */
  answers: Findings = {};
  /** What the suggestion draws; 2 everywhere unless a test wants otherwise. */
  suggested: Uint8Array | null = null;
  /** The samples of every image; 7 everywhere, of a byte each, unless a test wants otherwise. */
  samples: Float32Array | null = null;
  /** The lease of the current case runs out just before the next one is asked for. */
  lapse = false;
  /** A manager has closed the campaign. */
  shut = false;

  /** With several frames, every case is a series of so many. */
  constructor(
    tasks: number,
    private readonly frames = 1,
    private readonly size: { readonly rows: number; readonly columns: number } = SIZE,
  ) {
    this.tasks = Array.from({ length: tasks }, (_, i) => i + 1);
  }

  private async answer<T>(act: () => T): Promise<T> {
    this.requests++;
    await Promise.resolve();
    if (this.mode === "away") throw new NetworkError();
    if (this.mode === "out") throw new ApiError(401, "not_logged_in", "");
    const result = act();
    if (this.mode === "deaf") throw new NetworkError();
    return result;
  }

  private suggestion(): Assignment["suggestion"] {
    return this.suggest
      ? { id: 1, model_number: 2, mask_url: "suggestion", findings: this.answers, maps: [] }
      : null;
  }

  private image(id: number): Assignment["image"] {
    return {
      id,
      series: 1,
      index: id,
      ...this.size,
      channels: 1,
      dtype: this.samples ? "float32" : "uint8",
      bits: this.samples ? 32 : 8,
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
    };
  }

  private describe(id: number, row: Row): Assignment {
    return {
      id,
      campaign: "c",
      slot: row.slot,
      state: "held",
      token: row.token,
      round: 1,
      leased_until: "2026-01-01T00:30:00Z",
      server_time: "2026-01-01T00:00:00Z",
      task: { id: row.task, state: "reading", case: row.task },
      image: this.image(row.task),
      series: { id: 1, index: row.task, count: 9 },
      why: {
        share: "order",
        strategy: null,
        score: null,
        rank: 1,
        place: 1,
        of: 9,
        model_number: null,
        scored_at: null,
      },
      suggestion: this.suggestion(),
      draft: row.draft,
      returned: null,
      frames: this.frames > 1 ? this.together(id).map((each) => this.frame(...each)) : [],
    };
  }

  private together(id: number): [number, Row][] {
    return [...this.rows].filter(([key, row]) => key === id || row.leader === id);
  }

  private frame(id: number, row: Row): Assignment["frames"][number] {
    return {
      assignment: id,
      case: row.task,
      image: this.image(row.task),
      suggestion: this.suggestion(),
      draft: row.draft,
    };
  }

  lease(_campaign: string, slot: "current" | "next"): Promise<Assignment | null> {
    return this.answer(() => {
      if (this.shut) throw new ApiError(409, "campaign_closed", "");
      this.leases.push(slot);
      const lapsed = this.lapse && slot === "next" ? [...this.rows][0] : undefined;
      if (lapsed) {
        this.lapse = false;
        Object.assign(lapsed[1], { slot, token: "anew" });
        return this.describe(...lapsed);
      }
      const held = [...this.rows].filter(([, row]) => row.state === "held" && !row.leader);
      const found = held.find(([, r]) => r.slot === slot) ?? (slot === "current" ? held[0] : null);
      if (found) {
        found[1].slot = slot;
        return this.describe(...found);
      }
      const task = this.tasks.shift();
      if (task === undefined) return null;
      const leader = 100 + task;
      const blank = {
        token: `t${leader}`,
        slot,
        state: "held" as const,
        draft: null,
        mask: null,
        findings: {},
        key: null,
      };
      this.rows.set(leader, { ...blank, task, leader: null });
      for (let k = 1; k < this.frames; k++) {
        this.rows.set(1000 * k + leader, { ...blank, task: 1000 * k + task, leader });
      }
      return this.describe(leader, this.rows.get(leader)!);
    });
  }

  assignment(id: number): Promise<Assignment> {
    return this.answer(() => this.describe(id, this.rows.get(id)!));
  }

  renew(id: number, token: string): Promise<{ leased_until: string; server_time: string }> {
    return this.answer(() => {
      const { state, token: last } = this.rows.get(id)!;
      if (state === "submitted") throw new ApiError(409, "already_submitted", "");
      if (state === "skipped") throw new ApiError(409, "skipped", "");
      if (this.shut) throw new ApiError(409, "campaign_closed", "");
      if (state === "lost" || token !== last) throw new ApiError(409, "lease_lost", "");
      return { leased_until: "2026-01-01T00:30:00Z", server_time: "2026-01-01T00:00:00Z" };
    });
  }

  release(id: number): Promise<void> {
    return this.answer(() => {
      this.rows.get(id)!.state = "skipped";
    });
  }

  /** Another draft is there than the one that the work goes upon. */
  private other({ draft }: Row, base: number | undefined): void {
    if (!draft || base === undefined || base === draft.sequence) return;
    throw new ApiError(409, "stale_draft", "", { sequence: draft.sequence });
  }

  private whole(text: string): Promise<Mask> {
    return unpackSent(text, this.size.rows, this.size.columns);
  }

  /** What a draft holds, with a part put upon it. */
  private async patched(kept: string, text: string, box: readonly number[]): Promise<Mask> {
    const [x0, y0, x1, y1] = box as [number, number, number, number];
    const { rows, columns } = this.size;
    const whole = await unpackMask(kept, rows, columns);
    const part = await unpackSent(text, y1 - y0, x1 - x0);
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        whole.data[y * columns + x] = part.data[(y - y0) * (x1 - x0) + x - x0]!;
      }
    }
    return whole;
  }

  async draft(
    id: number,
    draft: Schemas["DraftInputRequest"],
  ): Promise<{ sequence: number; saved_at: string }> {
    const before = this.rows.get(id)!.draft;
    const now =
      draft.box && before
        ? await this.patched(before.mask, draft.mask, draft.box)
        : draft.box
          ? null
          : await this.whole(draft.mask);
    const mask = now ? await packPixels(now.data) : "";
    return this.answer(() => {
      const row = this.rows.get(id)!;
      const kept = row.draft?.sequence ?? 0;
      const other = row.draft && draft.base !== undefined && draft.base !== kept;
      if (kept >= draft.sequence || other || (draft.box && !row.draft)) {
        throw new ApiError(409, "stale_draft", "", { sequence: kept });
      }
      this.parts.push(draft.box ?? null);
      const saved_at = "2026-01-01T00:00:00Z";
      const { sequence, findings = {}, unseen = [], seconds = 0 } = draft;
      row.draft = { sequence, mask, findings, unseen, seconds, saved_at };
      return { sequence, saved_at };
    });
  }

  async submit(
    id: number,
    work: Schemas["SubmitInputRequest"],
  ): Promise<{ annotation: number; mask_sha256: string; task_state: "settled" }> {
    const before = this.rows.get(id)!.draft;
    if (work.box && before?.sequence !== work.base) {
      return this.answer(() => {
        throw new ApiError(409, "stale_draft", "", { sequence: before?.sequence ?? 0 });
      });
    }
    const whole = work.box
      ? await this.patched(before!.mask, work.mask, work.box)
      : await this.whole(work.mask);
    if (work.box && (await maskHash(whole)) !== work.sha256) throw new Error("not the same mask");
    const mask = [...whole.data];
    return this.answer(() => {
      const row = this.rows.get(id)!;
      if (row.key !== work.key) {
        if (this.shut) throw new ApiError(409, "campaign_closed", "");
        if (row.state === "submitted") throw new ApiError(409, "already_submitted", "");
        this.other(row, work.base);
        if (row.state === "lost") throw new ApiError(409, "lease_lost", "kept as your draft");
        this.submits++;
      }
      this.handed.push(work.box ?? null);
      const { key, findings = {} } = work;
      Object.assign(row, { key, mask, findings, state: "submitted", draft: null });
      return { annotation: id, mask_sha256: "", task_state: "settled" as const };
    });
  }

  async submitSeries(
    id: number,
    work: Schemas["SeriesInputRequest"],
  ): Promise<{ frames: { annotation: number; mask_sha256: string; task_state: "settled" }[] }> {
    const masks = await Promise.all(work.frames.map(({ mask }) => this.whole(mask)));
    return this.answer(() => {
      const rows = this.together(id);
      const sent = work.frames.map((frame) => frame.assignment);
      if (rows.map(([key]) => key).join() !== sent.join()) {
        throw new ApiError(400, "frames_differ", "");
      }
      if (this.rows.get(id)!.state === "lost") throw new ApiError(409, "lease_lost", "");
      const others = work.frames.flatMap(({ assignment, base }) => {
        const { draft } = this.rows.get(assignment)!;
        const known = !draft || base === undefined || base === draft.sequence;
        return known ? [] : [[assignment, draft.sequence]];
      });
      if (others.length > 0) {
        throw new ApiError(409, "stale_draft", "", { frames: Object.fromEntries(others) });
      }
      if (this.rows.get(id)!.key !== work.key) this.submits++;
      for (const [place, [, row]] of rows.entries()) {
        const { findings = {}, key } = work;
        const mask = [...masks[place]!.data];
        Object.assign(row, { mask, findings, key, state: "submitted", draft: null });
      }
      return {
        frames: sent.map((annotation) => ({
          annotation,
          mask_sha256: "",
          task_state: "settled" as const,
        })),
      };
    });
  }

  /** On the frames of a series each is another one, 2, 3, 4 ... everywhere, unless a test wants one. */
  async suggestions(id: number): Promise<Schemas["SuggestionsOutput"]> {
    const size = this.size.rows * this.size.columns;
    const frames = await Promise.all(
      this.together(id).map(async ([assignment], place) => {
        const drawn = this.suggested ?? new Uint8Array(size).fill(2 + place);
        const mask = await packPixels(drawn);
        return { assignment, mask };
      }),
    );
    return this.answer(() => ({ frames }));
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
        findings: row.findings,
        unseen: [],
        hindrance: null,
      })),
    );
  }

  async amend(
    id: number,
    work: Schemas["AmendInputRequest"],
  ): Promise<{ annotation: number; mask_sha256: string; task_state: "settled" }> {
    const mask = [...(await this.whole(work.mask)).data];
    return this.answer(() => {
      const row = this.rows.get(id)!;
      this.other(row, work.base);
      if (row.key !== work.key) this.amendments++;
      Object.assign(row, { key: work.key, mask, findings: work.findings ?? {}, draft: null });
      return { annotation: id, mask_sha256: "", task_state: "settled" as const };
    });
  }

  /** The frames that are read together; a lone image has no others to be seen. */
  series(id: number): Promise<Series> {
    return this.answer(() => {
      if (this.frames === 1) throw new NetworkError();
      const frames = [...this.rows.values()].map(({ task }) => this.image(task));
      const geometry = { spacing_between: null, affine: null };
      return { id, modality: "MR", count: frames.length, ...geometry, frames };
    });
  }

  /** The maps of a case come at the second time of asking. */
  private asks = 0;

  askMaps(id: number): ReturnType<Server["maps"]> {
    this.asks = 0;
    return this.maps(id);
  }

  maps(_id: number): ReturnType<Server["maps"]> {
    this.asks += 1;
    const map = {
      kind: "occlusion",
      class_index: 2,
      question: "",
      option: "",
      url: "suggestion",
    } as const;
    return this.answer(() =>
      this.asks < 2 ? { asked: true, maps: [] } : { asked: false, maps: [map] },
    );
  }

  bytes(url: string): Promise<ArrayBuffer> {
    const answered = /^answer\/(\d+)$/.exec(url);
    if (answered) {
      const { mask } = this.rows.get(Number(answered[1]))!;
      return this.answer(() => Uint8Array.from(mask!).buffer);
    }
    const suggestion = url === "suggestion";
    const given = suggestion ? this.suggested : this.samples;
    const plain = new Uint8Array(this.size.rows * this.size.columns).fill(suggestion ? 2 : 7);
    return this.answer(() => (given ? given.slice() : plain).buffer as ArrayBuffer);
  }
}
