/**
 * The plain model of a label map, for tests: every operation of `ops`, `regions` and `morphology`
 * once more, pixel by pixel from its definition, however slow. Maps are arrays of numbers.
 */
import type { Ink } from "./ink";
import type { Point } from "./ops";

export interface Plain {
  readonly rows: number;
  readonly columns: number;
  readonly data: number[];
}

type Test = (x: number, y: number) => boolean;

export function paint(map: Plain, ink: Ink, covers: Test): void {
  for (let y = 0; y < map.rows; y++) {
    for (let x = 0; x < map.columns; x++) {
      const i = y * map.columns + x;
      if (!covers(x, y) || !ink.over[map.data[i]!]) continue;
      const { range } = ink;
      if (range && (range.samples[i]! < range.low || range.samples[i]! > range.high)) continue;
      map.data[i] = ink.label;
    }
  }
}

/** Centres within `radius` of the segment a-b: squares by sampling where each axis is near. */
export function underStroke(
  a: Point,
  b: Point,
  shape: "round" | "square",
  radius: number,
  aspect: number,
): Test {
  return (x, y) => {
    const p = { x: x + 0.5 - a.x, y: (y + 0.5 - a.y) * aspect };
    const d = { x: b.x - a.x, y: (b.y - a.y) * aspect };
    if (shape === "round") {
      const length2 = d.x * d.x + d.y * d.y;
      const t = length2 ? Math.min(1, Math.max(0, (p.x * d.x + p.y * d.y) / length2)) : 0;
      const [u, v] = [p.x - t * d.x, p.y - t * d.y];
      return u * u + v * v <= radius * radius;
    }
    // t d is near p along an axis for t between (p - r) / d and (p + r) / d.
    const span = (p: number, d: number): [number, number] => {
      if (d === 0) return Math.abs(p) <= radius ? [0, 1] : [1, 0];
      const ends = [(p - radius) / d, (p + radius) / d].sort((m, n) => m - n);
      return [Math.max(0, ends[0]!), Math.min(1, ends[1]!)];
    };
    const [s, t] = [span(p.x, d.x), span(p.y, d.y)];
    return Math.max(s[0], t[0]) <= Math.min(s[1], t[1]);
  };
}

export function insideOutline(points: readonly Point[]): Test {
  return (x, y) => {
    let odd = false;
    for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
      const [a, b] = [points[i]!, points[j]!];
      const crosses = a.y <= y + 0.5 !== b.y <= y + 0.5;
      if (crosses && a.x + ((y + 0.5 - a.y) / (b.y - a.y)) * (b.x - a.x) <= x + 0.5) odd = !odd;
    }
    return points.length > 2 && odd;
  };
}

export function insideEllipse(a: Point, b: Point): Test {
  const [cx, cy] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
  const [rx, ry] = [Math.abs(a.x - b.x) / 2, Math.abs(a.y - b.y) / 2];
  return (x, y) => {
    if (rx === 0 || ry === 0) return false;
    const v = (y + 0.5 - cy) / ry;
    if (Math.abs(v) > 1) return false;
    const half = rx * Math.sqrt(1 - v * v);
    return cx - half <= x + 0.5 && x + 0.5 < cx + half;
  };
}

/** What can be reached from the seeds by steps to one of four neighbours. */
export function reached(map: Plain, seeds: Test, belongs: (i: number) => boolean): Set<number> {
  const found = new Set<number>();
  for (let grew = true; grew; ) {
    grew = false;
    for (let y = 0; y < map.rows; y++) {
      for (let x = 0; x < map.columns; x++) {
        const i = y * map.columns + x;
        if (found.has(i) || !belongs(i)) continue;
        const near =
          seeds(x, y) ||
          (x > 0 && found.has(i - 1)) ||
          (x + 1 < map.columns && found.has(i + 1)) ||
          found.has(i - map.columns) ||
          found.has(i + map.columns);
        if (near) {
          found.add(i);
          grew = true;
        }
      }
    }
  }
  return found;
}

export function fillHoles(map: Plain, ink: Ink): void {
  const open = (i: number) => map.data[i] !== ink.label;
  const border: Test = (x, y) => x === 0 || y === 0 || x === map.columns - 1 || y === map.rows - 1;
  const outside = reached(map, border, open);
  paint(map, ink, (x, y) => {
    const i = y * map.columns + x;
    return open(i) && !outside.has(i);
  });
}

export function keepLargest(map: Plain, label: number): void {
  const belongs = (i: number) => map.data[i] === label;
  let best = new Set<number>();
  const seen = new Set<number>();
  for (let i = 0; i < map.data.length; i++) {
    if (!belongs(i) || seen.has(i)) continue;
    const part = reached(map, (x, y) => y * map.columns + x === i, belongs);
    for (const each of part) seen.add(each);
    if (part.size > best.size) best = part;
  }
  for (let i = 0; i < map.data.length; i++) if (belongs(i) && !best.has(i)) map.data[i] = 0;
}

/** Whether some pixel for which `is` holds lies within `by` of (x, y). */
function near(map: Plain, is: (i: number) => boolean, by: number, aspect: number): Test {
  return (x, y) => {
    for (let v = 0; v < map.rows; v++) {
      for (let u = 0; u < map.columns; u++) {
        if (!is(v * map.columns + u)) continue;
        if ((u - x) ** 2 + ((v - y) * aspect) ** 2 <= by * by) return true;
      }
    }
    return false;
  };
}

export function grow(map: Plain, ink: Ink, by: number, aspect: number): void {
  const before = [...map.data];
  const isNear = near(map, (i) => before[i] === ink.label, by, aspect);
  paint(map, ink, (x, y) => before[y * map.columns + x] !== ink.label && isNear(x, y));
}

export function shrink(map: Plain, label: number, by: number, aspect: number): void {
  const before = [...map.data];
  const isNear = near(map, (i) => before[i] !== label, by, aspect);
  before.forEach((value, i) => {
    const [x, y] = [i % map.columns, Math.floor(i / map.columns)];
    if (value === label && isNear(x, y)) map.data[i] = 0;
  });
}

export function smooth(map: Plain, ink: Ink): void {
  const before = [...map.data];
  const majority: Test = (x, y) => {
    const around = [-1, 0, 1]
      .flatMap((dy) => [-1, 0, 1].map((dx) => [x + dx, y + dy] as const))
      .filter(([u, v]) => u >= 0 && v >= 0 && u < map.columns && v < map.rows);
    const mine = around.filter(([u, v]) => before[v * map.columns + u] === ink.label);
    return 2 * mine.length > around.length;
  };
  if (ink.over[ink.label]) {
    before.forEach((value, i) => {
      const [x, y] = [i % map.columns, Math.floor(i / map.columns)];
      if (value === ink.label && !majority(x, y)) map.data[i] = 0;
    });
  }
  paint(map, ink, (x, y) => majority(x, y));
}
