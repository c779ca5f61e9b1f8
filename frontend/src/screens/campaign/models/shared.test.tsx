// @vitest-environment jsdom
import { cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { showPage, TestServer } from "../../test-page";
import { Shared } from "./shared";

type Case = Schemas["SharedCase"];

const models = { model: { id: 22, number: 2 }, rival: { id: 11, number: 1 } };
const learned = { learned: true, error: 0.75 };
const fresh = { learned: false, error: 0.1 };

const one = (image: number, part: Partial<Case>): Case => ({
  image,
  patient: `P-${image}`,
  slice: 3,
  disagreement: 0.5,
  labelled: true,
  model: learned,
  against: fresh,
  questions: [],
  ...part,
});

const question = (seen: number | null): Case["questions"][number] => ({
  name: "disc",
  settled: ["seen"],
  options: [
    { option: "seen", model: seen, against: 0.9 },
    { option: "none", model: 0.7, against: 0.1 },
  ],
});

function show(metric: "dice" | "accuracy", shared: Case[], silent: number[] = []): void {
  new TestServer({});
  const questions = [{ name: "disc", text: "Is there a disc?" }] as Schemas["QuestionOutput"][];
  const compared = { metric, shared, silent };
  const drawn = [{ index: 1, name: "grey", colour: "#e0b050" }];
  showPage(
    <Shared compared={compared} {...models} questions={questions} drawn={drawn} />,
    "/",
    "/",
  );
}

const addresses = () => screen.getAllByRole("img").map((each) => each.getAttribute("src"));

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("shows both drawings of a case beside its label, and goes on from case to case", () => {
  const waiting = { learned: false, error: null };
  const open = one(6, { labelled: false, model: waiting, against: waiting });
  show("dice", [one(5, {}), open]);
  expect(addresses()).toEqual([
    "/api/v1/models/22/label?image=5",
    "/api/v1/models/22/drawing?image=5",
    "/api/v1/models/11/drawing?image=5",
  ]);
  const legend = within(screen.getByRole("list", { name: "Classes" }));
  expect(legend.getAllByRole("listitem").map((each) => each.textContent)).toEqual(["grey"]);
  screen.getByRole("img", { name: "Case P-5, slice 4, as people labelled it" });
  screen.getByRole("img", { name: "Case P-5, slice 4, as v2 draws it" });
  screen.getByText("Dice 0.25 · has learned from it");
  screen.getByText("Dice 0.90 · has not learned from it");
  const next = screen.getByRole("button", { name: "Next case" });
  next.focus();
  fireEvent.click(next);
  expect(document.activeElement).toBe(next);
  expect(screen.getByRole("status").textContent).toBe("Case 2 of 2");
  expect(addresses()[0]).toBe("/api/v1/models/22/label?image=6");
  screen.getByText("No label yet");
  expect(screen.queryByText(/Dice/)).toBeNull();
  fireEvent.click(next);
  expect(screen.getByRole("status").textContent).toBe("Case 1 of 2");
});

it("shows both answers beside what people chose, in the question's words", () => {
  show("accuracy", [one(5, { questions: [question(0.3)] })]);
  expect(addresses()).toEqual(["/api/v1/models/22/label?image=5"]);
  screen.getByRole("rowheader", { name: "Is there a disc?" });
  const cells = screen
    .getAllByRole("row")
    .slice(1)
    .map((row) => within(row).getAllByRole("cell"))
    .map((row) => row.map((cell) => cell.textContent));
  expect(cells).toEqual([
    ["seen", "chosen", "0.30", "0.90"],
    ["none", "", "0.70", "0.10"],
  ]);
  screen.getByText("v2: 25% right · has learned from it");
});

it("says of an answer that a version was never asked for that there is none", () => {
  show("accuracy", [one(5, { disagreement: null, questions: [question(null)] })]);
  screen.getByRole("cell", { name: "–" });
  expect(screen.getByRole<HTMLInputElement>("combobox").value).toBe("P-5, slice 4");
});

it.each([
  { silent: [2], said: /Nothing is kept of what v2 would say/ },
  { silent: [2, 1], said: /Nothing is kept of what v2, v1 would say/ },
  { silent: [], said: /no case yet that both have looked at/ },
])("says why there is nothing to be seen: $silent", ({ silent, said }) => {
  show("dice", [], silent);
  screen.getByText(said);
  screen.getByText(/Held-out cases are never shown/);
  expect(screen.queryByRole("img")).toBeNull();
});
