/**
 * Undo and redo of a label map as deltas: the dirty box and its bytes before and after, run-length
 * encoded. The history keeps one copy of the last committed map, so tools draw freely on the
 * working map and either commit or go back to the mark they started from.
 */
import { isEmpty, type Mask, type Rect } from "./mask";

export interface Runs {
  readonly values: Uint8Array;
  readonly lengths: Uint32Array;
}

export interface Delta {
  readonly rect: Rect;
  readonly before: Runs;
  readonly after: Runs;
}

const OVERHEAD = 64;
export const DEFAULT_CAP = 32 * 1024 * 1024;

/** The delta that undoes this one. */
export function inverse(delta: Delta): Delta {
  return { rect: delta.rect, before: delta.after, after: delta.before };
}

export function deltaBytes(delta: Delta): number {
  return OVERHEAD + 5 * (delta.before.values.length + delta.after.values.length);
}

/** Run-length encode one box of a map, row by row. */
export function encodeRuns(data: Uint8Array, columns: number, rect: Rect): Runs {
  const values: number[] = [];
  const lengths: number[] = [];
  let current = -1;
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const value = data[y * columns + x]!;
      if (value === current) lengths[lengths.length - 1]!++;
      else {
        values.push(value);
        lengths.push(1);
        current = value;
      }
    }
  }
  return { values: Uint8Array.from(values), lengths: Uint32Array.from(lengths) };
}

/** Write runs back into the box they were taken from. */
export function decodeRuns(runs: Runs, data: Uint8Array, columns: number, rect: Rect): void {
  const width = rect.x1 - rect.x0;
  let x = rect.x0;
  let y = rect.y0;
  for (let i = 0; i < runs.values.length; i++) {
    let left = runs.lengths[i]!;
    while (left > 0) {
      const take = Math.min(left, rect.x0 + width - x);
      data.fill(runs.values[i]!, y * columns + x, y * columns + x + take);
      left -= take;
      x += take;
      if (x === rect.x1) {
        x = rect.x0;
        y++;
      }
    }
  }
}

export class History {
  private readonly base: Uint8Array;
  private undos: Delta[] = [];
  private redos: Delta[] = [];
  private bytes = 0;

  constructor(
    private readonly mask: Mask,
    private readonly cap: number = DEFAULT_CAP,
  ) {
    this.base = mask.data.slice();
  }

  /** The map as of the last finished act, without a stroke that is still being drawn. Not to be written. */
  get committed(): Uint8Array {
    return this.base;
  }

  get canUndo(): boolean {
    return this.undos.length > 0;
  }

  get canRedo(): boolean {
    return this.redos.length > 0;
  }

  /** How many bytes the deltas hold, by the same count as the cap. */
  get size(): number {
    return this.bytes;
  }

  /** Keep what was drawn inside `rect` since the last commit. Returns false when nothing changed. */
  commit(rect: Rect): boolean {
    const tight = this.changedWithin(rect);
    if (isEmpty(tight)) return false;
    const { columns } = this.mask;
    const delta: Delta = {
      rect: tight,
      before: encodeRuns(this.base, columns, tight),
      after: encodeRuns(this.mask.data, columns, tight),
    };
    this.copyRect(this.mask.data, this.base, tight);
    for (const gone of this.redos) this.bytes -= deltaBytes(gone);
    this.redos = [];
    this.undos.push(delta);
    this.bytes += deltaBytes(delta);
    // The newest delta always stays: a reader can take back at least the last act.
    while (this.bytes > this.cap && this.undos.length > 1) {
      this.bytes -= deltaBytes(this.undos.shift()!);
    }
    return true;
  }

  /** Throw away what was drawn inside `rect` since the last commit. */
  revert(rect: Rect): void {
    this.copyRect(this.base, this.mask.data, rect);
  }

  undo(): Rect | null {
    const delta = this.undos.pop();
    if (!delta) return null;
    this.apply(inverse(delta));
    this.redos.push(delta);
    return delta.rect;
  }

  redo(): Rect | null {
    const delta = this.redos.pop();
    if (!delta) return null;
    this.apply(delta);
    this.undos.push(delta);
    return delta.rect;
  }

  private apply(delta: Delta): void {
    decodeRuns(delta.after, this.mask.data, this.mask.columns, delta.rect);
    this.copyRect(this.mask.data, this.base, delta.rect);
  }

  private copyRect(from: Uint8Array, to: Uint8Array, rect: Rect): void {
    for (let y = rect.y0; y < rect.y1; y++) {
      const start = y * this.mask.columns;
      to.set(from.subarray(start + rect.x0, start + rect.x1), start + rect.x0);
    }
  }

  /** The smallest box inside `rect` that holds every changed pixel. */
  private changedWithin(rect: Rect): Rect {
    const { columns, data } = this.mask;
    let [x0, y0, x1, y1] = [rect.x1, rect.y1, rect.x0, rect.y0];
    for (let y = rect.y0; y < rect.y1; y++) {
      for (let x = rect.x0; x < rect.x1; x++) {
        const i = y * columns + x;
        if (data[i] === this.base[i]) continue;
        if (x < x0) x0 = x;
        if (x + 1 > x1) x1 = x + 1;
        if (y < y0) y0 = y;
        y1 = y + 1;
      }
    }
    return { x0, y0, x1, y1 };
  }
}
