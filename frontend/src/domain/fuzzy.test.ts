import { describe, expect, it } from "vitest";
import { fuzzy } from "./fuzzy";

const NAMES = ["Fit image", "Fill holes", "Brush", "Larger brush", "Show or hide the side panel"];

function best(query: string): string[] {
  return NAMES.flatMap((name) => {
    const score = fuzzy(query, name);
    return score === null ? [] : [{ name, score }];
  })
    .sort((a, b) => b.score - a.score)
    .map(({ name }) => name);
}

describe("fuzzy search", () => {
  it("finds all for nothing typed", () => {
    expect(best("")).toEqual(NAMES);
    expect(best("  ")).toEqual(NAMES);
  });

  it("puts the beginning of a text before the middle of one", () => {
    expect(best("brush")).toEqual(["Brush", "Larger brush"]);
    expect(best("side")[0]).toBe("Show or hide the side panel");
  });

  it("finds words by their first letters and with letters left out", () => {
    expect(best("lb")).toEqual(["Larger brush"]);
    expect(best("fh")[0]).toBe("Fill holes");
    expect(best("brsh")).toEqual(["Brush", "Larger brush"]);
    expect(best("show panel")).toEqual(["Show or hide the side panel"]);
  });

  it("finds nothing where letters lack or come in another order", () => {
    expect(best("xyz")).toEqual([]);
    expect(best("hsurb")).toEqual([]);
  });

  it("knows no case, no accents, and Chinese", () => {
    expect(fuzzy("BRUSH", "brush")).not.toBeNull();
    expect(fuzzy("cafe", "Café")).not.toBeNull();
    expect(fuzzy("填孔", "填充孔洞")).not.toBeNull();
  });
});
