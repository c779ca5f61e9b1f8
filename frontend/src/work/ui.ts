/** What the workstation's page shows, and how it begins. */
import type { Findings, LabelClass, Question } from "../api/client";
import type { View } from "../domain/geometry";
import type { PaintOver } from "../domain/ink";
import type { Measure, RegionStatistics } from "../domain/measure";
import type { BrushShape, Point } from "../domain/ops";
import type { Window } from "../domain/window";
import type { ToolId } from "../tools/tool";
import type { Look, Strengths } from "../viewer/palette";

/** What the model's maps show. */
export const HEATS = ["uncertainty", "explanation", "occlusion"] as const;
export type Heat = (typeof HEATS)[number];

/** What of a case is fetched only when it is wanted, the worst to lack first. */
export const PARTS = ["series", "slice", "map"] as const;
export type Part = (typeof PARTS)[number];

/** A measurement, on one image. */
export type Marked = Measure & { readonly image: number };

export interface Ui {
  readonly tool: ToolId;
  /** The classes in the order of their number keys. */
  readonly classes: readonly LabelClass[];
  readonly label: number;
  readonly questions: readonly Question[];
  /** The place of the question at hand. */
  readonly question: number;
  readonly findings: Findings;
  /** The reader wanted to hand in, and required answers lack. */
  readonly incomplete: boolean;
  /** Classes the reader has not looked at. */
  readonly unseen: ReadonlySet<number>;
  readonly radius: number;
  readonly shape: BrushShape;
  /** What acts of drawing may replace; `inside` is the class that "class" keeps to. */
  readonly over: PaintOver;
  readonly inside: number;
  /** How many pixel widths a class grows or shrinks by. */
  readonly step: number;
  /** Protected classes. */
  readonly locked: ReadonlySet<number>;
  /** The threshold brush's range, in modality values. */
  readonly range: readonly [low: number, high: number];
  /** The next press takes the range from under the brush. */
  readonly picking: boolean;
  readonly measures: readonly Marked[];
  readonly opacity: number;
  readonly look: Look;
  /** While a key hides the labels and all that lies over them. */
  readonly labelsHidden: boolean;
  /** Classes that are out of sight on this case. */
  readonly unshown: ReadonlySet<number>;
  readonly strengths: Strengths;
  readonly image: boolean;
  readonly outlines: boolean;
  readonly changes: boolean;
  /** The outline of the version that this one corrects. */
  readonly before: boolean;
  /** Which map lies under the labels: how unsure the model is, or where it looked for the class. */
  readonly heat: Heat | null;
  /** Which maps can be shown of the slice drawn on and the class, or the answer, at hand. */
  readonly heats: readonly Heat[];
  /** Whether a map lies under the labels, fetched and laid. */
  readonly mapped: boolean;
  /** Whether the map that is made on request is being made for the slice drawn on. */
  readonly asked: "no" | "asked" | "failed";
  /** What was wanted and could not be fetched. */
  readonly lacking: readonly Part[];
  readonly smooth: boolean;
  readonly panel: boolean;
  /** Whether the series is shown as a volume beside the image. */
  readonly volume: boolean;
  /** Whether the campaign's guideline is open beside the image. */
  readonly guideline: boolean;
  /** Grows with every change of a drawing. */
  readonly revision: number;
  readonly window: Window;
  readonly scale: number;
  readonly view: View | null;
  /** Which frame of the series is shown, and which one is the case's own. */
  readonly frame: number;
  readonly ownFrame: number;
  readonly frames: number;
  /** Whether the frame shown is one to draw on. */
  readonly mine: boolean;
  /** Whether its pixels are there; until then the frame before it is still on show. */
  readonly arrived: boolean;
  /** How many images are handed in together. */
  readonly slices: number;
  /** The frames that hold labels. */
  readonly labelled: readonly number[];
  readonly cine: boolean;
  /** Another slice was wanted while an outline is open on this one. */
  readonly unclosed: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly value: readonly number[] | null;
  /** Of the class at hand on the slice drawn on, in modality values. */
  readonly stats: RegionStatistics | null;
  readonly ask:
    | "skip"
    | "help"
    | "recent"
    | "remarks"
    | "changeClass"
    | "swapClass"
    | "palette"
    | "preferences"
    | "tour"
    | null;
  /** A remark being written, and the place it points to, on the slice of an assignment. */
  readonly remark: {
    readonly text: string;
    readonly place: { readonly at: Point; readonly assignment: number } | null;
  };
  /** The next press pins the remark. */
  readonly pinning: boolean;
}

export const START: Ui = {
  tool: "brush",
  classes: [],
  label: 1,
  questions: [],
  question: 0,
  findings: {},
  incomplete: false,
  unseen: new Set(),
  radius: 4,
  shape: "round",
  over: "everything",
  inside: 1,
  step: 1,
  locked: new Set(),
  range: [0, 0],
  picking: false,
  measures: [],
  opacity: 0.45,
  look: "filled",
  labelsHidden: false,
  unshown: new Set(),
  strengths: new Map(),
  image: true,
  outlines: false,
  changes: false,
  before: false,
  heat: null,
  heats: [],
  mapped: false,
  asked: "no",
  lacking: [],
  smooth: true,
  panel: true,
  volume: false,
  guideline: false,
  revision: 0,
  window: { center: 0, width: 1 },
  scale: 1,
  view: null,
  frame: 0,
  ownFrame: 0,
  frames: 1,
  mine: true,
  arrived: true,
  slices: 1,
  labelled: [],
  cine: false,
  unclosed: false,
  canUndo: false,
  canRedo: false,
  value: null,
  stats: null,
  ask: null,
  remark: { text: "", place: null },
  pinning: false,
};

/** What of the drawing is out of sight: nothing is drawn then. */
export function outOfSight(ui: Ui): "labels" | "class" | null {
  if (ui.labelsHidden || ui.look === "hidden") return "labels";
  return ui.unshown.has(ui.label) ? "class" : null;
}

/** What lacks once a part was fetched, or could not be. */
export function lacking(now: Ui["lacking"], part: Part, lacks: boolean): Ui["lacking"] {
  if (now.includes(part) === lacks) return now;
  return PARTS.filter((each) => (each === part ? lacks : now.includes(each)));
}
