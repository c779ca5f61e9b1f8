/** Taking back, and acts on the whole drawing or on one class of it. */
import {
  IconArrowBackUp,
  IconArrowForwardUp,
  IconArrowsExchange,
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconCircleDashed,
  IconEyeCancel,
  IconFocusCentered,
  IconLock,
  IconReplace,
  IconRestore,
  IconRipple,
  IconStackMiddle,
  IconStackPush,
  IconTrash,
} from "@tabler/icons-react";
import { IGNORE } from "../domain/mask";
import type { Ui } from "../work/ui";
import type { Workstation } from "../work/workstation";
import {
  type Action,
  drawing,
  type Icon,
  type OtherClassId,
  reading,
  withSuggestion,
} from "./action";
import { type EditId, edits } from "./edits";

const inSeries = (station: Workstation, ui: Ui) => drawing(station) && ui.slices > 1;

function onClass(id: EditId, keys: readonly string[], icon?: Icon): Action {
  return {
    id,
    label: `action.${id}`,
    ...(icon ? { icon } : {}),
    keys,
    group: "class",
    enabled: (station) => reading(station) && station.pen.free && station.drawable,
    perform: (station) => station.drawing.edit((mask) => edits[id](mask, station)),
  };
}

/** What asks for another class first. */
function withOther(id: OtherClassId, key: string, icon: Icon): Action {
  return {
    id,
    label: `action.${id}`,
    icon,
    keys: [key],
    group: "class",
    enabled: (station) => station.drawable && station.pen.free && station.pen.others.length > 0,
    perform: (station) => station.ui.set({ ask: id }),
  };
}

export const editing: readonly Action[] = [
  {
    id: "undo",
    label: "action.undo",
    icon: IconArrowBackUp,
    keys: ["mod+z", "z"],
    group: "edit",
    enabled: (station, ui) => ui.canUndo || (reading(station) && station.tool.busy),
    perform: (station) => station.drawing.undo(),
  },
  {
    id: "redo",
    label: "action.redo",
    icon: IconArrowForwardUp,
    keys: ["shift+mod+z", "mod+y", "y"],
    group: "edit",
    enabled: (_station, ui) => ui.canRedo,
    perform: (station) => station.drawing.redo(),
  },
  {
    id: "clearSuggestion",
    label: "action.clearSuggestion",
    icon: IconTrash,
    keys: ["x"],
    group: "edit",
    enabled: withSuggestion,
    perform: (station) => station.drawing.clearSuggestion(),
  },
  {
    id: "loadSuggestion",
    label: "action.loadSuggestion",
    icon: IconRestore,
    keys: [],
    group: "edit",
    enabled: withSuggestion,
    perform: (station) => station.drawing.loadSuggestion(),
  },
  {
    id: "clearAll",
    label: "action.clearAll",
    icon: IconTrash,
    keys: ["shift+x"],
    group: "edit",
    enabled: reading,
    perform: (station) => station.drawing.clearAll(),
  },
  {
    ...onClass("acceptClass", ["shift+c"], IconRestore),
    enabled: (station) => withSuggestion(station) && station.pen.free && station.drawable,
  },
  onClass("fillHoles", ["shift+f"], IconCircleDashed),
  onClass("keepLargest", ["shift+k"], IconFocusCentered),
  onClass("smoothEdge", ["shift+m"], IconRipple),
  onClass("grow", ["."], IconArrowsMaximize),
  onClass("shrink", [","], IconArrowsMinimize),
  onClass("clearClass", ["delete"], IconTrash),
  withOther("changeClass", "shift+mod+e", IconReplace),
  withOther("swapClass", "mod+e", IconArrowsExchange),
  {
    id: "copyBefore",
    label: "action.copyBefore",
    icon: IconStackPush,
    keys: ["shift+n"],
    group: "class",
    enabled: inSeries,
    perform: (station) => station.drawing.copyBefore(),
  },
  {
    id: "fillBetween",
    label: "action.fillBetween",
    icon: IconStackMiddle,
    keys: ["shift+i"],
    group: "class",
    enabled: inSeries,
    perform: (station) => station.drawing.fillBetween(),
  },
  {
    id: "lock",
    label: "action.lock",
    icon: IconLock,
    keys: ["k"],
    group: "class",
    enabled: reading,
    active: (ui) => ui.locked.has(ui.label),
    perform: (station) => station.pen.toggleLock(station.label),
  },
  {
    id: "unseen",
    label: "action.unseen",
    icon: IconEyeCancel,
    keys: [],
    group: "class",
    enabled: (station, ui) => drawing(station) && ui.label !== IGNORE,
    active: (ui) => ui.unseen.has(ui.label),
    perform: (station) => station.form.toggleUnseen(station.label),
  },
];
