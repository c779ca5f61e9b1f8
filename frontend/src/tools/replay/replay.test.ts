/**
 * Two hundred random readers at the real workstation, without a screen: tools, rules, undo, redo,
 * slices, saving, leaving and coming back, and handing in, through the real journal (on an IndexedDB
 * in memory) and the real drafts, against a plain model of the maps that keeps whole copies and draws
 * pixel by pixel, and a server that knows of masks only what was sent to it. The bytes must be the
 * same throughout.
 */
import "fake-indexeddb/auto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type Act, session } from "./acts";
import { Model, modelEdit, modelTool } from "./model";
import { drawWith, Reader, runEdit, until } from "./reader";
import { SLICES, SUGGESTED } from "./world";

async function run(reader: Reader, model: Model, a: Act): Promise<void> {
  switch (a.kind) {
    case "tool":
      drawWith(reader, a);
      model.act(() => modelTool(model.map, a));
      return;
    case "edit":
      runEdit(reader, a);
      model.act(() => modelEdit(model, a));
      return;
    case "undo":
    case "redo":
      reader.station.drawing[a.kind]();
      model[a.kind]();
      await reader.arrived();
      return;
    case "step":
      await reader.step(a.by);
      model.at = Math.min(model.slices.length - 1, Math.max(0, model.at + a.by));
      return;
    case "save":
      await reader.save(a.lost);
      return;
    case "reload":
      await reader.reload();
      model.reload();
  }
}

it.each([1, SLICES])(
  "a hundred random sessions on %i slices give the bytes of the plain model",
  async (slices) => {
    const sessions = fc.asyncProperty(fc.boolean(), session, async (suggested, acts) => {
      const reader = new Reader(slices, suggested);
      const model = new Model(slices, suggested ? [...SUGGESTED] : null);
      await reader.open();
      try {
        for (const a of acts) {
          await run(reader, model, a);
          expect(
            reader.work.slices.map(({ mask }) => [...mask.data]),
            JSON.stringify(a),
          ).toEqual(model.slices.map(({ data }) => data));
          expect(reader.ui.frame).toBe(model.at);
        }
        expect(reader.work.history.canUndo).toBe(model.canUndo);
        await reader.save(false);
        const drafts = await reader.drafts();
        for (const [i, draft] of drafts.entries()) {
          if (draft) expect(draft).toEqual(model.slices[i]!.data);
        }
        const rows = reader.work.slices.map(
          ({ assignment }) => reader.server.rows.get(assignment)!,
        );
        await reader.station.reading.submit();
        await until(() => rows.every(({ state }) => state === "submitted"));
        expect(rows.map(({ mask }) => mask)).toEqual(model.slices.map(({ data }) => data));
      } finally {
        reader.close();
      }
    });
    await fc.assert(sessions, { numRuns: 100 });
  },
  120_000,
);
