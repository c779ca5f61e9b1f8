// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { learningQuery, reviewsQuery, runQuery, shadowQuery } from "../../../api/queries";
import { showPage, TestServer } from "../../test-page";
import type { TabProps } from "../campaign";
import { CasesTab } from "../cases";
import { ReviewTab } from "../review";
import { Basis } from "./basis";
import { RunPanel } from "./live";
import { Shadow } from "./shadow";
import { ModelsTab } from "./tab";

const beside = {
  id: 4,
  number: 4,
  champion: null,
  difference: null,
  held_out: [],
  drawings: { drawn: 0, settled: 0, guided: 0, classes: [] },
};
const run = {
  id: 9,
  kind: "train",
  state: "running",
  labels: 12,
  attempt: 1,
  ahead: 0,
  progress: null,
  epochs: [],
  events: [],
  error: "",
};
const campaign = {
  slug: "c",
  kind: "segmentation",
  roles: [],
  classes: [],
  questions: [],
  settings: { review: "all" },
} as unknown as TabProps["campaign"];

const measured: Schemas["MeasuredOutput"] = {
  one_list: false,
  held_out: null,
  number: null,
  score: null,
  low: null,
  high: null,
  averaged: [],
  enough: false,
  few: [],
  waiting: [],
  left_out: [],
  earlier: 0,
};

let server: TestServer;
const away = () => Response.json({ code: "error", message: "" }, { status: 500 });

