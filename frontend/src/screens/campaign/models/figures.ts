/** Figures of models in words: intervals, differences, and how far a model falls. */
import { decimal } from "../../../i18n";

/** Both ends on one line: neither the spaces nor the dash let it break. */
const between = (low: string, high: string) => `${low}\u00a0–\u2060\u00a0${high}`;

export function intervalText(
  low: number | null | undefined,
  high: number | null | undefined,
  digits = 2,
) {
  return low == null || high == null ? "–" : between(decimal(low, digits), decimal(high, digits));
}

/** With its sign, so that a difference is not read as a value; none of what rounds to nothing. */
export function signed(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return "–";
  const text = decimal(Math.abs(value), digits);
  if (text === decimal(0, digits)) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** The interval of a difference: both ends with their signs. */
export function signedInterval(low: number | null | undefined, high: number | null | undefined) {
  return low == null || high == null ? "–" : between(signed(low), signed(high));
}

export type Grade = "holds" | "falls" | "fails";

/** By how much of Dice is lost: little, some, or more than a tenth. */
export function gradeOf(fall: number): Grade {
  return fall < 0.03 ? "holds" : fall < 0.1 ? "falls" : "fails";
}
