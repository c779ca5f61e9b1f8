/** Acts on a whole class, each one step of the history. The class at hand is what they work on. */

import type { Mask, Rect } from "../domain/mask";
import { grow, shrink, smooth } from "../domain/morphology";
import { copyClass, replaceLabel } from "../domain/ops";
import { fillHoles, keepLargest } from "../domain/regions";
import type { Workstation } from "../work/workstation";

export type EditId =
  | "fillHoles"
  | "keepLargest"
  | "smoothEdge"
  | "grow"
  | "shrink"
  | "clearClass"
  | "acceptClass";

type Edit = (mask: Mask, station: Workstation) => Rect;

export const edits: Record<EditId, Edit> = {
  fillHoles: (mask, station) => fillHoles(mask, station.ink("draw")),
  keepLargest: (mask, station) => keepLargest(mask, station.label),
  smoothEdge: (mask, station) => smooth(mask, station.ink("draw")),
  grow: (mask, station) =>
    grow(mask, station.ink("draw"), station.ui.get().step, station.view.aspect),
  shrink: (mask, station) =>
    shrink(mask, station.label, station.ui.get().step, station.view.aspect),
  clearClass: (mask, station) => replaceLabel(mask, station.label, 0),
  acceptClass: (mask, station) => copyClass(mask, station.suggestion ?? mask, station.ink("draw")),
};
