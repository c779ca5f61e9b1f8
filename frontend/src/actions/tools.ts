/** The tools, and how they draw. */
import {
  IconBrush,
  IconBucketDroplet,
  IconCircle,
  IconColorPicker,
  IconContrast2,
  IconEraser,
  IconHandMove,
  IconLasso,
  IconMagnet,
  IconPolygon,
  IconRectangle,
  IconRuler2,
  IconSquare,
  IconTriangle,
  IconWand,
} from "@tabler/icons-react";
import { LOOKING } from "../tools/kit";
import type { ToolId } from "../tools/tool";
import { type Action, drawing, type Icon, reading } from "./action";

function tool(id: ToolId, icon: Icon, key?: string): Action {
  return {
    id,
    label: `action.${id}`,
    icon,
    keys: key ? [key] : [],
    group: "tools",
    enabled: LOOKING.has(id) ? reading : drawing,
    active: (ui) => ui.tool === id,
    perform: (station) => station.choose(id),
  };
}

const OVER = ["everything", "background", "class"] as const;

export const tools: readonly Action[] = [
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
    perform: (station) => station.pen.resize(-1),
  },
  {
    id: "larger",
    label: "action.larger",
    keys: ["]"],
    group: "tools",
    enabled: reading,
    perform: (station) => station.pen.resize(1),
  },
  {
    id: "swapShape",
    label: "action.swapShape",
    icon: IconSquare,
    keys: ["q"],
    group: "tools",
    enabled: reading,
    perform: (station) => station.pen.setShape(station.shape === "round" ? "square" : "round"),
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
      if (station.choose("threshold")) station.ui.set({ picking: true });
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
      station.pen.setOver(next, label);
    },
  },
];
