/**
 * Live-wire ("intelligent scissors"): the cheapest path along edges from an anchor to the pointer.
 * Mortensen and Barrett, "Interactive segmentation with intelligent scissors", 1998: Dijkstra over
 * 8-neighbours, cheap where the gradient is strong.
 */
import type { Point } from "./ops";
import type { Grid } from "./regions";
import type { Samples } from "./window";

/** How far from the anchor (pixels) paths are searched; beyond, the wire is drawn straight. */
export const REACH = 160;
/** What a step costs where there is no edge at all, against 0 on the strongest one. */
const STEP = 0.02;

export class LiveWire {
  private anchor: { x: number; y: number } | null = null;
  private x0 = 0;
  private y0 = 0;
  private width = 0;
  private height = 0;
  private from = new Int32Array(0);

  constructor(
    private readonly grid: Grid,
    private readonly samples: Samples,
    private readonly aspect = 1,
  ) {}

  /** Compute the cheapest paths from the pixel under a point to everything within reach. */
  start(point: Point): void {
    const { rows, columns } = this.grid;
    const x = Math.min(columns - 1, Math.max(0, Math.floor(point.x)));
    const y = Math.min(rows - 1, Math.max(0, Math.floor(point.y)));
    this.anchor = { x, y };
    this.x0 = Math.max(0, x - REACH);
    this.y0 = Math.max(0, y - REACH);
    this.width = Math.min(columns, x + REACH + 1) - this.x0;
    this.height = Math.min(rows, y + REACH + 1) - this.y0;
    this.search((y - this.y0) * this.width + (x - this.x0));
  }

  /** The wire from the anchor to a point, through pixel centres, both ends included. */
  path(to: Point): Point[] {
    if (!this.anchor) return [];
    const x = Math.floor(to.x) - this.x0;
    const y = Math.floor(to.y) - this.y0;
    const start = { x: this.anchor.x + 0.5, y: this.anchor.y + 0.5 };
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return [start, to];
    const points: Point[] = [];
    for (let i = y * this.width + x; i >= 0; i = this.from[i]!) {
      points.push({
        x: this.x0 + (i % this.width) + 0.5,
        y: this.y0 + Math.floor(i / this.width) + 0.5,
      });
    }
    return points.reverse();
  }

  private search(start: number): void {
    const { width, height } = this;
    const cost = this.costs();
    const total = new Float64Array(width * height).fill(Infinity);
    this.from = new Int32Array(width * height).fill(-1);
    total[start] = 0;
    const heap = new Heap();
    heap.push(0, start);
    const diagonal = Math.hypot(1, this.aspect);
    while (heap.size > 0) {
      const [far, i] = heap.pop();
      if (far > total[i]!) continue;
      const y = Math.floor(i / width);
      const x = i - y * width;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const [u, v] = [x + dx, y + dy];
          if ((dx === 0 && dy === 0) || u < 0 || v < 0 || u >= width || v >= height) continue;
          const length = dx === 0 ? this.aspect : dy === 0 ? 1 : diagonal;
          const next = v * width + u;
          const reached = far + length * cost[next]!;
          if (reached >= total[next]!) continue;
          total[next] = reached;
          this.from[next] = i;
          heap.push(reached, next);
        }
      }
    }
  }

  /** The cost of entering each pixel: STEP + (1 - gradient / strongest gradient)^2. */
  private costs(): Float64Array {
    const { width, height } = this;
    const gradient = new Float64Array(width * height);
    let strongest = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const g = this.gradient(this.x0 + x, this.y0 + y);
        gradient[y * width + x] = g;
        if (g > strongest) strongest = g;
      }
    }
    return gradient.map((g) => STEP + (strongest > 0 ? (1 - g / strongest) ** 2 : 1));
  }

  /** Sobel's gradient magnitude; the border repeats. */
  private gradient(x: number, y: number): number {
    const { rows, columns } = this.grid;
    const at = (dx: number, dy: number) => {
      const u = Math.min(columns - 1, Math.max(0, x + dx));
      const v = Math.min(rows - 1, Math.max(0, y + dy));
      return this.samples[v * columns + u]!;
    };
    const gx = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
    const gy = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
    return Math.hypot(gx, gy / this.aspect);
  }
}

/** A binary heap of (cost, pixel), cheapest first. */
class Heap {
  private readonly costs: number[] = [];
  private readonly items: number[] = [];

  get size(): number {
    return this.costs.length;
  }

  push(cost: number, item: number): void {
    let i = this.costs.length;
    this.costs.push(cost);
    this.items.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.costs[parent]! <= cost) break;
      this.set(i, this.costs[parent]!, this.items[parent]!);
      i = parent;
    }
    this.set(i, cost, item);
  }

  pop(): [number, number] {
    const top: [number, number] = [this.costs[0]!, this.items[0]!];
    const cost = this.costs.pop()!;
    const item = this.items.pop()!;
    const n = this.costs.length;
    if (n === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && this.costs[child + 1]! < this.costs[child]!) child++;
      if (this.costs[child]! >= cost) break;
      this.set(i, this.costs[child]!, this.items[child]!);
      i = child;
    }
    this.set(i, cost, item);
    return top;
  }

  private set(i: number, cost: number, item: number): void {
    this.costs[i] = cost;
    this.items[i] = item;
  }
}
