/** What an act of drawing may write: its label, and which pixels it may replace. */
import type { Mask } from "./mask";
import type { Samples } from "./window";

/** Paint over everything, only where nothing is drawn, or only inside one class. */
export type PaintOver = "everything" | "background" | "class";

/** A closed range of stored samples (one a pixel): the threshold brush keeps to it. */
export interface Range {
  readonly samples: Samples;
  readonly low: number;
  readonly high: number;
}

export interface Ink {
  readonly label: number;
  /** 256 flags: whether a pixel of this label may be replaced. */
  readonly over: Uint8Array;
  readonly range: Range | null;
  /** Whether everything may be replaced, everywhere. */
  readonly free: boolean;
}

export interface InkRule {
  readonly over: PaintOver;
  /** The class that `over: "class"` keeps to. */
  readonly inside: number;
  /** Protected labels: never replaced, whatever paints. */
  readonly locked: ReadonlySet<number>;
}

export const FREE: InkRule = { over: "everything", inside: 0, locked: new Set() };

export function makeInk(label: number, rule: InkRule = FREE, range: Range | null = null): Ink {
  const over = new Uint8Array(256);
  if (rule.over === "everything") over.fill(1);
  else over[rule.over === "background" ? 0 : rule.inside] = 1;
  for (const each of rule.locked) over[each] = 0;
  return { label, over, range, free: !range && !over.includes(0) };
}

/** Write one pixel by its index, when the ink may. */
export function put(mask: Mask, i: number, ink: Ink): void {
  if (ink.over[mask.data[i]!] === 0) return;
  const { range } = ink;
  if (range) {
    const sample = range.samples[i]!;
    if (sample < range.low || sample > range.high) return;
  }
  mask.data[i] = ink.label;
}

/** Write the pixels from <= x < to of one row, when the ink may. */
export function putRow(mask: Mask, y: number, from: number, to: number, ink: Ink): void {
  const row = y * mask.columns;
  if (ink.free) mask.data.fill(ink.label, row + from, row + to);
  else for (let i = row + from; i < row + to; i++) put(mask, i, ink);
}
