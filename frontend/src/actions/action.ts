/** What an act is, wherever it is performed, and when those of the workstation can be. */
import type { ComponentType } from "react";
import type { PresetName } from "../domain/presets";
import type { TextKey } from "../i18n";
import type { ToolId } from "../tools/tool";
import type { Ui } from "../work/ui";
import type { Workstation } from "../work/workstation";
import type { EditId } from "./edits";

export type OtherClassId = "changeClass" | "swapClass";

export type ActionId =
  | ToolId
  | EditId
  | OtherClassId
  | `preset-${PresetName}`
  | "swapShape"
  | "pickRange"
  | "paintOver"
  | "lock"
  | "unseen"
  | "invert"
  | "turn"
  | "turnBack"
  | "mirror"
  | "flip"
  | "actualSize"
  | "smaller"
  | "larger"
  | "undo"
  | "redo"
  | "clearSuggestion"
  | "loadSuggestion"
  | "clearAll"
  | "hideLabels"
  | "labels"
  | "hideClass"
  | "image"
  | "outlines"
  | "changes"
  | "zoomIn"
  | "zoomOut"
  | "fit"
  | "autoWindow"
  | "storedWindow"
  | "previousFrame"
  | "nextFrame"
  | "cine"
  | "holdPan"
  | "panel"
  | "uncertainty"
  | "occlusion"
  | "explanation"
  | "lookWhereUnsure"
  | "remarks"
  | "before"
  | "volume"
  | "fillBetween"
  | "copyBefore"
  | "nextQuestion"
  | "previousQuestion"
  | "submit"
  | "skip"
  | "help"
  | "palette"
  | "guideline"
  | "tour"
  | "preferences"
  | "recent"
  | "cancel";

/** What only a reviewer does. */
export type ReviewId = "accept" | "comment" | "others";
export type ActId = ActionId | ReviewId;

export type Icon = ComponentType<{ size?: number | string; stroke?: number | string }>;

/** As the help sheet, the palette and a person's own keys know it. */
export interface Act {
  readonly id: ActId;
  readonly label: TextKey;
  readonly icon?: Icon;
  /** As `event.key` in lower case, with `Mod+` (Ctrl or Command) and `Shift+` before it. */
  readonly keys: readonly string[];
  readonly group: "tools" | "edit" | "class" | "view" | "case" | "review";
}

/** An act of the reader at the workstation. */
export interface Action extends Act {
  readonly id: ActionId;
  enabled(station: Workstation, ui: Ui): boolean;
  active?(ui: Ui): boolean;
  perform(station: Workstation): void;
  /** For keys that act while they are held. */
  release?(station: Workstation): void;
}

export const reading = (station: Workstation) => station.assignment !== null;
export const drawing = (station: Workstation) => reading(station) && station.palette.length > 0;
export const withSuggestion = (station: Workstation) => station.suggestion !== null;
