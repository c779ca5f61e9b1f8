// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import type { Schemas } from "../../../api/client";
import { rowsOf } from "../../test-page";
import { Subgroups } from "./groups";

type Group = Schemas["SubgroupOutput"];

const group = (attribute: string, value: string, part: Partial<Group>): Group => ({
  attribute,
  value,
  patients: 6,
  enough: true,
  mean: null,
  low: null,
  high: null,
  difference: null,
  difference_low: null,
  difference_high: null,
  hd95: null,
  hd95_low: null,
  hd95_high: null,
  lesions: null,
  lesion_sensitivity: null,
  lesion_sensitivity_low: null,
  lesion_sensitivity_high: null,
  false_positives_per_image: null,
  false_positives_per_image_low: null,
  false_positives_per_image_high: null,
  auc: null,
  auc_low: null,
  auc_high: null,
  sensitivity: null,
  sensitivity_low: null,
  sensitivity_high: null,
  specificity: null,
  specificity_low: null,
  specificity_high: null,
  ...part,
});

const women = group("sex", "F", { mean: 0.75, low: 0.5, high: 0.9 });
const men = group("sex", "M", { mean: 0.9, low: 0.8, high: 1 });
const north = group("site", "north", { mean: 0.8, low: 0.6, high: 0.95 });
const south = group("site", "south", { patients: 2, enough: false });

function show(subgroups: Group[], score: number | null = 0.8, metric = "dice") {
  const model = { metric, score, subgroups } as Schemas["ModelDetailOutput"];
  return render(
    <MantineProvider>
      <Subgroups model={model} />
    </MantineProvider>,
  );
}

/** Of each row that is drawn its name, and where its dot, its interval and the whole are. */
function drawn() {
  const rows = [...screen.getByRole("img").children].slice(0, -1);
  return rows.map((row) => {
    const at = (part: string, name: string) => row.querySelector(part)?.getAttribute(name) ?? null;
    return {
      name: row.firstElementChild!.textContent,
      apart: row.getAttribute("data-apart"),
      dot: at("circle", "cx"),
      interval: [at("[data-part=interval]", "x1"), at("[data-part=interval]", "x2")],
      whole: at("[data-part=whole]", "x1"),
    };
  });
}

afterEach(cleanup);

it("draws each group's mean and interval on one scale, against the version's mean", () => {
  show([women, men, north, south]);
  expect(drawn()).toEqual([
    { name: "sex F", apart: "true", dot: "50%", interval: ["0%", "80%"], whole: "60%" },
    { name: "sex M", apart: "false", dot: "80%", interval: ["60%", "100%"], whole: "60%" },
    { name: "site north", apart: "true", dot: "60%", interval: ["20%", "90%"], whole: "60%" },
  ]);
  const axis = [...screen.getByRole("img").lastElementChild!.querySelectorAll("text")];
  expect(axis.map((each) => [each.textContent, each.getAttribute("x")])).toEqual([
    ["0.6", "20%"],
    ["0.8", "60%"],
    ["1", "100%"],
  ]);
});

it("says in words what is drawn, and leaves those of too few patients to the table", () => {
  show([women, south]);
  screen.getByRole("img", {
    name: "Mean Dice of each group, drawn; the figures are in the table below it",
  });
  screen.getByText(
    "Mean Dice of each group with its 95 % interval; dashed, the version's own mean: 0.80.",
  );
  expect(drawn().map(({ name }) => name)).toEqual(["sex F"]);
  const few = screen.getByRole("row", { name: /^site south/ });
  expect(within(few).getAllByRole("cell").at(-1)?.textContent).toBe("too few patients to say");
});

it("draws no line for a whole, and no interval, that nobody measured", () => {
  show([group("sex", "F", { mean: 0.5 })], null, "accuracy");
  expect(drawn()).toEqual([
    { name: "sex F", apart: "true", dot: "50%", interval: [null, null], whole: null },
  ]);
  screen.getByText("Mean accuracy of each group with its 95 % interval.");
});

it("draws nothing where no group has patients enough", () => {
  show([south]);
  expect(screen.queryByRole("img")).toBeNull();
});

const figures = {
  mean: 0.8,
  low: 0.6,
  high: 0.95,
  difference: -0.05,
  difference_low: -0.1,
  difference_high: 0.012,
};

const table = () => rowsOf(screen.getByRole("table"));

it("gives every figure of a group its interval, and none of an earlier release", () => {
  show([
    group("site", "north", {
      ...figures,
      hd95: 3.25,
      hd95_low: 2.04,
      hd95_high: 12.5,
      lesion_sensitivity: 0.667,
      lesion_sensitivity_low: 0.5,
      lesion_sensitivity_high: 1,
      false_positives_per_image: 0.25,
      false_positives_per_image_low: 0,
      false_positives_per_image_high: 0.333,
    }),
    group("site", "west", { ...figures, difference: null }),
    south,
  ]);
  expect(table()).toEqual([
    [
      "site north",
      "6",
      "0.80 / 0.60 – 0.95",
      "−0.050 / −0.100 – +0.012",
      "3.3 / 2.0 – 12.5",
      "0.67 / 0.50 – 1.00",
      "0.25 / 0.00 – 0.33",
    ],
    [
      "site west",
      "6",
      "0.80 / 0.60 – 0.95",
      "too few others",
      "not measured",
      "not measured",
      "not measured",
    ],
    ["site south", "2", "too few patients to say"],
  ]);
});

it("gives AUC, sensitivity and specificity of answers their intervals", () => {
  const answers = {
    auc: 0.9,
    auc_low: 0.8,
    auc_high: 0.95,
    sensitivity: 0.7,
    sensitivity_low: 0.4,
    sensitivity_high: 0.9,
    specificity: 0.6,
  };
  show([group("sex", "F", { ...figures, ...answers })], 0.8, "accuracy");
  const heads = screen.getAllByRole("columnheader").map(({ textContent }) => textContent);
  expect(heads.slice(2)).toEqual([
    "Mean accuracy",
    "Against the rest",
    "AUC",
    "Sensitivity",
    "Specificity",
  ]);
  expect(table()[0]!.slice(-3)).toEqual(["0.90 / 0.80 – 0.95", "0.70 / 0.40 – 0.90", "0.60"]);
});
