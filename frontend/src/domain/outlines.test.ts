import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, packMask, packPart, toBase64, unpackMask } from "./codec";
import { makeInk } from "./ink";
import { emptyMask, type Mask, maskFrom, sameBytes } from "./mask";
import { fillPolygon } from "./ops";
import { outlinesOf } from "./outlines";
import { readOutlines, unpackSent } from "./sent";

/** Maps of blocks: large enough for outlines, with labels that touch, holes and corners. */
const map = fc
  .record({
    rows: fc.integer({ min: 1, max: 7 }),
    columns: fc.integer({ min: 1, max: 7 }),
    block: fc.constantFrom(1, 20, 32),
    labels: fc.array(fc.constantFrom(0, 0, 1, 2, 255), { minLength: 49, maxLength: 49 }),
  })
  .map(({ rows, columns, block, labels }): Mask => {
    const mask = emptyMask(rows * block, columns * block);
    for (let i = 0; i < mask.data.length; i++) {
      const [x, y] = [i % mask.columns, Math.floor(i / mask.columns)];
      mask.data[i] = labels[Math.floor(y / block) * 7 + Math.floor(x / block)]!;
    }
    return mask;
  });

/** An outline as a trembling hand draws it over a third of an image. */
function ragged(size: number, seed: number): { x: number; y: number }[] {
  let state = seed + 1;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
  return Array.from({ length: 900 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 900;
    const radius = size * (0.13 * (1 + 0.15 * Math.sin(3 * angle + seed)) + 0.006 * random());
    return {
      x: size * (0.2 + 0.3 * (seed % 3)) + radius * Math.cos(angle),
      y: size * (0.3 + 0.4 * Math.floor(seed / 3)) + radius * Math.sin(angle),
    };
  });
}

describe("outlines", () => {
  it("give the map back byte for byte, or are none", () => {
    let given = 0;
    fc.assert(
      fc.property(map, (mask) => {
        const raw = outlinesOf(mask);
        if (!raw) return;
        given++;
        expect(raw.length).toBeLessThanOrEqual(mask.data.length / 8);
        expect(sameBytes(readOutlines(raw, mask.rows, mask.columns).data, mask.data)).toBe(true);
      }),
      { numRuns: 150 },
    );
    expect(given).toBeGreaterThan(30);
  });

  it("are what the server's tests read, too", () => {
    const path = resolve(__dirname, "../../../tests/reticle/pixels/outlines.json");
    const kept = JSON.parse(readFileSync(path, "utf8")) as {
      rows: number;
      columns: number;
      pixels: string;
      outlines: string;
    };
    const mask = maskFrom(kept.rows, kept.columns, fromBase64(kept.pixels));
    expect(toBase64(outlinesOf(mask)!)).toBe(kept.outlines);
  });

  it("are not made of noise", async () => {
    const mask = emptyMask(64, 64);
    for (let i = 0; i < mask.data.length; i++) mask.data[i] = (i * 7919) % 3;
    expect(outlinesOf(mask)).toBeNull();
    expect((await unpackMask(await packMask(mask), 64, 64)).data).toEqual(mask.data);
  });

  it("of a ragged 2048 x 2048 mask stay under 15 KB, in a draft's first request too", async () => {
    const mask = emptyMask(2048, 2048);
    for (let i = 0; i < 6; i++) fillPolygon(mask, ragged(2048, i), makeInk(1 + (i % 3)));
    const sent = await packMask(mask);
    expect(sent.length).toBeLessThan(14 * 1024);
    expect(sameBytes((await unpackSent(sent, 2048, 2048)).data, mask.data)).toBe(true);
  });

  it("serve parts of a map as well", async () => {
    const [before, now] = [emptyMask(80, 90), emptyMask(80, 90)];
    fillPolygon(now, ragged(80, 0), makeInk(3));
    const { box, mask } = await packPart(before, now);
    const part = await unpackSent(mask, box[3] - box[1], box[2] - box[0]);
    const drawn = now.data.reduce((sum, label) => sum + label, 0);
    expect(part.data.reduce((sum, label) => sum + label, 0)).toBe(drawn);
    expect(drawn).toBeGreaterThan(0);
  });
});
