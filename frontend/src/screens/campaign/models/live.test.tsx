// @vitest-environment jsdom
import { cleanup, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { figuresOf, linesOf, showPage, stubWidth, TestServer } from "../../test-page";
import type { TabProps } from "../campaign";
import { RunPanel } from "./live";

const campaign = {
  slug: "c",
  kind: "segmentation",
  roles: [],
  classes: [
    { index: 1, name: "grey", colour: "#e0b050" },
    { index: 2, name: "white", colour: "#4fb3d9" },
    { index: 3, name: "never drawn", colour: "#ff0000" },
  ],
  questions: [],
} as unknown as TabProps["campaign"];

const because = (text: string) => ({ text, code: "", values: {} });
const epoch = (number: number, loss: number, grey: number, white: number | null) => ({
  epoch: number,
  epochs: 4,
  loss,
  seconds: 1,
  eta_seconds: 60,
  dice: { grey, white },
});
const epochs = [
  epoch(1, 0.8, 0.25, null),
  epoch(2, 0.4, 0.5, 0.1),
  epoch(3, 0.2, 0.755, 0.5),
] as const;
const run = {
  id: 9,
  kind: "train",
  state: "running",
  start: "scratch",
  started_at: "2026-11-30T14:05:00",
  labels: 12,
  attempt: 1,
  ahead: 0,
  progress: epochs[2],
  epochs,
  error: "",
  events: [
    { at: "2026-11-30T14:04:00", event: "create", actor: "mara", why: because("a new scanner") },
    { at: "2026-11-30T14:05:00", event: "start", actor: null, why: because("") },
  ],
};

async function show(part: object, own = campaign) {
  new TestServer({ "GET /api/v1/runs/9": () => ({ ...run, ...part }) });
  showPage(<RunPanel id={9} campaign={own} />, "/", "/");
  await screen.findByRole("region", { name: "Training 9" });
}

beforeEach(() => stubWidth(400));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const plot = (name: string) => screen.getByRole("region", { name });

it("draws the loss by epoch, from zero to the highest", async () => {
  await show({});
  expect(await linesOf(plot("Loss"))).toEqual([["var(--reticle-accent)", "M46,8L216,98L386,143"]]);
  expect(figuresOf(plot("Loss"))).toEqual([
    ["epoch", "Loss"],
    ["1", "0.8"],
    ["2", "0.4"],
    ["3", "0.2"],
  ]);
});

it("draws the Dice of each class in its colour, and none where it was not measured", async () => {
  await show({});
  const dice = plot("Dice while training");
  expect(await linesOf(dice)).toEqual([
    ["#e0b050", "M46,143L216,98L386,52.1"],
    ["#4fb3d9", "M216,170L386,98"],
  ]);
  const legend = within(dice).getAllByRole("listitem");
  expect(legend.map(({ textContent }) => textContent)).toEqual(["grey", "white"]);
  expect(figuresOf(dice)).toEqual([
    ["epoch", "grey", "white"],
    ["1", "0.25", ""],
    ["2", "0.5", "0.1"],
    ["3", "0.76", "0.5"],
  ]);
  screen.getByText("Dice while training: grey 0.76 · white 0.50");
});

it("shows of a cross-validation the fold at hand, and a pre-training by itself", async () => {
  const folds = epochs.map((row, i) => ({ ...row, folds: 2, fold: i === 0 ? 0 : 1 }));
  const before = { ...epochs[0], stage: "pretrain", loss: 3.5, dice: null };
  await show({ epochs: [before, ...folds], progress: folds[2] });
  expect(figuresOf(plot("Loss")).slice(1)).toEqual([
    ["2", "0.4"],
    ["3", "0.2"],
  ]);
  expect(figuresOf(plot("Pre-training")).slice(1)).toEqual([["1", "3.5"]]);
});

it("says that there is nothing to draw before the first epoch", async () => {
  await show({ epochs: [], progress: null });
  expect(screen.getAllByText("The first epoch is not finished yet.").length).toBe(2);
  expect(screen.queryByRole("img")).toBeNull();
});

it("lists what happened: when, what, by whom and why", async () => {
  await show({});
  const log = screen.getByRole("heading", { name: "What happened" }).nextElementSibling!;
  expect([...log.children].map(({ textContent }) => textContent)).toEqual([
    "Nov 30, 2026, 14:04 · asked for · mara: a new scanner",
    "Nov 30, 2026, 14:05 · started",
  ]);
});
