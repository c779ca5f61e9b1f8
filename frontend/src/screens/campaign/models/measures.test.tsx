// @vitest-environment jsdom
import { cleanup, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { figuresOf, linesOf, rowsOf, showPage, stubWidth } from "../../test-page";
import { Calibration, ClassTable, Robustness } from "./measures";

type Detail = Schemas["ModelDetailOutput"];

const detail = (part: object) => ({ metric: "dice", ...part }) as Detail;
const heads = () => screen.getAllByRole("columnheader").map(({ textContent }) => textContent);
const table = () => rowsOf(screen.getByRole("table"));

beforeEach(() => stubWidth(400));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("gives each class its metrics with their intervals, and says what was not measured", () => {
  const grey = {
    name: "grey",
    patients: 9,
    left_out: 0,
    dice: 0.8765,
    low: 0.81,
    high: 0.92,
    iou: 0.781,
    iou_low: 0.7,
    iou_high: 0.85,
    hd95: 4.26,
    hd95_low: 3,
    hd95_high: 11.04,
    surface_dice: 0.95,
    surface_dice_low: 0.9,
    surface_dice_high: 1,
    sensitivity: 0.88,
    sensitivity_low: 0.84,
    sensitivity_high: 0.91,
    lesion_sensitivity: 0.5,
    lesion_sensitivity_low: 0.25,
    lesion_sensitivity_high: 0.75,
    false_positives_per_image: 1.3,
    false_positives_per_image_low: 0.4,
    false_positives_per_image_high: 2.25,
  };
  const none = Object.fromEntries(Object.keys(grey).map((name) => [name, null]));
  const lesion = { ...none, name: "lesion", patients: 1, left_out: 8, dice: 0.4 };
  const old = { ...none, name: "old", left_out: null };
  showPage(<ClassTable model={detail({ metrics: [grey, lesion, old] })} />, "/", "/");
  expect(heads()).toEqual([
    "Class",
    "Patients",
    "Dice",
    "IoU",
    "HD95",
    "Surface Dice",
    "Sensitivity",
    "Areas found",
    "False areas per image",
  ]);
  const missing = Array.from({ length: 6 }, () => "not measured");
  expect(table()).toEqual([
    [
      "grey",
      "9",
      "0.88 / 0.81 – 0.92",
      "0.78 / 0.70 – 0.85",
      "4.3 / 3.0 – 11.0",
      "0.95 / 0.90 – 1.00",
      "0.88 / 0.84 – 0.91",
      "0.50 / 0.25 – 0.75",
      "1.30 / 0.40 – 2.25",
    ],
    ["lesion / 8 patients without the class left out", "1", "0.40", ...missing],
    ["old", "not measured", "not measured", ...missing],
  ]);
});

const bin = (count: number, confidence: number, accuracy: number) => ({
  count,
  confidence,
  accuracy,
});
const calibration = {
  ece: 0.0714,
  ece_scaled: 0.0321,
  temperature: 1.376,
  reliability: [bin(40, 0.5, 0.25), bin(19, 0.6, 0.9), bin(20, 0.75, 0.5), bin(900, 1, 0.95)],
};

it("draws how often pixels of a confidence are right, without places of few pixels", async () => {
  showPage(<Calibration model={detail({ calibration })} />, "/", "/");
  const plot = screen.getByRole("region", { name: "Reliability" });
  // Both axes are from 0 to 1: 340 pixels from 46, and 180 up from 188.
  expect(await linesOf(plot)).toEqual([["var(--reticle-accent)", "M216,143L301,98L386,17"]]);
  const diagonal = within(plot).getByRole("img").querySelector("line[stroke-dasharray]")!;
  const ends = ["x1", "y1", "x2", "y2"].map((name) => diagonal.getAttribute(name));
  expect(ends).toEqual(["46", "188", "386", "8"]);
  expect(figuresOf(plot)).toEqual([
    ["confidence of the model", "share right"],
    ["0.5", "0.25"],
    ["0.75", "0.5"],
    ["1", "0.95"],
  ]);
  within(plot).getByText(
    "Expected calibration error 0.071; 0.032 after scaling by temperature 1.38, fitted on other patients.",
  );
});

it("has a dash for a calibration that could not be repaired, and says that there is none", () => {
  const one = { ...calibration, ece_scaled: null, temperature: null };
  showPage(<Calibration model={detail({ calibration: one })} />, "/", "/");
  screen.getByText(/^Expected calibration error 0\.071; – after scaling by temperature –,/);
  cleanup();
  showPage(<Calibration model={detail({ calibration: null })} />, "/", "/");
  screen.getByText("The calibration of this model was not measured.");
  expect(screen.queryByRole("img")).toBeNull();
});

const change = (name: string, strength: number, mean: number | null, fall: number | null) => ({
  change: name,
  strength,
  parts: { side: mean, grade: 0.25 },
  mean,
  fall,
});
const robustness = {
  examples: 32,
  clean: { side: 0.9, grade: 0.5 },
  averaged: ["side"],
  mean: 0.9,
  changes: [
    change("noise", 0.125, 0.88, 0.02),
    change("blur", 2, 0.85, 0.05),
    change("rotation", 15, 0.7, 0.2),
    change("ghosting", 0.5, null, null),
  ],
};

it("says of each change how far the mean falls, by a number, a word and a colour", () => {
  showPage(<Robustness model={detail({ robustness })} />, "/", "/");
  expect(heads()).toEqual(["Change", "Strength", "Mean Dice", "Fall", "Holds up"]);
  expect(table()).toEqual([
    ["unchanged", "", "0.90", "", ""],
    ["noise", "0.125", "0.88", "−0.020", "holds"],
    ["blur", "2", "0.85", "−0.050", "falls"],
    ["rotation (degrees)", "15", "0.70", "−0.200", "fails"],
    ["ghosting", "0.5", "not measured", "", ""],
  ]);
  const shade = (word: string) => screen.getByRole("cell", { name: word }).style.color;
  expect(["holds", "falls", "fails"].map(shade)).toEqual([
    "var(--reticle-good)",
    "var(--reticle-attention)",
    "var(--reticle-danger)",
  ]);
  screen.getByText(/^Mean Dice of side when .* The pixels of 32 cases count together/);
});

it("gives each question a column under the changes, in its words", () => {
  const parts = [
    { name: "side", text: "Which side?" },
    { name: "grade", text: "How bad?" },
  ];
  const model = detail({ metric: "accuracy", robustness });
  showPage(<Robustness model={model} parts={parts} />, "/", "/");
  expect(heads().slice(2, 5)).toEqual(["Which side?", "How bad?", "Mean accuracy"]);
  expect(table().slice(0, 2)).toEqual([
    ["unchanged", "", "0.90", "0.50", "0.90", "", ""],
    ["noise", "0.125", "0.88", "0.25", "0.88", "−0.020", "holds"],
  ]);
  screen.getByText(/; 32 cases\. The mean is of Which side\?\./);
});

it("has no table where no trial was made", () => {
  showPage(<Robustness model={detail({ robustness: null })} />, "/", "/");
  screen.getByText(/^How this model holds up .* was not measured\./);
  expect(screen.queryByRole("table")).toBeNull();
});
