/** Class colours for canvases. */
import { IGNORE } from "../domain/mask";

/** Label value -> CSS colour (#rrggbb). */
export type Palette = ReadonlyMap<number, string>;

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
export function fillPalette(colours: Palette): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(256);
  for (const [label, colour] of colours) words[label] = word(colour);
  words[IGNORE] = word(IGNORE_COLOUR);
  return words;
}

function word(colour: string): number {
  const rgb = Number.parseInt(colour.slice(1), 16);
  const [r, g, b] = [(rgb >> 16) & 255, (rgb >> 8) & 255, rgb & 255];
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}
