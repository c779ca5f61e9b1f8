/** All tools there are, one of each. */
import { Brush } from "./brush";
import { Bucket, RegionGrow } from "./fill";
import { Wire } from "./livewire";
import { Pan, WindowLevel } from "./look";
import { Angle, Ruler } from "./measure";
import { Freehand, Polygon } from "./outline";
import { Box } from "./shape";
import type { Tool, ToolId } from "./tool";

/** Tools that change nothing: all there are where nothing is drawn. */
export const LOOKING: ReadonlySet<ToolId> = new Set(["ruler", "angle", "pan", "window"]);

export function makeTools(): Record<ToolId, Tool> {
  return {
    brush: new Brush("brush"),
    eraser: new Brush("eraser"),
    threshold: new Brush("threshold"),
    polygon: new Polygon(),
    freehand: new Freehand(),
    livewire: new Wire(),
    rectangle: new Box("rectangle"),
    ellipse: new Box("ellipse"),
    bucket: new Bucket(),
    region: new RegionGrow(),
    ruler: new Ruler(),
    angle: new Angle(),
    pan: new Pan(),
    window: new WindowLevel(),
  };
}
