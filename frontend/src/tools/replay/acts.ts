/** What a random reader may do, as data: acts of drawing, edits, history, slices, saving, leaving. */
import fc from "fast-check";
import type { Turn } from "../../domain/geometry";
import { FREE, type InkRule } from "../../domain/ink";
import type { Point } from "../../domain/ops";
import type { ToolId } from "../tool";
import { COLUMNS, ROWS } from "./world";

const TOOLS: readonly ToolId[] = [
  "brush",
  "eraser",
  "threshold",
  "polygon",
  "freehand",
  "rectangle",
  "ellipse",
  "bucket",
  "region",
  "livewire",
  "ruler",
  "angle",
];
/** Image coordinates in steps that no pixel centre shares with a shape's edge by accident. */
const place = fc
  .tuple(fc.integer({ min: -4, max: 2 * COLUMNS + 4 }), fc.integer({ min: -4, max: 2 * ROWS + 4 }))
  .map(([x, y]) => ({ x: x / 2 + 0.137, y: y / 2 + 0.219 }));
const rule: fc.Arbitrary<InkRule> = fc.constantFrom(
  FREE,
  { ...FREE, over: "background" },
  { ...FREE, over: "class", inside: 1 },
  { ...FREE, locked: new Set([2]) },
);
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("tool" as const),
      tool: fc.constantFrom(...TOOLS),
      points: fc.array(place, { minLength: 2, maxLength: 6 }),
      label: fc.constantFrom(1, 2, 3, 255),
      radius: fc.constantFrom(0.5, 1.3, 3.1),
      shape: fc.constantFrom("round" as const, "square" as const),
      rule,
      turn: fc.constantFrom<Turn>(0, 1, 2, 3),
      mirrored: fc.boolean(),
      aspect: fc.constantFrom(1, 0.7, 1.9),
      cancelled: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("edit" as const),
      id: fc.constantFrom(
        "fillHoles",
        "keepLargest",
        "smoothEdge",
        "grow",
        "shrink",
        "clearClass",
        "acceptClass",
        "swap",
        "copyBefore",
        "fillBetween",
        "clearSuggestion",
        "loadSuggestion",
        "clearAll",
      ),
      label: fc.constantFrom(1, 2, 3),
      rule,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("undo" as const, "redo" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("step" as const), by: fc.constantFrom(1, 1, -1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("save" as const),
      lost: fc.constantFrom(false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reload" as const) }) },
);
/** Two drawings of a class with an empty slice between them, and the filling of that slice. */
const filling = fc
  .record({ below: place, above: place, label: fc.constantFrom(1, 2, 3), rule })
  .map(({ below, above, label, rule }): Act[] => {
    const edit = (id: EditAct["id"]): Act => ({ kind: "edit", id, label, rule });
    const dot = (at: Point): Act => ({
      kind: "tool",
      tool: "brush",
      points: [at, at],
      label,
      radius: 3.1,
      shape: "round",
      rule: FREE,
      turn: 0,
      mirrored: false,
      aspect: 1,
      cancelled: false,
    });
    const next: Act = { kind: "step", by: 1 };
    const clear = { ...edit("clearAll"), rule: FREE };
    return [clear, dot(below), next, clear, next, clear, dot(above), edit("fillBetween")];
  });
export const session = fc
  .array(fc.oneof({ weight: 20, arbitrary: act.map((each): Act[] => [each]) }, filling), {
    minLength: 5,
    maxLength: 25,
  })
  .map((acts) => acts.flat());
export type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;
export type ToolAct = Extract<Act, { kind: "tool" }>;
export type EditAct = Extract<Act, { kind: "edit" }>;

/** Corners far enough apart that no click is taken for one that closes the polygon. */
export function corners(a: ToolAct): Point[] {
  const kept: Point[] = [];
  for (const point of a.points) {
    const apart = (other: Point | undefined) =>
      !other || Math.max(Math.abs(other.x - point.x), Math.abs(other.y - point.y)) >= 1;
    if (apart(kept[0]) && apart(kept.at(-1))) kept.push(point);
  }
  return kept;
}
