/** Answers to the questions asked of a whole image. Pure: every change gives new findings. */
import type { Findings, Question } from "../api/client";

export type Finding = Findings[string];

/** The place of "none of these", where any of several options may be chosen; its key is 0. */
export const NONE = -1;

/** Whether none of several options is the answer, which is said and not only left blank. */
export function isNone(value: Finding | undefined): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Whether a question has an answer that counts. */
export function answered(question: Question, findings: Findings): boolean {
  const value = findings[question.name];
  return typeof value === "string" ? value.trim() !== "" : value !== undefined;
}

/** The places of the required questions that wait for an answer. */
export function missing(questions: readonly Question[], findings: Findings): number[] {
  return questions.flatMap((each, place) =>
    each.required && !answered(each, findings) ? [place] : [],
  );
}

/** The choices of a question in the order of their number keys; none for a text. */
export function choicesOf(question: Question): readonly (string | number)[] {
  if (question.kind !== "scale") return question.options ?? [];
  const { low, high } = question;
  if (low == null || high == null) return [];
  return Array.from({ length: high - low + 1 }, (_, i) => low + i);
}

/** Choose or, where several may be chosen, also take back one choice. Null: there is no such. */
export function choose(question: Question, findings: Findings, place: number): Findings | null {
  const { name, kind } = question;
  const { [name]: before, ...others } = findings;
  if (kind === "multiple" && place === NONE) {
    return isNone(before) ? others : { ...others, [name]: [] };
  }
  const choice = choicesOf(question)[place];
  if (choice === undefined) return null;
  if (kind !== "multiple") return { ...findings, [name]: choice };
  const chosen = new Set(Array.isArray(before) ? before : []);
  if (!chosen.delete(String(choice))) chosen.add(String(choice));
  // The last one taken back leaves the question open: that none fits was not said.
  if (chosen.size === 0) return others;
  // What is no longer offered stays chosen: nobody took it back.
  const all = [...(question.options ?? []), ...(question.dropped ?? [])];
  return { ...findings, [name]: all.filter((each) => chosen.has(each)) };
}

/** The place of the choice that a digit names: a scale's own value, else the n-th option, 0 none. */
export function placeOf(question: Question, digit: number): number {
  return question.kind === "scale" ? digit - (question.low ?? 0) : digit - 1;
}

/** The question to answer after this one: the next without an answer, else this one stays. */
export function following(
  questions: readonly Question[],
  findings: Findings,
  place: number,
): number {
  const order = questions.map((_, i) => (place + 1 + i) % questions.length);
  return order.find((i) => !answered(questions[i]!, findings)) ?? place;
}
