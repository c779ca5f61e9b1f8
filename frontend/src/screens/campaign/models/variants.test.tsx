// @vitest-environment jsdom
import { cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { showPage, TestServer } from "../../test-page";
import { CrossReport } from "./cross";
import { TrainNow } from "./runs";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** Opens the dialog at a cross-validation of two recipes; returns what the server is told. */
async function open(): Promise<unknown[]> {
  const told: unknown[] = [];
  new TestServer({
    "GET /api/v1/campaigns/brain": () => ({ kind: "segmentation" }),
    "POST /api/v1/campaigns/brain/runs": async (request) => {
      told.push(await request.json());
      return { id: 9 };
    },
  });
  showPage(<TrainNow slug="brain" />, "/", "/");
  fireEvent.click(screen.getByRole("button", { name: "Train now" }));
  fireEvent.click(await screen.findByRole("radio", { name: "Cross-validate" }));
  fireEvent.click(screen.getByRole("switch", { name: /folds' models together/ }));
  fireEvent.click(screen.getByRole("button", { name: "Compare recipes" }));
  return told;
}

const second = () => within(screen.getByRole("group", { name: "Recipe 2" }));
const type = (field: HTMLElement, value: string) => fireEvent.change(field, { target: { value } });
const start = () => screen.getByRole<HTMLButtonElement>("button", { name: "Start training" });

it("says whose network a run has that begins with a file", async () => {
  new TestServer({ "GET /api/v1/campaigns/brain": () => ({ kind: "segmentation" }) });
  showPage(<TrainNow slug="brain" />, "/", "/");
  fireEvent.click(screen.getByRole("button", { name: "Train now" }));
  const network = await screen.findByRole("combobox", { name: "Network" });
  expect(network.getAttribute("placeholder")).toBe("As in the settings");
  fireEvent.click(screen.getByRole("combobox", { name: "Start from" }));
  fireEvent.click(await screen.findByRole("option", { name: "From a file", hidden: true }));
  expect(network.getAttribute("placeholder")).toBe("As in the file");
}, 20_000);

it("asks for recipes to be compared, the own one first, and for the best to be trained", async () => {
  const told = await open();
  expect(screen.queryByRole("switch", { name: /folds' models together/ })).toBeNull();
  expect(start().disabled).toBe(true);
  type(second().getByRole("textbox", { name: "Name" }), "dropout");
  const fields = second().getByRole("textbox", { name: "Fields that differ (JSON)" });
  type(fields, "{network: 3}");
  expect(start().disabled).toBe(true);
  type(fields, '{"network": {"dropout": 0.2}}');
  fireEvent.click(screen.getByRole("button", { name: "Add a recipe" }));
  expect(start().disabled).toBe(true);
  const third = within(screen.getByRole("group", { name: "Recipe 3" }));
  fireEvent.click(third.getByRole("button", { name: "Take it out" }));
  fireEvent.click(screen.getByRole("switch", { name: /^Train the best one/ }));
  fireEvent.click(start());
  await vi.waitFor(() =>
    expect(told).toEqual([
      {
        kind: "cross",
        folds: 3,
        best: true,
        variants: [
          { name: "As in the settings" },
          { name: "dropout", recipe: { network: { dropout: 0.2 } } },
        ],
      },
    ]),
  );
}, 20_000);

function chosenRun() {
  const report = {
    cases: 9,
    patients: 3,
    mean_dice: 0.8,
    classes: [{ name: "grey", dice: 0.84, low: 0.7, high: 0.9, spread: 0.1 }],
    folds: [],
  };
  const known = { error: "", spread: 0.02, patients: 3, report };
  const none = { difference: null, low: null, high: null, behind: null, standard_error: null };
  const choice = {
    rule: "one_standard_error",
    metric: "dice",
    best: 1,
    chosen: 1,
    variants: [
      { ...known, ...none, name: "own", mean: 0.755, behind: 0.045, standard_error: 0.011 },
      { ...known, ...none, name: "wide", mean: 0.8, difference: 0.045, low: 0.02, high: 0.06 },
      { ...known, ...none, name: "fast", mean: null, report: null, error: "loss is nan" },
    ],
  };
  const config = { preset: "tiny", epochs: 20, minimum_steps: 60, seconds: 90, denoise: 3 };
  return { id: 4, report, choice, config, finished_at: null } as unknown as Schemas["RunOutput"];
}

const campaign = (roles: readonly string[]) =>
  ({
    slug: "brain",
    questions: [],
    roles,
    settings: { training: { preset: "tiny", epochs: 20, minimum_steps: 60, seconds: 300 } },
  }) as unknown as Schemas["CampaignDetail"];

it("shows what each recipe came to, which was chosen, and which diverged", () => {
  showPage(<CrossReport runs={[chosenRun()]} campaign={campaign(["reviewer"])} />, "/", "/");
  const cells = (name: RegExp) =>
    screen.getByRole("row", { name }).textContent?.replaceAll(/[\s\u2060]+/g, " ");
  expect(cells(/^own/)).toBe("own0.7550.020–0.045standard error 0.0110.84");
  expect(cells(/^wide/)).toContain("widechosen0.8000.020+0.045+0.020 – +0.060");
  expect(cells(/^fast/)).toContain("fastdiverged: loss is nan–");
  screen.getByRole("heading", { name: "Recipes compared" });
  screen.getByRole("heading", { name: "The chosen one: wide" });
  expect(screen.queryByRole("button")).toBeNull();
});

it("makes the chosen one the campaign's recipe after asking once more", async () => {
  let taken = 0;
  new TestServer({
    "POST /api/v1/runs/4/recipe": () => {
      taken += 1;
      return { recipe: {} };
    },
  });
  showPage(<CrossReport runs={[chosenRun()]} campaign={campaign(["manager"])} />, "/", "/");
  fireEvent.click(screen.getByRole("button", { name: "Use as the campaign's recipe" }));
  const asked = within(await screen.findByRole("dialog", { name: "Use “wide” from now on?" }));
  expect(taken).toBe(0);
  fireEvent.click(asked.getByRole("button", { name: "Use as the campaign's recipe" }));
  await screen.findByText("It is the campaign's recipe for the trainings that begin from now on.");
  expect(taken).toBe(1);
});

it.each([
  { stored: { denoise: 3 }, offers: 0 },
  { stored: { denoise: 4 }, offers: 1 },
])("offers the chosen recipe where the campaign has another one: $stored", async (given) => {
  const { stored, offers } = given;
  new TestServer({ "GET /api/v1/campaigns/brain/recipe": () => ({ recipe: stored }) });
  const run = chosenRun();
  const queries = showPage(<CrossReport runs={[run]} campaign={campaign(["manager"])} />, "/", "/");
  await vi.waitFor(() => expect(queries.isFetching()).toBe(0));
  const said = offers ? "" : "The chosen one is the campaign's recipe already.";
  await vi.waitFor(() => expect(screen.getByRole("status").textContent).toBe(said));
  const found = screen.queryAllByRole("button", { name: "Use as the campaign's recipe" });
  expect(found).toHaveLength(offers);
});
