/** How classes are shown on canvases: their colours, how strongly, filled or as outlines. */
import { IGNORE } from "../domain/mask";

/** Label value -> CSS colour (#rrggbb). */
export type Palette = ReadonlyMap<number, string>;

/** Label value -> how strongly it is shown, from 0 (not at all) to 1; 1 where it is not named. */
export type Strengths = ReadonlyMap<number, number>;

export const LOOKS = ["filled", "outlined", "hidden"] as const;
/** How labels are shown: filled, by their outlines alone, or not at all. */
export type Look = (typeof LOOKS)[number];

export function nextLook(look: Look): Look {
  return LOOKS[(LOOKS.indexOf(look) + 1) % LOOKS.length]!;
}

/** Over a map filled labels would give its colours another meaning: there they are outlines. */
export function overMap(look: Look): Look {
  return look === "filled" ? "outlined" : look;
}

/** The strengths of all classes, of which some are out of sight. */
export function inSight(strengths: Strengths, unshown: ReadonlySet<number>): Strengths {
  return new Map([...strengths, ...[...unshown].map((label) => [label, 0] as const)]);
}

export const IGNORE_COLOUR = "#B8BEC6";

/** Okabe-Ito, extended to 12: told apart by colour-blind readers, on grey images at 40 %. */
export const CLASS_COLOURS = [
  "#E69F00",
  "#56B4E9",
  "#CC79A7",
  "#009E73",
  "#F0E442",
  "#D55E00",
  "#0072B2",
  "#B07CE8",
  "#8FD744",
  "#F28E9B",
  "#3DD6C4",
  "#A6761D",
] as const;

/** 256 RGBA words (little-endian); background and unknown labels are transparent. */
export function fillPalette(colours: Palette, strengths: Strengths): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(256);
  for (const [label, colour] of [...colours, [IGNORE, IGNORE_COLOUR] as const]) {
    words[label] = word(colour, strengths.get(label) ?? 1);
  }
  return words;
}

function word(colour: string, strength: number): number {
  const rgb = Number.parseInt(colour.slice(1), 16);
  const [r, g, b] = [(rgb >> 16) & 255, (rgb >> 8) & 255, rgb & 255];
  return ((Math.round(255 * strength) << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
