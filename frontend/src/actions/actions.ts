/**
 * Every act of the reader, once: the tool rail, the shortcuts and the help sheet all read this
 * list.
 */
import {
  IconArrowBackUp,
  IconArrowForwardUp,
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconBrush,
  IconBucketDroplet,
  IconCircle,
  IconCircleDashed,
  IconColorPicker,
  IconContrast,
  IconContrast2,
  IconEraser,
  IconFlipHorizontal,
  IconFlipVertical,
  IconFocusCentered,
  IconHandMove,
  IconHelp,
  IconHistory,
  IconLasso,
  IconLayoutSidebarRight,
  IconLock,
  IconMagnet,
  IconMaximize,
  IconPlayerPlay,
  IconPlayerSkipForward,
  IconPolygon,
  IconRectangle,
  IconRestore,
  IconRipple,
  IconRotateClockwise,
  IconRuler2,
  IconSquare,
  IconTrash,
  IconTriangle,
  IconVectorSpline,
  IconVectorTriangle,
  IconWand,
  IconZoomIn,
  IconZoomOut,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import type { TextKey } from "../i18n";
import type { ToolId } from "../tools/tool";
import type { Ui, Workstation } from "../work/workstation";
import { type EditId, edits } from "./edits";

export type ActionId =
  | ToolId
  | EditId
  | "swapShape"
  | "pickRange"
  | "paintOver"
  | "lock"
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
  | "submit"
  | "skip"
  | "help"
  | "recent"
  | "cancel";

export type Icon = ComponentType<{ size?: number | string; stroke?: number | string }>;

export interface Action {
  readonly id: ActionId;
  readonly label: TextKey;
  readonly icon?: Icon;
  /** As `event.key` in lower case, with `Mod+` (Ctrl or Command) and `Shift+` before it. */
  readonly keys: readonly string[];
  readonly group: "tools" | "edit" | "class" | "view" | "case";
  enabled(station: Workstation, ui: Ui): boolean;
  active?(ui: Ui): boolean;
  perform(station: Workstation): void;
  /** For keys that act while they are held. */
  release?(station: Workstation): void;
}

const reading = (station: Workstation) => station.assignment !== null;
const withSuggestion = (station: Workstation) => station.suggestion !== null;

function tool(id: ToolId, icon: Icon, key?: string): Action {
  return {
    id,
    label: `action.${id}`,
    icon,
    keys: key ? [key] : [],
    group: "tools",
    enabled: reading,
    active: (ui) => ui.tool === id,
    perform: (station) => station.choose(id),
  };
}

function onClass(id: EditId, keys: readonly string[], icon?: Icon): Action {
  return {
    id,
    label: `action.${id}`,
    ...(icon ? { icon } : {}),
    keys,
    group: "class",
    enabled: (station) => reading(station) && station.free && station.drawable,
    perform: (station) => station.edit(edits[id]),
  };
}

function look(
  id: "turn" | "turnBack" | "mirror" | "flip",
  keys: readonly string[],
  icon?: Icon,
): Action {
  return {
    id,
    label: `action.${id}`,
    ...(icon ? { icon } : {}),
    keys,
    group: "view",
    enabled: reading,
    perform: (station) => station.reorient(id),
  };
}

const OVER = ["everything", "background", "class"] as const;

/** Brush sizes grow by a quarter, and by at least half a pixel. */
function grow(station: Workstation, sign: 1 | -1): void {
  const step = Math.max(0.5, Math.round(station.radius * 0.5) / 2);
  station.setRadius(station.radius + sign * step);
}

export const actions: readonly Action[] = [
  tool("brush", IconBrush, "b"),
  tool("eraser", IconEraser, "e"),
  tool("threshold", IconColorPicker, "t"),
  tool("polygon", IconPolygon, "p"),
  tool("freehand", IconLasso, "f"),
  tool("livewire", IconMagnet, "l"),
  tool("rectangle", IconRectangle, "r"),
  tool("ellipse", IconCircle, "o"),
  tool("bucket", IconBucketDroplet, "g"),
  tool("region", IconWand, "m"),
  tool("ruler", IconRuler2, "d"),
  tool("angle", IconTriangle, "shift+d"),
  tool("pan", IconHandMove),
  tool("window", IconContrast2, "w"),
  {
    id: "smaller",
    label: "action.smaller",
    keys: ["["],
    group: "tools",
    enabled: reading,
    perform: (station) => grow(station, -1),
  },
  {
    id: "larger",
    label: "action.larger",
    keys: ["]"],
    group: "tools",
    enabled: reading,
    perform: (station) => grow(station, 1),
  },
  {
    id: "swapShape",
    label: "action.swapShape",
    icon: IconSquare,
    keys: ["q"],
    group: "tools",
    enabled: reading,
    perform: (station) => station.setShape(station.shape === "round" ? "square" : "round"),
  },
  {
    id: "pickRange",
    label: "action.pickRange",
    icon: IconColorPicker,
    keys: ["shift+t"],
    group: "tools",
    enabled: reading,
    active: (ui) => ui.picking,
    perform: (station) => {
      station.choose("threshold");
      station.ui.set({ picking: true });
    },
  },
  {
    id: "paintOver",
    label: "action.paintOver",
    keys: ["n"],
    group: "tools",
    enabled: reading,
    perform: (station) => {
      const { over, label } = station.ui.get();
      const next = OVER[(OVER.indexOf(over) + 1) % OVER.length]!;
      station.setOver(next, label);
    },
  },
  {
    id: "undo",
    label: "action.undo",
    icon: IconArrowBackUp,
    keys: ["mod+z", "z"],
    group: "edit",
    enabled: (station, ui) => ui.canUndo || (reading(station) && station.tool.busy),
    perform: (station) => station.undo(),
  },
  {
    id: "redo",
    label: "action.redo",
    icon: IconArrowForwardUp,
    keys: ["shift+mod+z", "mod+y", "y"],
    group: "edit",
    enabled: (_station, ui) => ui.canRedo,
    perform: (station) => station.redo(),
  },
  {
    id: "clearSuggestion",
    label: "action.clearSuggestion",
    icon: IconTrash,
    keys: ["x"],
    group: "edit",
    enabled: withSuggestion,
    perform: (station) => station.clearSuggestion(),
  },
  {
    id: "loadSuggestion",
    label: "action.loadSuggestion",
    icon: IconRestore,
    keys: [],
    group: "edit",
    enabled: withSuggestion,
    perform: (station) => station.loadSuggestion(),
  },
  {
    id: "clearAll",
    label: "action.clearAll",
    icon: IconTrash,
    keys: ["shift+x"],
    group: "edit",
    enabled: reading,
    perform: (station) => station.clearAll(),
  },
  {
    ...onClass("acceptClass", ["shift+c"], IconRestore),
    enabled: (station) => withSuggestion(station) && station.free && station.drawable,
  },
  onClass("fillHoles", ["shift+f"], IconCircleDashed),
  onClass("keepLargest", ["shift+k"], IconFocusCentered),
  onClass("smoothEdge", ["shift+m"], IconRipple),
  onClass("grow", ["."], IconArrowsMaximize),
  onClass("shrink", [","], IconArrowsMinimize),
  onClass("clearClass", ["delete"], IconTrash),
  {
    id: "lock",
    label: "action.lock",
    icon: IconLock,
    keys: ["k"],
    group: "class",
    enabled: reading,
    active: (ui) => ui.locked.has(ui.label),
    perform: (station) => station.toggleLock(station.label),
  },
  {
    id: "hideLabels",
    label: "action.holdHide",
    keys: ["h"],
    group: "view",
    enabled: reading,
    active: (ui) => ui.labelsHidden,
    perform: (station) => station.hideLabels(true),
    release: (station) => station.hideLabels(false),
  },
  {
    id: "outlines",
    label: "action.outlines",
    icon: IconVectorSpline,
    keys: ["s"],
    group: "view",
    enabled: withSuggestion,
    active: (ui) => ui.outlines,
    perform: (station) => station.showOutlines(!station.ui.get().outlines),
  },
  {
    id: "changes",
    label: "action.changes",
    icon: IconVectorTriangle,
    keys: ["j"],
    group: "view",
    enabled: withSuggestion,
    active: (ui) => ui.changes,
    perform: (station) => station.showChanges(!station.ui.get().changes),
  },
  {
    id: "zoomIn",
    label: "action.zoomIn",
    icon: IconZoomIn,
    keys: ["+", "="],
    group: "view",
    enabled: reading,
    perform: (station) => station.zoom(1.25),
  },
  {
    id: "zoomOut",
    label: "action.zoomOut",
    icon: IconZoomOut,
    keys: ["-"],
    group: "view",
    enabled: reading,
    perform: (station) => station.zoom(0.8),
  },
  {
    id: "fit",
    label: "action.fit",
    icon: IconMaximize,
    keys: ["0"],
    group: "view",
    enabled: reading,
    perform: (station) => station.fit(),
  },
  {
    id: "actualSize",
    label: "action.actualSize",
    keys: ["v"],
    group: "view",
    enabled: reading,
    perform: (station) => station.actualSize(),
  },
  look("turn", ["shift+r"], IconRotateClockwise),
  look("turnBack", ["shift+e"]),
  look("mirror", ["shift+h"], IconFlipVertical),
  look("flip", ["shift+v"], IconFlipHorizontal),
  {
    id: "invert",
    label: "action.invert",
    icon: IconContrast,
    keys: ["i"],
    group: "view",
    enabled: reading,
    active: (ui) => ui.window.inverted ?? false,
    perform: (station) => station.invert(),
  },
  {
    id: "autoWindow",
    label: "action.autoWindow",
    keys: ["a"],
    group: "view",
    enabled: reading,
    perform: (station) => station.resetWindow("auto"),
  },
  {
    id: "storedWindow",
    label: "action.storedWindow",
    keys: ["shift+a"],
    group: "view",
    enabled: reading,
    perform: (station) => station.resetWindow("stored"),
  },
  {
    id: "previousFrame",
    label: "action.previousFrame",
    keys: ["arrowup"],
    group: "view",
    enabled: (_station, ui) => ui.frames > 1,
    perform: (station) => station.step(-1),
  },
  {
    id: "nextFrame",
    label: "action.nextFrame",
    keys: ["arrowdown"],
    group: "view",
    enabled: (_station, ui) => ui.frames > 1,
    perform: (station) => station.step(1),
  },
  {
    id: "cine",
    label: "action.cine",
    icon: IconPlayerPlay,
    keys: ["c"],
    group: "view",
    enabled: (_station, ui) => ui.frames > 1,
    active: (ui) => ui.cine,
    perform: (station) => station.setCine(!station.ui.get().cine),
  },
  {
    id: "holdPan",
    label: "action.holdPan",
    keys: [" "],
    group: "view",
    enabled: reading,
    perform: (station) => {
      station.panning = true;
    },
    release: (station) => {
      station.panning = false;
    },
  },
  {
    id: "panel",
    label: "action.panel",
    icon: IconLayoutSidebarRight,
    keys: ["\\"],
    group: "view",
    enabled: () => true,
    active: (ui) => ui.panel,
    perform: (station) => station.ui.set({ panel: !station.ui.get().panel }),
  },
  {
    id: "submit",
    label: "action.submit",
    keys: ["enter"],
    group: "case",
    enabled: reading,
    perform: (station) => station.enter(),
  },
  {
    id: "skip",
    label: "action.skip",
    icon: IconPlayerSkipForward,
    keys: ["shift+s"],
    group: "case",
    // An answer that is being amended is no longer held: there is nothing to give back.
    enabled: (station) => reading(station) && !station.reading.store.get().work?.amends,
    perform: (station) => station.ui.set({ ask: "skip" }),
  },
  {
    id: "recent",
    label: "action.recent",
    icon: IconHistory,
    keys: ["shift+b"],
    group: "case",
    enabled: () => true,
    perform: (station) => station.ui.set({ ask: "recent" }),
  },
  {
    id: "cancel",
    label: "action.cancel",
    keys: ["escape"],
    group: "case",
    enabled: () => true,
    perform: (station) => station.cancel(),
  },
  {
    id: "help",
    label: "action.help",
    icon: IconHelp,
    keys: ["?"],
    group: "case",
    enabled: () => true,
    active: (ui) => ui.ask === "help",
    perform: (station) => {
      station.ui.set({ ask: station.ui.get().ask === "help" ? null : "help" });
    },
  },
];

export function action(id: ActionId): Action {
  const found = actions.find((each) => each.id === id);
  if (!found) throw new Error(`no action ${id}`);
  return found;
}
