/** The outlines of a label map, along pixel edges: what the suggestion layer draws. */
import type { Mask } from "./mask";

/** For each label, line segments as flat (x0, y0, x1, y1) quadruples in image coordinates. */
export function contours(mask: Mask): Map<number, Float32Array> {
  const found = new Map<number, number[]>();
  const { rows, columns, data } = mask;
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= columns || y >= rows ? 0 : data[y * columns + x]!;
  const add = (label: number, x0: number, y0: number, x1: number, y1: number) => {
    const list = found.get(label) ?? [];
    if (list.length === 0) found.set(label, list);
    // Join to the segment before when this one goes on in the same line.
    const n = list.length;
    if (n >= 4 && list[n - 2] === x0 && list[n - 1] === y0) {
      const flat = list[n - 3] === y0 && y0 === y1;
      const upright = list[n - 4] === x0 && x0 === x1;
      if (flat || upright) {
        list[n - 2] = x1;
        list[n - 1] = y1;
        return;
      }
    }
    list.push(x0, y0, x1, y1);
  };
  for (let y = 0; y <= rows; y++) {
    for (let side = 0; side < 2; side++) {
      for (let x = 0; x < columns; x++) {
        const here = at(x, side === 0 ? y : y - 1);
        const there = at(x, side === 0 ? y - 1 : y);
        if (here !== 0 && here !== there) add(here, x, y, x + 1, y);
      }
    }
  }
  for (let x = 0; x <= columns; x++) {
    for (let side = 0; side < 2; side++) {
      for (let y = 0; y < rows; y++) {
        const here = at(side === 0 ? x : x - 1, y);
        const there = at(side === 0 ? x - 1 : x, y);
        if (here !== 0 && here !== there) add(here, x, y, x, y + 1);
      }
    }
  }
  return new Map([...found].map(([label, list]) => [label, Float32Array.from(list)]));
}