beforeEach(() => {
  server = new TestServer({
    "GET /api/v1/campaigns/c/shadow": () => ({ shadow: beside }),
    "GET /api/v1/campaigns/c/models": () => [],
    "GET /api/v1/campaigns/c/runs": () => [],
    "GET /api/v1/campaigns/c/learning": () => ({
      curve: [],
      measured,
      selection: null,
      next_refresh: { enabled: true },
    }),
    "GET /api/v1/campaigns/c/reviews": () => [],
    "GET /api/v1/campaigns/c/flags": () => [],
    "GET /api/v1/campaigns/c/tasks": away,
    "GET /api/v1/runs/9": () => run,
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it.each([
  { part: {}, said: "about 2 min left" },
  { part: { stage: "pretrain" }, said: "about 2 min left of this stage" },
  { part: { stage: "cross", fold: 0, folds: 5 }, said: "about 2 min left of this fold" },
])("says of what the time that is left is: $said", async ({ part, said }) => {
  const progress = { epoch: 1, epochs: 3, loss: 0.5, eta_seconds: 120, dice: {}, ...part };
  server.doors["GET /api/v1/runs/9"] = () => ({ ...run, progress });
  showPage(<RunPanel id={9} campaign={campaign} />, "/", "/");
  const line = await screen.findByText(/epoch 1 of 3/);
  expect(line.textContent?.split(" · ")).toContain(said);
});

it.each([
  {
    what: "the shadow",
    part: <Shadow slug="c" manages={false} />,
    known: "In the shadow: v4",
    query: shadowQuery("c"),
    door: "GET /api/v1/campaigns/c/shadow",
  },
  {
    what: "a training",
    part: <RunPanel id={9} campaign={campaign} />,
    known: "Training 9",
    query: runQuery("c", 9),
    door: "GET /api/v1/runs/9",
  },
  {
    what: "how the models learn",
    part: <ModelsTab campaign={campaign} />,
    known: "No model yet",
    query: learningQuery("c"),
    door: "GET /api/v1/campaigns/c/learning",
  },
  {
    what: "what waits for review",
    part: <ReviewTab campaign={campaign} />,
    known: "Nothing waits for review",
    query: reviewsQuery("c"),
    door: "GET /api/v1/campaigns/c/reviews",
  },
])(
  "a look at $what that fails is told beside what was known, until one succeeds",
  async ({ part, known, query, door }) => {
    const well = server.doors[door]!;
    const queries = showPage(part, "/", "/");
    await screen.findByRole("heading", { name: known }, { timeout: 10_000 });
    const lookAgain = () => queries.refetchQueries({ queryKey: query.queryKey, exact: true });
    server.doors[door] = away;
    await lookAgain();
    await screen.findByRole("alert");
    screen.getByRole("heading", { name: known });
    server.doors[door] = well;
    await lookAgain();
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  },
  20_000,
);

it("a campaign that asks for no review says so where reviews would wait", async () => {
  const unasked = { ...campaign, settings: { review: "none" } } as typeof campaign;
  showPage(<ReviewTab campaign={unasked} />, "/", "/");
  await screen.findByRole("heading", { name: "This campaign asks for no review" });
});

it("what is asked for once can be asked for again", async () => {
  showPage(<CasesTab campaign={campaign} />, "/", "/");
  const again = await screen.findByRole("button", { name: "Try again" }, { timeout: 10_000 });
  server.doors["GET /api/v1/campaigns/c/tasks"] = () => ({ results: [], next: null });
  fireEvent.click(again);
  await screen.findByRole("heading", { name: "No cases" });
  expect(screen.queryByRole("alert")).toBeNull();
}, 20_000);

it("a training under way comes first, with no gap above it", async () => {
  server.doors["GET /api/v1/campaigns/c/runs"] = () => [
    {
      ...run,
      reason: { code: "manual", values: {}, text: "asked for" },
      started_at: null,
      finished_at: null,
    },
  ];
  const manages = { ...campaign, roles: ["manager"] } as TabProps["campaign"];
  showPage(<ModelsTab campaign={manages} />, "/", "/");
  const panel = await screen.findByRole("region", { name: "Training 9" }, { timeout: 10_000 });
  expect(panel.previousElementSibling).toBeNull();
}, 20_000);

it("a rollback names the model that takes over, and is offered only where there is one", async () => {
  const manages = { ...campaign, roles: ["manager"] } as TabProps["campaign"];
  const queries = showPage(<ModelsTab campaign={manages} />, "/", "/");
  await screen.findByRole("button", { name: "Train now" }, { timeout: 10_000 });
  expect(screen.queryByRole("button", { name: /Roll back/ })).toBeNull();
  server.doors["GET /api/v1/campaigns/c/learning"] = () => ({
    curve: [],
    measured,
    selection: null,
    next_refresh: { enabled: true },
    rollback_to: 2,
  });
  await queries.refetchQueries({ queryKey: learningQuery("c").queryKey, exact: true });
  fireEvent.click(await screen.findByRole("button", { name: "Roll back to v2" }));
  await screen.findByRole("dialog", { name: "Roll back to v2?" });
  await screen.findByText("v2, the champion before this one", { exact: false });
}, 20_000);

const list = { at: "2026-11-30T14:05:00Z", cases: 24, patients: 5 };
const known = { ...measured, held_out: list, number: 3, averaged: ["grey", "white"], enough: true };
const lesion = { name: "lesion", cases: 1, patients: 1 };
const gone = {
  number: 1,
  reason: { code: "weights_gone", values: {}, text: "its weights are missing" },
};
it.each([
  {
    what: { one_list: true, few: [lesion], left_out: [gone], earlier: 2 },
    state: "open",
    said: [
      /^All versions on one list: the held-out list of .*2026.* \(24 cases, 5 patients\)\.$/,
      "The mean is over what promotion compares: grey, white.",
      "lesion: 1 case of 1 patient, not in the mean.",
      /^v1: its weights are missing or damaged/,
      "2 earlier versions are not shown.",
    ],
  },
  {
    what: { waiting: [1, 2] },
    state: "open",
    said: [
      /^Not all versions have been measured on one held-out list yet: .* cannot be compared\.$/,
      /^v3: the held-out list of .* \(24 cases, 5 patients\)\.$/,
      "Still to be measured on the newest list, when nothing else waits: v1, v2.",
    ],
  },
  {
    what: { one_list: true, enough: false, waiting: [2] },
    state: "closed",
    said: [
      /^All versions on one list/,
      "Still to be measured on the newest list, once the campaign is open again: v2.",
      /^Nothing is shown by held-out cases enough to decide by, .*: grey, white\.$/,
    ],
  },
])("the curve says which list and which classes it is of ($what)", ({ what, state, said }) => {
  const own = { ...campaign, state } as TabProps["campaign"];
  const { container } = render(
    <MantineProvider>
      <Basis campaign={own} measured={{ ...known, ...what }} />
    </MantineProvider>,
  );
  const lines = [...container.querySelectorAll("p")].map(({ textContent }) => textContent);
  expect(lines).toEqual(
    said.map((words) => (typeof words === "string" ? words : expect.stringMatching(words))),
  );
});

const version = {
  id: 2,
  number: 2,
  state: "champion",
  labels: 18,
  score: 0.867,
  low: 0.821,
  high: 0.902,
  averaged: ["grey", "white"],
  measured_on: list.at,
  classes: {},
  questions: {},
  decision: null,
  created_at: list.at,
};

it("the list gives each version the one mean with its interval, and says where it is of else", async () => {
  server.doors["GET /api/v1/campaigns/c/models"] = () => [
    { ...version, number: 5, id: 5, state: "candidate", score: null, low: null, high: null },
    { ...version, number: 4, id: 4, state: "rejected", averaged: ["grey"], low: null, high: null },
    { ...version, number: 3, id: 3, state: "rejected", measured_on: "2026-11-29T14:05:00Z" },
    version,
  ];
  server.doors["GET /api/v1/campaigns/c/learning"] = () => ({
    curve: [],
    measured: known,
    selection: null,
    next_refresh: { enabled: true },
  });
  showPage(<ModelsTab campaign={campaign} />, "/", "/");
  await screen.findByText(/promotion compares: grey, white\./, {}, { timeout: 10_000 });
  const rows = screen.getByRole("link", { name: "Open v2" }).closest("tbody")!;
  const means = [...rows.querySelectorAll("tr")].map((row) => {
    const cell = row.querySelectorAll("td")[3]!;
    return [cell.firstChild, ...cell.querySelectorAll("p")].map((each) => each?.textContent);
  });
  expect(means).toEqual([
    ["–"],
    ["0.87", "of grey"],
    ["0.87", "0.82\u00a0–\u2060\u00a00.90", expect.stringMatching(/^held-out list of .*Nov 29/)],
    ["0.87", "0.82\u00a0–\u2060\u00a00.90"],
  ]);
}, 20_000);

const because = (verdict: string) => ({
  verdict,
  reasons: [{ text: "the mean fell", code: "mean_fell", values: {} }],
});

it.each([
  ["rejected", because("reject"), "The promotion rule has refused this version: the mean fell."],
  ["rejected", because("shadow"), /^This version was taken back by a person\./],
  ["candidate", because("insufficient"), /^The promotion rule could not decide on this version/],
  ["retired", because("promote"), null],
])(
  "who promotes a version that is %s is told what speaks against it",
  async (state, decision, said) => {
    server.doors["GET /api/v1/campaigns/c/models"] = () => [{ ...version, state, decision }];
    const manages = { ...campaign, roles: ["manager"] } as TabProps["campaign"];
    showPage(<ModelsTab campaign={manages} />, "/", "/");
    fireEvent.click(await screen.findByRole("button", { name: "Promote v2" }, { timeout: 10_000 }));
    await screen.findByRole("dialog", { name: "Make v2 the champion?" });
    if (said === null) expect(screen.queryByRole("alert")).toBeNull();
    else expect((await screen.findByRole("alert")).textContent).toMatch(said);
  },
  20_000,
);

it("a training says how many held-out labels there are beside those it learns from", async () => {
  const reason = { code: "new_labels", values: { labels: 12 }, text: "12 new labels" };
  server.doors["GET /api/v1/campaigns/c/runs"] = () => [
    { ...run, state: "failed", labels: 18, held_out: 6, reason, started_at: null },
  ];
  showPage(<ModelsTab campaign={campaign} />, "/", "/");
  await screen.findByText("12 new labels, held-out ones among them", {}, { timeout: 10_000 });
  expect(screen.getByText("and 6 held out").parentElement?.textContent).toBe("18and 6 held out");
}, 20_000);

it.each([
  [0, 0, true],
  [3, 0, true],
  [3, 3, true],
  [4, 3, false],
])(
  "Train now with %i settled cases, %i of them held out, is off: %s",
  async (...given) => {
    const [settled, held_out, off] = given;
    server.doors["GET /api/v1/campaigns/c/learning"] = () => ({
      curve: [],
      measured,
      selection: null,
      next_refresh: { enabled: true, settled, held_out },
    });
    const manages = { ...campaign, roles: ["manager"] } as TabProps["campaign"];
    showPage(<ModelsTab campaign={manages} />, "/", "/");
    await screen.findByRole("region", { name: "Learning curve" }, { timeout: 10_000 });
    const button = await screen.findByRole<HTMLButtonElement>("button", { name: "Train now" });
    expect(button.disabled).toBe(off);
    expect(screen.queryAllByText(/^A training needs at least one settled case/).length).toBe(
      off ? 1 : 0,
    );
  },
  20_000,
);
