import { beforeEach, describe, expect, it } from "vitest";
import type { View } from "../domain/geometry";
import { toImage } from "../domain/geometry";
import { History } from "../domain/history";
import { countLabels, EMPTY_RECT, emptyMask, type Rect, union } from "../domain/mask";
import type { Window } from "../domain/window";
import { Brush } from "./brush";
import { Pan, WindowLevel } from "./look";
import { Freehand, Polygon } from "./outline";
import type { Board, Spot } from "./tool";

class TestBoard implements Board {
  mask = emptyMask(40, 40);
  history = new History(this.mask);
  label = 1;
  radius = 2;
  view: View = { scale: 10, left: 0, top: 0, aspect: 1 };
  window: Window = { center: 50, width: 100 };
  valueSpan = 600;
  drawable = true;
  dirty: Rect = EMPTY_RECT;

  touched(rect: Rect): void {
    this.dirty = union(this.dirty, rect);
  }
  commit(): void {
    this.history.commit(this.dirty);
    this.dirty = EMPTY_RECT;
  }
  revert(): void {
    this.history.revert(this.dirty);
    this.dirty = EMPTY_RECT;
  }
  at(x: number, y: number): Spot {
    const screen = { x: x * 10, y: y * 10 };
    return { screen, image: toImage(this.view, screen) };
  }
  drawn(): number {
    return 40 * 40 - countLabels(this.mask)[0]!;
  }
}

let board: TestBoard;
beforeEach(() => {
  board = new TestBoard();
});

describe("brush and eraser", () => {
  it("one press, drag and release is one step back", () => {
    const brush = new Brush("brush");
    brush.down(board, board.at(5, 5));
    brush.move(board, [board.at(15, 5), board.at(25, 20)]);
    brush.up(board, board.at(25, 20));
    expect(board.drawn()).toBeGreaterThan(50);
    board.history.undo();
    expect(board.drawn()).toBe(0);
    expect(board.history.canUndo).toBe(false);
  });

  it("cancelled in the middle leaves everything as it was", () => {
    const brush = new Brush("brush");
    brush.down(board, board.at(5, 5));
    brush.move(board, [board.at(30, 30)]);
    expect(brush.cancel(board)).toBe(true);
    brush.move(board, [board.at(35, 35)]);
    brush.up(board, board.at(35, 35));
    expect(board.drawn()).toBe(0);
    expect(board.history.canUndo).toBe(false);
  });

  it("the eraser takes labels away", () => {
    const [brush, eraser] = [new Brush("brush"), new Brush("eraser")];
    for (const tool of [brush, eraser]) {
      tool.down(board, board.at(20, 20));
      tool.up(board, board.at(20, 20));
    }
    expect(board.drawn()).toBe(0);
    board.history.undo();
    expect(board.drawn()).toBeGreaterThan(0);
  });

  it("a context frame cannot be drawn on", () => {
    board.drawable = false;
    for (const tool of [new Brush("brush"), new Freehand()]) {
      tool.down(board, board.at(5, 5));
      tool.move(board, [board.at(20, 5), board.at(20, 20)]);
      tool.up(board, board.at(5, 20));
    }
    expect(board.drawn()).toBe(0);
  });
});

describe("polygon", () => {
  const corners = [
    [5, 5],
    [15, 5],
    [15, 15],
    [5, 15],
  ] as const;

  it("closes on its first corner", () => {
    const polygon = new Polygon();
    for (const [x, y] of corners) polygon.down(board, board.at(x, y));
    expect(board.drawn()).toBe(0);
    polygon.down(board, board.at(5.3, 5.3));
    expect(board.drawn()).toBe(100);
    expect(polygon.busy).toBe(false);
  });

  it("closes by Enter, and by the second press of a double click", () => {
    for (const close of ["enter", "double"]) {
      board = new TestBoard();
      const polygon = new Polygon();
      for (const [x, y] of corners) polygon.down(board, board.at(x, y));
      if (close === "enter") polygon.finish(board);
      else polygon.down(board, board.at(5, 15));
      expect(board.drawn()).toBe(100);
    }
  });

  it("Escape forgets the corners", () => {
    const polygon = new Polygon();
    for (const [x, y] of corners) polygon.down(board, board.at(x, y));
    expect(polygon.preview()?.points.length).toBe(4);
    expect(polygon.cancel()).toBe(true);
    expect(polygon.finish(board)).toBe(false);
    expect(board.drawn()).toBe(0);
  });
});

describe("freehand", () => {
  it("fills what was dragged around", () => {
    const tool = new Freehand();
    tool.down(board, board.at(10, 10));
    tool.move(board, [board.at(20, 10), board.at(20, 20)]);
    tool.up(board, board.at(10, 20));
    expect(board.drawn()).toBe(100);
    board.history.undo();
    expect(board.drawn()).toBe(0);
  });
});

describe("looking", () => {
  it("panning follows the hand and Escape brings the image back", () => {
    const tool = new Pan();
    tool.down(board, board.at(0, 0));
    tool.move(board, [board.at(2, 3)]);
    expect(board.view).toMatchObject({ left: 20, top: 30 });
    tool.cancel(board);
    expect(board.view).toMatchObject({ left: 0, top: 0 });
  });

  it("dragging right widens the window, down brightens the image", () => {
    const tool = new WindowLevel();
    tool.down(board, board.at(0, 0));
    tool.move(board, [board.at(3, 1)]);
    expect(board.window).toEqual({ width: 130, center: 40 });
    tool.move(board, [board.at(-100, 0)]);
    expect(board.window.width).toBeGreaterThan(0);
  });
});
