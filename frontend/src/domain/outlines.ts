/**
 * A map as the outlines of what is drawn on it: the form in which masks travel to the server, a
 * few kilobytes even where a hand trembled over a large image. The form is described where it is
 * read, in `platform/reticle/pixels/outline.py`.
 */
import { BACKGROUND, type Mask } from "./mask";

/** What such bytes begin with, once compressed. */
export const OUTLINES = new TextEncoder().encode("OUTL1\n");

const LEFT = 1;
const RIGHT = 2;

/**
 * The outlines of every label, before compression. Null where they take more than an eighth of the
 * pixels: so ragged a map travels better as it is.
 */
export function outlinesOf(mask: Mask): Uint8Array | null {
  const { data, columns } = mask;
  const most = Math.floor(data.length / 8);
  const turns = new Uint8Array(most);
  /** Their number, then four of each. */
  const heads = [0];
  // Pixels whose left edge an outline has gone down along.
  const passed = new Uint8Array(data.length);
  let length = 0;
  for (let i = 0; i < data.length; i++) {
    const label = data[i]!;
    if (label === BACKGROUND || passed[i]) continue;
    const x = i % columns;
    if (x > 0 && data[i - 1] === label) continue;
    const y = (i - x) / columns;
    const steps = follow(mask, x, y, turns.subarray(length), passed);
    heads.push(label, x, y, steps);
    length += steps;
    if (steps === 0) return null;
  }
  if (4 * heads.length + length > most) return null;
  heads[0] = (heads.length - 1) / 4;
  const out = new Uint8Array(4 * heads.length + length);
  const view = new DataView(out.buffer);
  for (const [place, value] of heads.entries()) view.setUint32(4 * place, value, true);
  out.set(turns.subarray(0, length), 4 * heads.length);
  return out;
}

/**
 * Follow one outline from the corner (x, y), down along the left edge of that pixel, with its label
 * at the left hand, until it closes. Writes the turns; returns their number, 0 when they do not fit.
 */
function follow(
  { data, rows, columns }: Mask,
  startX: number,
  startY: number,
  turns: Uint8Array,
  passed: Uint8Array,
): number {
  const label = data[startY * columns + startX]!;
  const inside = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < columns && y < rows && data[y * columns + x] === label;
  let [x, y] = [startX, startY];
  let [dx, dy] = [0, 1];
  for (let step = 0; step < turns.length; step++) {
    if (dy === 1) passed[y * columns + x] = 1;
    x += dx;
    y += dy;
    // The pixels ahead of the corner, at either hand.
    const [ax, ay] = [x + (dx - 1) / 2, y + (dy - 1) / 2];
    if (!inside(ax + dy / 2, ay - dx / 2)) {
      turns[step] = LEFT;
      [dx, dy] = [dy, -dx];
    } else if (inside(ax - dy / 2, ay + dx / 2)) {
      turns[step] = RIGHT;
      [dx, dy] = [-dy, dx];
    }
    if (x === startX && y === startY && dy === 1) return step + 1;
  }
  return 0;
}
