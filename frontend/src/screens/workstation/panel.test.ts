// @vitest-environment jsdom
import { expect, it } from "vitest";
import { measures } from "./panel";

const GREY = { pixels: 4347, area: 13_199.4, mean: 30_916.94, deviation: 9345.31 };

it("says no decimals of means from a thousand on, and keeps a number beside its unit", () => {
  expect(measures(GREY, "MR")).toEqual([
    "area 13,199\u00a0mm² (4,347\u00a0px)",
    "mean 30,917 ± 9,345",
  ]);
  expect(measures({ ...GREY, area: null, mean: -999.44, deviation: 12.26 }, "CT")).toEqual([
    "area 4,347\u00a0px",
    "mean -999.4 ± 12.3\u00a0HU",
  ]);
  expect(measures({ ...GREY, mean: null, deviation: null }, "MR")).toHaveLength(1);
});
