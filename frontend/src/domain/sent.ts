/** What a server makes of a mask that was sent to it; for tests, step by step from the description. */
import { fromBase64, gunzip, unpackMask } from "./codec";
import { emptyMask, type Mask } from "./mask";
import { OUTLINES } from "./outlines";

/** Down, right, up, left. */
const HEADINGS = [
  [0, 1],
  [1, 0],
  [0, -1],
  [-1, 0],
] as const;

export async function unpackSent(text: string, rows: number, columns: number): Promise<Mask> {
  const sent = fromBase64(text);
  if (!OUTLINES.every((byte, i) => sent[i] === byte)) return unpackMask(text, rows, columns);
  const raw = await gunzip(sent.slice(OUTLINES.length), rows * columns);
  return readOutlines(raw, rows, columns);
}

export function readOutlines(raw: Uint8Array, rows: number, columns: number): Mask {
  const mask = emptyMask(rows, columns);
  const numbers = new DataView(raw.buffer, raw.byteOffset);
  const count = numbers.getUint32(0, true);
  let turn = 4 + 16 * count;
  for (let outline = 0; outline < count; outline++) {
    const at = (field: number) => numbers.getUint32(4 + 16 * outline + 4 * field, true);
    let [x, y, heading] = [at(1), at(2), 0];
    for (let step = 0; step < at(3); step++, turn++) {
      const [dx, dy] = HEADINGS[heading]!;
      const row = Math.min(y, y + dy);
      // Everything to the right of the edge begins or ends to be of the label.
      for (let u = x; dy !== 0 && u < columns; u++) mask.data[row * columns + u]! ^= at(0);
      x += dx;
      y += dy;
      heading = (heading + [0, 1, 3][raw[turn]!]!) % 4;
    }
  }
  if (turn !== raw.length) throw new RangeError("bytes are left over");
  return mask;
}
