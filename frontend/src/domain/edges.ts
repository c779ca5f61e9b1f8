/** The letters at the edges of the surface: where up, down, left and right point on the patient. */
import { orientation, type View } from "./geometry";

/** Where a frame's right and lower edge point: one or two of R L A P H F each. */
export interface Axes {
  readonly right: string;
  readonly down: string;
}

export interface Edges {
  readonly left: string;
  readonly right: string;
  readonly top: string;
  readonly bottom: string;
}

const OPPOSITE: Record<string, string> = { R: "L", L: "R", A: "P", P: "A", H: "F", F: "H" };

export function opposite(letters: string): string {
  return [...letters].map((letter) => OPPOSITE[letter] ?? letter).join("");
}

export function edgesOf(axes: Axes, view: Pick<View, "turn" | "mirrored">): Edges {
  const [a, b, c, d] = orientation(view);
  const along = (x: number, y: number) => {
    if (x !== 0) return x > 0 ? axes.right : opposite(axes.right);
    return y > 0 ? axes.down : opposite(axes.down);
  };
  const [right, bottom] = [along(a, b), along(c, d)];
  return { right, bottom, left: opposite(right), top: opposite(bottom) };
}
