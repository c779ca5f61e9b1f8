import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, gunzip, gzip, packPixels, toBase64, unpackMask } from "./codec";

describe("masks on the wire", () => {
  it("come back byte for byte", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 35, maxLength: 35 }), async (data) => {
        expect((await unpackMask(await packPixels(data), 5, 7)).data).toEqual(data);
      }),
      { numRuns: 30 },
    );
  });

  it("are plain gzip that another program reads", async () => {
    const data = Uint8Array.from([0, 0, 1, 2, 255]);
    expect([...gunzipSync(await gzip(data))]).toEqual([...data]);
  });

  it("of the wrong size, or that unpack to too much, are refused", async () => {
    const packed = await packPixels(new Uint8Array(100));
    await expect(unpackMask(packed, 9, 9)).rejects.toThrow(RangeError);
    await expect(unpackMask(packed, 20, 20)).rejects.toThrow(RangeError);
    await expect(gunzip(Uint8Array.from([1, 2, 3]), 10)).rejects.toThrow();
  });

  it("base64 holds any bytes, also long ones", () => {
    const bytes = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 31) % 256);
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
  });
});
