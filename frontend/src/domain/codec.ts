/**
 * A mask on the wire, in base64 where it travels inside JSON: from the server gzip of its raw bytes;
 * to the server gzip of its outlines, or of its bytes where those are shorter.
 */
import { crop, differenceRect, isEmpty, type Mask, maskFrom, type Rect } from "./mask";
import { OUTLINES, outlinesOf } from "./outlines";

async function through(
  bytes: Uint8Array,
  stream: { readable: ReadableStream<Uint8Array>; writable: WritableStream<BufferSource> },
  limit: number,
): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  // Errors of the writing end surface on the reading end too; one of them is enough.
  writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => undefined);
  writer.close().catch(() => undefined);
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = stream.readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > limit) {
      await reader.cancel();
      throw new RangeError(`more than the expected ${limit} bytes`);
    }
    chunks.push(value);
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

export function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  return through(bytes, new CompressionStream("gzip"), Number.POSITIVE_INFINITY);
}

/** Unpack at most `limit` bytes. Throws RangeError beyond that, TypeError on what is not gzip. */
export function gunzip(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  return through(bytes, new DecompressionStream("gzip"), limit);
}

export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 0x8000) {
    parts.push(String.fromCharCode(...bytes.subarray(i, i + 0x8000)));
  }
  return btoa(parts.join(""));
}

export function fromBase64(text: string): Uint8Array {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** The raw bytes, packed: the form in which the server gives a mask. */
export async function packPixels(data: Uint8Array): Promise<string> {
  return toBase64(await gzip(data));
}

/** A mask packed for the server. */
export async function packMask(mask: Mask): Promise<string> {
  const outlines = outlinesOf(mask);
  if (!outlines) return packPixels(mask.data);
  const packed = await gzip(outlines);
  const sent = new Uint8Array(OUTLINES.length + packed.length);
  sent.set(OUTLINES);
  sent.set(packed, OUTLINES.length);
  return toBase64(sent);
}

/** The inverse of `packPixels`. Throws RangeError when the bytes do not fill exactly rows x columns. */
export async function unpackMask(packed: string, rows: number, columns: number): Promise<Mask> {
  return maskFrom(rows, columns, await gunzip(fromBase64(packed), rows * columns));
}

/** What of a mask differs from an earlier one: the box and its packed bytes; one pixel when nothing does. */
export async function packPart(
  before: Mask,
  now: Mask,
): Promise<{ box: [number, number, number, number]; mask: string }> {
  const changed = differenceRect(before, now);
  const rect: Rect = isEmpty(changed) ? { x0: 0, y0: 0, x1: 1, y1: 1 } : changed;
  const { x0, y0, x1, y1 } = rect;
  return { box: [x0, y0, x1, y1], mask: await packMask(crop(now, rect)) };
}

/** The server's hash of a mask, over its shape and raw bytes; null on pages served without TLS. */
export async function maskHash({ rows, columns, data }: Mask): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const shape = new TextEncoder().encode(`${rows}x${columns}:`);
  const all = new Uint8Array(shape.length + data.length);
  all.set(shape);
  all.set(data, shape.length);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
