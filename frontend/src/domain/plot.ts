/** The arithmetic of a plot: values in, ticks, positions and SVG paths out. */

export type Range = readonly [low: number, high: number];
export type Point = readonly [x: number, y: number];

/** The smallest range that holds all values; null when there are none. */
export function extent(values: Iterable<number | null | undefined>): Range | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

/** A range of some width, so that a single value has a place in its middle, `half` from its ends. */
export function widened([low, high]: Range, half = Math.abs(low) / 2 || 0.5): Range {
  if (high > low) return [low, high];
  return [low - half, low + half];
}

/** Round values within a range, about `count` of them, each a multiple of 1, 2 or 5 x 10^n. */
export function ticks([low, high]: Range, count: number, whole = false): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const times = rough / power;
  let step = (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10) * power;
  if (whole) step = Math.max(1, Math.round(step));
  const found: number[] = [];
  // Counted, not added up: sums of 0.1 drift.
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) {
    found.push(Number((n * step).toPrecision(12)));
  }
  return found;
}

/** Ticks with both ends of the data among them; those less than `apart` from an end give way. */
export function withEnds(found: readonly number[], [low, high]: Range, apart: number): number[] {
  const ends = high - low < apart ? [low] : [low, high];
  const between = found.filter((tick) => ends.every((end) => Math.abs(tick - end) >= apart));
  return [...ends, ...between].sort((one, other) => one - other);
}

const MINUTE = 60_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((n) => n * MINUTE);

/** Times (ms) within a range, about `count` of them, on whole minutes, hours or days. */
export function timeTicks([low, high]: Range, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  const day = STEPS.at(-1)!;
  const step = STEPS.find((each) => each >= rough) ?? Math.ceil(rough / day) * day;
  const found: number[] = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(at);
  return found;
}

/** From values of `domain` to pixels of `range`, which may run downwards. */
export function scale(domain: Range, range: Range): (value: number) => number {
  const gain = (range[1] - range[0]) / (domain[1] - domain[0] || 1);
  return (value) => range[0] + (value - domain[0]) * gain;
}

/** An SVG path through points; "" below two of them, which make no line. */
export function linePath(points: readonly Point[]): string {
  if (points.length < 2) return "";
  return `M${points.map(([x, y]) => `${round(x)},${round(y)}`).join("L")}`;
}

/** A closed SVG path between lower and upper ends; "" below two places. */
export function bandPath(rows: readonly (readonly [x: number, low: number, high: number])[]) {
  if (rows.length < 2) return "";
  const upper = rows.map(([x, , high]) => [x, high] as const);
  const lower = rows.map(([x, low]) => [x, low] as const).reverse();
  return `${linePath([...upper, ...lower])}Z`;
}

/** The index of the value nearest to `at`; -1 when there is none. */
export function nearest(values: readonly number[], at: number): number {
  let best = -1;
  for (const [index, value] of values.entries()) {
    if (best < 0 || Math.abs(value - at) < Math.abs(values[best]! - at)) best = index;
  }
  return best;
}

export type Cell = number | string | null | undefined | Range;

/** Rows as CSV, quoted where needed; the two ends of a range stand in one cell. */
export function csv(rows: readonly Readonly<Record<string, Cell>>[]): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: Cell) => {
    const text = Array.isArray(value) ? value.join(" ") : String(value ?? "");
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => keys.map((key) => cell(row[key])).join(","));
  return [keys.map(cell).join(","), ...lines].join("\n");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
