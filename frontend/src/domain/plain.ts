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
    for (const [i, a] of points.entries()) {
      // In this order, from a point to the next one: a centre on the edge itself falls as rounding has it.
      const b = points[(i + 1) % points.length]!;
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

/** Take one class over from another map, by the ink. */
export function copyClass(map: Plain, other: readonly number[], ink: Ink): void {
  const mine = map.data.map((value) => value === ink.label);
  paint(map, ink, (x, y) => other[y * map.columns + x] === ink.label);
  if (!ink.over[ink.label]) return;
  mine.forEach((was, i) => {
    if (was && other[i] !== ink.label) map.data[i] = 0;
  });
}

/** How far each pixel lies outside of a label, or (negative) inside, edges half way between pixels. */
function signedDistance({ rows, columns, data }: Plain, label: number): number[] {
  const far = Math.hypot(columns, rows);
  return data.map((value, i) => {
    const [x, y] = [i % columns, Math.floor(i / columns)];
    let nearest = Infinity;
    data.forEach((other, j) => {
      if ((other === label) === (value === label)) return;
      nearest = Math.min(nearest, (x - (j % columns)) ** 2 + (y - Math.floor(j / columns)) ** 2);
    });
    const distance = Math.sqrt(nearest);
    return value === label ? 0.5 - Math.min(far, distance) : distance - 0.5;
  });
}

/** Draw a class on the slices between those that hold it, by linear interpolation of the distances. */
export function fillBetween(slices: readonly Plain[], ink: Ink): void {
  const held = slices.flatMap(({ data }, i) => (data.includes(ink.label) ? [i] : []));
  const distances = new Map(held.map((i) => [i, signedDistance(slices[i]!, ink.label)]));
  slices.forEach((slice, i) => {
    const below = held.findLast((at) => at < i);
    const above = held.find((at) => at > i);
    if (below === undefined || above === undefined || held.includes(i)) return;
    const t = (i - below) / (above - below);
    const [from, to] = [distances.get(below)!, distances.get(above)!];
    const between = from.map((d, k) => ((1 - t) * d + t * to[k]! < 0 ? ink.label : 0));
    copyClass(slice, between, ink);
  });
}

const AROUND = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dx, dy] as const));

/**
 * The cheapest way through pixel centres between two pixels of an image without ties, by relaxing
 * every step until none gets cheaper (Bellman and Ford); entering a pixel costs the length of the
 * step times 0.02 + (1 - gradient / strongest gradient)^2, by Sobel's gradient, the border repeated.
 */
export function wire(
  image: { readonly rows: number; readonly columns: number; readonly samples: ArrayLike<number> },
  aspect: number,
  from: number,
  to: number,
): Point[] {
  const { rows, columns } = image;
  const place = (i: number) => [i % columns, Math.floor(i / columns)] as const;
  const gradients = Array.from({ length: rows * columns }, (_, i) => sobel(image, aspect, i));
  const strongest = Math.max(...gradients);
  const cost = gradients.map((g) => 0.02 + (strongest > 0 ? (1 - g / strongest) ** 2 : 1));
  const total = cost.map((_, i) => (i === from ? 0 : Infinity));
  const before = new Map<number, number>();
  for (let shorter = true; shorter; ) {
    shorter = false;
    for (let i = 0; i < cost.length; i++) {
      for (const [dx, dy] of AROUND) {
        const [x, y] = [place(i)[0] + dx, place(i)[1] + dy];
        if (x < 0 || y < 0 || x >= columns || y >= rows) continue;
        const next = y * columns + x;
        const reached = total[i]! + Math.hypot(dx, dy * aspect) * cost[next]!;
        if (reached >= total[next]!) continue;
        total[next] = reached;
        before.set(next, i);
        shorter = true;
      }
    }
  }
  const path = [to];
  while (path[0] !== from) path.unshift(before.get(path[0]!)!);
  return path.map((i) => ({ x: place(i)[0] + 0.5, y: place(i)[1] + 0.5 }));
}

function sobel(
  image: { readonly rows: number; readonly columns: number; readonly samples: ArrayLike<number> },
  aspect: number,
  i: number,
): number {
  const { rows, columns, samples } = image;
  const [x, y] = [i % columns, Math.floor(i / columns)];
  let [gx, gy] = [0, 0];
  for (const dy of [-1, 0, 1]) {
    for (const dx of [-1, 0, 1]) {
      const u = Math.min(columns - 1, Math.max(0, x + dx));
      const v = Math.min(rows - 1, Math.max(0, y + dy));
      gx += dx * (2 - Math.abs(dy)) * samples[v * columns + u]!;
      gy += dy * (2 - Math.abs(dx)) * samples[v * columns + u]!;
    }
  }
  return Math.hypot(gx, gy / aspect);
}
