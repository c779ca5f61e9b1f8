import { beforeEach, describe, expect, it } from "vitest";
import { type Turn, toImage, toScreen } from "../domain/geometry";
import { History } from "../domain/history";
import { FREE } from "../domain/ink";
import { LiveWire } from "../domain/livewire";
import { countLabels, emptyMask } from "../domain/mask";
import * as plain from "../domain/plain";
import { Brush } from "./brush";
import { Bucket, RegionGrow } from "./fill";
import { Wire } from "./livewire";
import { Pan, WindowLevel } from "./look";
import { Angle, Ruler } from "./measure";
import { Freehand, Polygon } from "./outline";
import { Box } from "./shape";
import { TestBoard } from "./test-board";

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
    polygon.up(board);
    expect(board.drawn()).toBe(100);
    expect(polygon.busy).toBe(false);
  });

  it("stays open when the press on its first corner turns out to be a pinch", () => {
    const polygon = new Polygon();
    for (const [x, y] of corners) polygon.down(board, board.at(x, y));
    polygon.down(board, board.at(5.3, 5.3));
    expect(polygon.back()).toBe(true);
    polygon.up(board);
    expect([board.drawn(), board.history.canUndo]).toEqual([0, false]);
    expect(polygon.preview()?.points.length).toBe(4);
    polygon.finish(board);
    expect(board.drawn()).toBe(100);
  });

  it("closes by Enter, and by the second press of a double click", () => {
    for (const close of ["enter", "double"]) {
      board = new TestBoard();
      const polygon = new Polygon();
      for (const [x, y] of corners) polygon.down(board, board.at(x, y));
      if (close === "enter") polygon.finish(board);
      else {
        polygon.down(board, board.at(5, 15));
        polygon.up(board);
      }
      expect(board.drawn()).toBe(100);
    }
  });

  it("goes back corner by corner, to none", () => {
    const polygon = new Polygon();
    for (const [x, y] of corners) polygon.down(board, board.at(x, y));
    polygon.down(board, board.at(0, 30));
    expect(polygon.back()).toBe(true);
    expect(polygon.preview()?.points.length).toBe(4);
    polygon.finish(board);
    expect(board.drawn()).toBe(100);
    expect(polygon.back()).toBe(false);
    polygon.down(board, board.at(5, 5));
    expect([polygon.back(), polygon.busy, polygon.back()]).toEqual([true, false, false]);
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

describe("rules of drawing", () => {
  it("a protected class survives brush, eraser and polygon", () => {
    board.mask.data.fill(7, 0, 800);
    board.history = new History(board.mask);
    board.rule = { ...FREE, locked: new Set([7]) };
    for (const tool of [new Brush("brush"), new Brush("eraser")]) {
      tool.down(board, board.at(20, 20));
      tool.up(board, board.at(20, 20));
    }
    expect(countLabels(board.mask)[7]).toBe(800);
  });

  it("only on background, and only inside a class", () => {
    board.mask.data.fill(7, 0, 800);
    board.history = new History(board.mask);
    board.radius = 5;
    const stroke = () => {
      const brush = new Brush("brush");
      brush.down(board, board.at(20, 20));
      brush.up(board, board.at(20, 20));
    };
    board.rule = { ...FREE, over: "background" };
    stroke();
    expect(countLabels(board.mask)[7]).toBe(800);
    expect(countLabels(board.mask)[1]).toBeGreaterThan(30);
    board.history.undo();
    board.rule = { ...FREE, over: "class", inside: 7 };
    stroke();
    expect(countLabels(board.mask)[0]).toBe(800);
    expect(countLabels(board.mask)[7]).toBeLessThan(770);
  });

  it("the threshold brush keeps to its range of values", () => {
    board.samples = Uint8Array.from({ length: 1600 }, (_, i) => (i % 40 < 20 ? 50 : 150));
    board.range = [100, 200];
    const brush = new Brush("threshold");
    brush.down(board, board.at(20, 20));
    brush.up(board, board.at(20, 20));
    expect(board.drawn()).toBeGreaterThan(0);
    for (let i = 0; i < 1600; i++) if (board.mask.data[i]) expect(i % 40).toBeGreaterThan(19);
  });

  it("the square brush covers a square", () => {
    board.shape = "square";
    const brush = new Brush("brush");
    brush.down(board, board.at(20, 20));
    brush.up(board, board.at(20, 20));
    expect(board.drawn()).toBe(16);
  });
});

describe("boxes", () => {
  it("a rectangle fills from corner to corner, dragged either way", () => {
    for (const [from, to] of [
      [board.at(5, 5), board.at(15, 12)],
      [board.at(15, 12), board.at(5, 5)],
    ] as const) {
      board.mask.data.fill(0);
      board.history = new History(board.mask);
      const tool = new Box("rectangle");
      tool.down(board, from);
      tool.move(board, [to]);
      expect(board.drawn()).toBe(0);
      tool.up(board, to);
      expect(board.drawn()).toBe(70);
    }
  });

  it("an ellipse fills about pi a b pixels; Escape leaves nothing", () => {
    const tool = new Box("ellipse");
    tool.down(board, board.at(5, 5));
    tool.move(board, [board.at(35, 25)]);
    expect(tool.cancel()).toBe(true);
    tool.up(board, board.at(35, 25));
    expect(board.drawn()).toBe(0);
    tool.down(board, board.at(5, 5));
    tool.up(board, board.at(35, 25));
    expect(Math.abs(board.drawn() - Math.PI * 15 * 10)).toBeLessThan(15);
  });
});

describe("filling", () => {
  it("the bucket fills one connected area of one label", () => {
    for (let i = 0; i < 40; i++) board.mask.data[20 * 40 + i] = 2;
    board.history = new History(board.mask);
    const tool = new Bucket();
    tool.down(board, board.at(5.5, 5.5));
    tool.up(board);
    expect(countLabels(board.mask)[1]).toBe(800);
    expect(countLabels(board.mask)[0]).toBe(760);
    board.history.undo();
    expect(countLabels(board.mask)[1]).toBe(0);
  });

  it("the bucket takes its press back when a second finger comes", () => {
    const tool = new Bucket();
    tool.down(board, board.at(5.5, 5.5));
    expect(board.drawn()).toBe(1600);
    expect(tool.back(board)).toBe(true);
    tool.up(board);
    expect(board.drawn()).toBe(0);
    expect(board.history.canUndo).toBe(false);
  });

  it("region growing takes more as it is dragged, less as it is dragged back", () => {
    board.samples = Uint8Array.from({ length: 1600 }, (_, i) => 5 * (i % 40));
    const tool = new RegionGrow();
    tool.down(board, board.at(20.5, 20.5));
    const first = board.drawn();
    expect(first).toBe(3 * 40); // values within 8 of 100
    tool.move(board, [board.at(40.5, 20.5)]);
    const more = board.drawn();
    expect(more).toBeGreaterThan(first);
    tool.move(board, [board.at(0.5, 20.5)]);
    expect(board.drawn()).toBe(40);
    tool.cancel(board);
    expect(board.drawn()).toBe(0);
    expect(board.history.canUndo).toBe(false);
  });
});

describe("live-wire", () => {
  /** A bright square with noise over it, so that no two ways cost the same. */
  const noisy = Float32Array.from({ length: 1600 }, (_, i) => {
    const [x, y] = [i % 40, Math.floor(i / 40)];
    const noise = Math.sin(i * 12.9898) * 43758.5453;
    return (x >= 10 && x < 30 && y >= 10 && y < 30 ? 200 : 20) + noise - Math.floor(noise);
  });
  const anchors = [
    [10, 10],
    [30, 10],
    [30, 30],
    [10, 30],
  ] as const;

  it.each([1, 0.6])("fills exactly what the cheapest ways enclose (aspect %f)", (aspect) => {
    board.samples = noisy;
    board.view = { ...board.view, aspect };
    const tool = new Wire();
    const spots = anchors.map(([x, y]) => {
      const image = { x: x + 0.5, y: y + 0.5 };
      return { image, screen: toScreen(board.view, image) };
    });
    for (const spot of spots) {
      tool.down(board, spot);
      tool.move(board, [board.at(20, 20)]);
    }
    expect(tool.finish(board)).toBe(true);
    const size = { rows: 40, columns: 40 };
    const image = { ...size, samples: noisy };
    const pixels = anchors.map(([x, y]) => y * 40 + x);
    const outline = pixels.flatMap((from, i) =>
      plain.wire(image, aspect, from, pixels[(i + 1) % pixels.length]!),
    );
    const expected = { ...size, data: Array<number>(1600).fill(0) };
    plain.paint(expected, board.ink("draw"), plain.insideOutline(outline));
    expect([...board.mask.data]).toEqual(expected.data);
    // The square between its edges is 18 pixels wide at the least; the wire lies on the edges.
    for (let y = 11; y < 29; y++) {
      for (let x = 11; x < 29; x++) expect(expected.data[y * 40 + x]).toBe(1);
    }
    expect(board.drawn()).toBeLessThan(22 * 22);
    board.history.undo();
    expect(board.drawn()).toBe(0);
  });

  it("goes on from the anchor before, as if the one taken back had not been", () => {
    board.samples = noisy;
    const [straight, back] = [new Wire(), new Wire()];
    for (const [x, y] of anchors) {
      straight.down(board, board.at(x + 0.5, y + 0.5));
      back.down(board, board.at(x + 0.5, y + 0.5));
      back.down(board, board.at(2.5, 38.5));
      expect(back.back()).toBe(true);
      expect(back.preview()).toEqual(straight.preview());
    }
    straight.finish(board);
    const expected = board.mask.data.slice();
    board.history.undo();
    back.finish(board);
    expect(board.mask.data).toEqual(expected);
    expect(back.back()).toBe(false);
    back.down(board, board.at(5.5, 5.5));
    expect([back.back(), back.busy]).toEqual([true, false]);
  });

  it("stays open when the press on its first anchor turns out to be a pinch", () => {
    board.samples = noisy;
    const tool = new Wire();
    for (const [x, y] of anchors) tool.down(board, board.at(x + 0.5, y + 0.5));
    const open = tool.preview();
    tool.down(board, board.at(10.5, 10.5));
    expect(tool.back()).toBe(true);
    tool.up(board);
    expect([board.drawn(), board.history.canUndo]).toEqual([0, false]);
    expect(tool.preview()).toEqual(open);
    tool.down(board, board.at(10.5, 10.5));
    tool.up(board);
    expect([board.drawn() > 0, tool.busy]).toEqual([true, false]);
  });

  it("goes the cheapest way to every pixel within reach", () => {
    const wire = new LiveWire({ rows: 40, columns: 40 }, noisy, 1.7);
    wire.start({ x: 3.5, y: 36.5 });
    for (const to of [0, 39, 777, 1204, 1599]) {
      const end = { x: (to % 40) + 0.5, y: Math.floor(to / 40) + 0.5 };
      const image = { rows: 40, columns: 40, samples: noisy };
      expect(wire.path(end)).toEqual(plain.wire(image, 1.7, 36 * 40 + 3, to));
    }
  });
});

describe("measuring", () => {
  it("a ruler and an angle draw nothing on the mask", () => {
    const ruler = new Ruler();
    ruler.down(board, board.at(3, 4));
    ruler.move(board, [board.at(6, 8)]);
    ruler.up(board, board.at(6, 8));
    expect(board.measures).toEqual([
      {
        kind: "ruler",
        points: [
          { x: 3, y: 4 },
          { x: 6, y: 8 },
        ],
      },
    ]);
    const angle = new Angle();
    for (const [x, y] of [
      [1, 0],
      [0, 0],
      [0, 1],
    ] as const)
      angle.down(board, board.at(x, y));
    expect(board.measures[0]?.points.length).toBe(3);
    expect(angle.busy).toBe(false);
    expect(board.drawn()).toBe(0);
  });
});

describe("turned, mirrored and anisotropic views", () => {
  const corners = [
    { x: 4, y: 6 },
    { x: 14, y: 6 },
    { x: 14, y: 11 },
    { x: 9.2, y: 16 },
    { x: 4, y: 11 },
  ];
  const expected = emptyMask(40, 40);
  for (let y = 6; y < 16; y++) {
    // From row 11 on, the sides run in by about a pixel a row: centres only just in or out.
    const [from, to] = y < 11 ? [4, 14] : [y - 6, 25 - y];
    for (let x = from; x < to; x++) expected.data[y * 40 + x] = 1;
  }

  it.each(
    ([0, 1, 2, 3] as Turn[]).flatMap((turn) =>
      [false, true].flatMap((mirrored) => [1, 0.4, 2.5].map((aspect) => [turn, mirrored, aspect])),
    ) as [Turn, boolean, number][],
  )("a polygon fills the pixels its corners enclose: turn %s, mirrored %s, aspect %s", (...v) => {
    const [turn, mirrored, aspect] = v;
    board.view = { scale: 7.3, left: 311, top: 127, turn, mirrored, aspect };
    const polygon = new Polygon();
    for (const corner of corners) {
      const screen = toScreen(board.view, corner);
      polygon.down(board, { screen, image: toImage(board.view, screen) });
    }
    polygon.finish(board);
    expect([...board.mask.data]).toEqual([...expected.data]);
  });
});
