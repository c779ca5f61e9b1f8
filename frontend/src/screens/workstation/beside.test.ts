import { describe, expect, it } from "vitest";
import { type Box, beside } from "./beside";

const LAPTOP = { width: 1280, height: 800 };
const UPRIGHT = { width: 820, height: 1180 };
const CARD = { width: 380, height: 200 };

const box = (left: number, top: number, right: number, bottom: number): Box => ({
  left,
  top,
  right,
  bottom,
});

describe("the tour's card", () => {
  it.each([
    ["the rail", box(0, 36, 44, 756), LAPTOP],
    ["the rail on the other side", box(1236, 36, 1280, 756), LAPTOP],
    ["the panel", box(1064, 36, 1280, 756), LAPTOP],
    ["the options", box(44, 36, 1064, 68), LAPTOP],
    ["the top", box(0, 0, 1280, 36), LAPTOP],
    ["the bottom", box(0, 756, 1280, 800), LAPTOP],
    ["the image", box(210, 68, 898, 756), LAPTOP],
    ["the panel, upright", box(612, 45, 820, 1135), UPRIGHT],
    ["the image, upright", box(45, 360, 612, 927), UPRIGHT],
  ])("hides nothing of %s, and is whole on the screen", (_, part, screen) => {
    const { left, top, width } = beside(part, CARD, screen);
    const height = (CARD.height * CARD.width) / width;
    const [right, bottom] = [left + width, top + height];
    expect([left >= 12, top >= 12, right <= screen.width - 12]).toEqual([true, true, true]);
    expect(bottom).toBeLessThanOrEqual(screen.height - 12);
    const clear =
      left >= part.right || right <= part.left || top >= part.bottom || bottom <= part.top;
    expect(clear).toBe(true);
  });

  it.each([
    ["the rail", box(0, 36, 44, 756), LAPTOP, 68],
    ["the panel", box(1064, 36, 1280, 756), LAPTOP, 68],
    ["the panel, upright", box(612, 45, 820, 1135), UPRIGHT, 140],
  ])("beside %s leaves the bars above the image free", (_, part, screen, bars) => {
    expect(beside(part, CARD, screen, bars).top).toBeGreaterThanOrEqual(bars + 12);
  });

  it("hides as little as it can of what fills the room", () => {
    const { left, top } = beside(box(45, 112, 1064, 756), CARD, LAPTOP);
    expect([left, top]).toEqual([888, 12]);
  });
});
