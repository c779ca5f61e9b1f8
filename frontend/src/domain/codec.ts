/** A mask on the wire: gzip of its raw bytes, in base64 where it travels inside JSON. */
import { type Mask, maskFrom } from "./mask";

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

export async function packMask(data: Uint8Array): Promise<string> {
  return toBase64(await gzip(data));
}

/** Throws RangeError when the bytes do not fill exactly rows x columns. */
export async function unpackMask(packed: string, rows: number, columns: number): Promise<Mask> {
  return maskFrom(rows, columns, await gunzip(fromBase64(packed), rows * columns));
}
