// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { Why } from "./why";

afterEach(cleanup);

const why = {
  share: "model",
  strategy: "class_balanced",
  score: 1.5478,
  rank: 1,
  place: 14,
  of: 180,
  model_number: 1,
  scored_at: null,
} as const;

const told = () =>
  [...screen.getByRole("heading").parentElement!.children].map((e) => e.textContent);

it("tells the strategy, the score, the place and the model", () => {
  render(<Why why={why} />);
  expect(told()).toEqual([
    "Why this case",
    "The model chose it",
    "place 14 of 180 in the queue",
    "Unsure, what is rare weighted up: 1.548",
    "scored by model v1",
  ]);
});

it("tells no score as the reason of what was chosen at random", () => {
  render(<Why why={{ ...why, share: "random", strategy: "random" }} />);
  expect(told()).toEqual([
    "Why this case",
    "Chosen at random, to keep the choice honest",
    "place 14 of 180 in the queue",
    "scored by model v1",
  ]);
});
