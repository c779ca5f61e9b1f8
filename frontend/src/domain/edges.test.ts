import { describe, expect, it } from "vitest";
import { edgesOf, opposite } from "./edges";
import { HOME, reorient } from "./geometry";

describe("the letters at the edges", () => {
  const axial = { right: "L", down: "P" };
  const size = { width: 300, height: 200 };

  it("of an axial slice: patient's left on the right, front on top", () => {
    expect(edgesOf(axial, HOME)).toEqual({ left: "R", right: "L", top: "A", bottom: "P" });
  });

  it("follow when the image is turned or mirrored", () => {
    const turned = reorient(HOME, "turn", size);
    expect(edgesOf(axial, turned)).toEqual({ top: "R", bottom: "L", right: "A", left: "P" });
    const mirrored = reorient(HOME, "mirror", size);
    expect(edgesOf(axial, mirrored)).toEqual({ left: "L", right: "R", top: "A", bottom: "P" });
    const both = reorient(turned, "flip", size);
    expect(edgesOf(axial, both)).toEqual({ top: "L", bottom: "R", right: "A", left: "P" });
  });

  it("of an oblique slice have two letters, both turned over", () => {
    expect(opposite("LA")).toBe("RP");
  });
});
