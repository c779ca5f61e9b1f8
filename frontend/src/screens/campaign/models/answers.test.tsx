// @vitest-environment jsdom
import { cleanup, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { CLASS_COLOURS } from "../../../viewer/palette";
import { figuresOf, linesOf, rowsOf, showPage, stubWidth } from "../../test-page";
import { AnswerCalibration, AnswerTable } from "./answers";

type Answer = Schemas["QuestionMetrics"];
type Option = Schemas["OptionMetrics"];

const questions = [
  { name: "disc", text: "Is there a disc?" },
] as Schemas["CampaignDetail"]["questions"];

const option = (name: string, positives: number, part: Partial<Option> = {}): Option => ({
  option: name,
  positives,
  auc: null,
  auc_low: null,
  auc_high: null,
  sensitivity: null,
  sensitivity_low: null,
  sensitivity_high: null,
  specificity: null,
  specificity_low: null,
  specificity_high: null,
  f1: null,
  f1_low: null,
  f1_high: null,
  ...part,
});

const disc: Answer = {
  name: "disc",
  kind: "single",
  answered: 24,
  left_out: 2,
  accuracy: 0.833,
  accuracy_low: 0.7,
  accuracy_high: 0.95,
  mean_steps_off: null,
  options: [
    option("seen", 14, {
      auc: 0.914,
      auc_low: 0.8,
      auc_high: 0.98,
      sensitivity: 0.857,
      sensitivity_low: 0.6,
      sensitivity_high: 1,
      specificity: 0.8,
      f1: 0.857,
      f1_low: 0.7,
      f1_high: 0.93,
    }),
    option("none", 0),
  ],
  calibration: {
    ece: 0.0625,
    ece_scaled: 0.031,
    temperature: 1.5,
    reliability: [
      { count: 6, confidence: 0.5, accuracy: 0.5 },
      { count: 18, confidence: 1, accuracy: 0.75 },
    ],
  },
};
const grade: Answer = {
  ...disc,
  name: "grade",
  kind: "scale",
  answered: 1,
  left_out: 0,
  accuracy_low: null,
  accuracy_high: null,
  mean_steps_off: 0.25,
  options: [option("1", 1)],
  calibration: null,
};

beforeEach(() => stubWidth(400));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("gives each question its accuracy and each option its metrics, with intervals", () => {
  showPage(<AnswerTable answers={[disc, grade]} questions={questions} />, "/", "/");
  const heads = screen.getAllByRole("columnheader").map(({ textContent }) => textContent);
  expect(heads).toEqual([
    "Question",
    "Answered",
    "Accuracy",
    "Option",
    "Chosen",
    "AUC",
    "Sensitivity",
    "Specificity",
    "F1",
  ]);
  const missing = Array.from({ length: 4 }, () => "not measured");
  expect(rowsOf(screen.getByRole("table"))).toEqual([
    [
      "Is there a disc?",
      "24 / 2 cases without an answer left out",
      "0.83 / 0.70 – 0.95",
      "seen",
      "14",
      "0.91 / 0.80 – 0.98",
      "0.86 / 0.60 – 1.00",
      "0.80",
      "0.86 / 0.70 – 0.93",
    ],
    ["none", "0", ...missing],
    ["grade / 0.25 steps off on average", "1", "0.83", "1", "1", ...missing],
  ]);
});

it("draws how often answers of a confidence are right, with the error of each question", async () => {
  showPage(<AnswerCalibration answers={[disc, grade]} questions={questions} />, "/", "/");
  const plot = screen.getByRole("region", { name: "Reliability" });
  expect(await linesOf(plot)).toEqual([[CLASS_COLOURS[0], "M216,98L386,53"]]);
  const errors = plot.querySelectorAll("table");
  expect([...errors].map(rowsOf)).toEqual([
    [
      ["Is there a disc?", "24", "0.063", "1.50", "0.031"],
      ["grade", "not measured", "not measured", "not measured", "not measured"],
    ],
  ]);
  expect(figuresOf(plot)).toEqual([
    ["confidence of the model", "Is there a disc?"],
    ["0.5", "0.5"],
    ["1", "0.75"],
  ]);
});

it("has neither picture nor table where no question's calibration was measured", () => {
  showPage(<AnswerCalibration answers={[grade]} questions={questions} />, "/", "/");
  screen.getByText("The calibration of this model was not measured.");
  expect(screen.queryByRole("img")).toBeNull();
  expect(screen.queryByRole("table")).toBeNull();
});
