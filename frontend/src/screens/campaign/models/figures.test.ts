import { describe, expect, it } from "vitest";
import { gradeOf, intervalText, signed, signedInterval } from "./figures";

describe("differences", () => {
  it("carry their sign, none where they round to nothing, and a dash where there is none", () => {
    const given = [0.0456, -0.0456, 0, -0.0004, 0.0004, null];
    expect(given.map((value) => signed(value))).toEqual([
      "+0.046",
      "−0.046",
      "0.000",
      "0.000",
      "0.000",
      "–",
    ]);
  });

  it("have intervals with signs, values without", () => {
    expect(signedInterval(-0.01, 0.02)).toBe("−0.010\u00a0–\u2060\u00a0+0.020");
    expect(intervalText(0.8, 0.9)).toBe("0.80\u00a0–\u2060\u00a00.90");
    expect(intervalText(null, 0.9)).toBe("–");
  });
});

describe("a fall of Dice", () => {
  it("is small below 0.03, and a failure from 0.1", () => {
    expect([-0.05, 0.029, 0.03, 0.099, 0.1].map(gradeOf)).toEqual([
      "holds",
      "holds",
      "falls",
      "falls",
      "fails",
    ]);
  });
});
