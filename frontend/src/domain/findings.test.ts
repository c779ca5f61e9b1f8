import { describe, expect, it } from "vitest";
import type { Question } from "../api/client";
import { answered, choicesOf, choose, following, missing, NONE, placeOf } from "./findings";

const question = (kind: Question["kind"], values: Partial<Question> = {}): Question => ({
  name: kind,
  text: kind,
  kind,
  options: kind === "scale" || kind === "text" ? [] : ["a", "b", "c"],
  low: kind === "scale" ? 0 : null,
  high: kind === "scale" ? 2 : null,
  required: true,
  retired: false,
  ...values,
});

const all = [question("single"), question("multiple"), question("scale"), question("text")];

describe("findings", () => {
  it("has one number key for each choice", () => {
    expect(all.map(choicesOf)).toEqual([["a", "b", "c"], ["a", "b", "c"], [0, 1, 2], []]);
  });

  it("chooses one, or adds to several in the order of the options, and takes back", () => {
    const [single, multiple, scale, text] = all as [Question, Question, Question, Question];
    expect(choose(single, { single: "a" }, 1)).toEqual({ single: "b" });
    const two = choose(multiple, choose(multiple, {}, 2)!, 0)!;
    expect(two).toEqual({ multiple: ["a", "c"] });
    expect(choose(multiple, two, 2)).toEqual({ multiple: ["a"] });
    expect(choose(scale, {}, 0)).toEqual({ scale: 0 });
    expect(choose(scale, {}, 3)).toBeNull();
    expect(choose(text, {}, 0)).toBeNull();
  });

  it("takes a digit for a scale's own value and for the n-th option of a choice", () => {
    const graded = question("scale", { low: 2, high: 5 });
    expect(choose(graded, {}, placeOf(graded, 4))).toEqual({ scale: 4 });
    expect(choose(graded, {}, placeOf(graded, 1))).toBeNull();
    expect(choose(all[2]!, {}, placeOf(all[2]!, 0))).toEqual({ scale: 0 });
    expect(choose(all[0]!, {}, placeOf(all[0]!, 1))).toEqual({ single: "a" });
    expect(choose(all[0]!, {}, placeOf(all[0]!, 0))).toBeNull();
  });

  it("counts zero as an answer and blanks as none", () => {
    expect(answered(all[2]!, { scale: 0 })).toBe(true);
    expect(answered(all[3]!, { text: "  " })).toBe(false);
  });

  it("takes none of several for an answer that is said, not for one that is left", () => {
    const multiple = all[1]!;
    expect(placeOf(multiple, 0)).toBe(NONE);
    const none = choose(multiple, { multiple: ["a"], single: "b" }, NONE)!;
    expect(none).toEqual({ multiple: [], single: "b" });
    expect(answered(multiple, none)).toBe(true);
    expect(missing([multiple], none)).toEqual([]);
    expect(choose(multiple, none, NONE)).toEqual({ single: "b" });
    expect(choose(multiple, none, 1)).toEqual({ multiple: ["b"], single: "b" });
    const left = choose(multiple, { multiple: ["a"] }, 0)!;
    expect([left, answered(multiple, left)]).toEqual([{}, false]);
    expect(choose(all[0]!, {}, NONE)).toBeNull();
  });

  it("names what is required and lacks, and goes on to what has no answer", () => {
    const asked = [...all.slice(0, 3), question("text", { required: false })];
    expect(missing(asked, { multiple: ["a"] })).toEqual([0, 2]);
    expect(following(asked, { multiple: ["a"] }, 0)).toBe(2);
    expect(following(asked, { single: "a", multiple: ["a"], scale: 1, text: "x" }, 1)).toBe(1);
  });
});
