// @vitest-environment jsdom
import "fake-indexeddb/auto";
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Schemas } from "../../api/client";
import { SessionProvider, useSession } from "../../session";
import { showPage, TestServer } from "../test-page";
import { CampaignPage } from "./campaign";

const user = { id: 7, username: "ada", name: "Ada", is_administrator: false, preferences: {} };
const counts = { total: 1, excluded: 0, open: 1, reading: 0, review: 0, settled: 0 };
const settings: Schemas["CampaignSettings"] = {
  name: "Brain MRI",
  description: "",
  guideline: "",
  unit: "image",
  readers_per_task: 1,
  review: "none",
  lease_minutes: 30,
  suggestions: true,
  strategy: "stratified",
  training: { preset: "cpu", epochs: 10 },
};
const campaign = {
  slug: "c",
  name: "Brain MRI",
  description: "",
  kind: "segmentation",
  state: "open",
  roles: ["reader", "manager"],
  counts,
  mine: { submitted: 0, waiting: 0, to_review: 0 },
  champion: null,
  settings,
  classes: [],
  questions: [],
};

function Inside() {
  return useSession().user ? <CampaignPage /> : null;
}

const show = (tab: string) =>
  showPage(
    <SessionProvider>
      <Inside />
    </SessionProvider>,
    "/campaigns/:slug/:tab?",
    `/campaigns/c/${tab}`,
  );

let server: TestServer;
/** What was sent, by door. */
let sent: [door: string, body: unknown][] = [];

beforeEach(() => {
  sent = [];
  server = new TestServer({
    "GET /api/v1/session": () => ({ user }),
    "GET /api/v1/campaigns/c": () => campaign,
    "GET /api/v1/campaigns/c/progress": () => ({
      counts,
      readers: [],
      effort: [],
      labels_over_time: [],
      held_out: { total: 0, settled: 0 },
    }),
    "GET /api/v1/campaigns/c/pictures": () => [],
    "GET /api/v1/campaigns/c/audit": () => ({ results: [], next: null }),
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** Take what is sent to a door, and answer so. */
function take(door: string, answer: (body: unknown) => unknown): void {
  server.doors[door] = async (request) => {
    const text = await request.text();
    const body: unknown = text === "" ? null : JSON.parse(text);
    sent.push([door, body]);
    return answer(body);
  };
}

const button = (name: string) => screen.findByRole<HTMLButtonElement>("button", { name });
const tab = (name: string) => screen.findByRole("tab", { name });
const field = (name: RegExp) => screen.findByLabelText<HTMLInputElement>(name);
const type = (element: HTMLElement, value: string) =>
  fireEvent.change(element, { target: { value } });

describe("the settings", () => {
  it("are not left unsaved without a word: by a tab, a link or the browser", async () => {
    show("settings");
    type(await field(/^Name( \*)?$/), "Brain");
    fireEvent.click(await tab("Audit"));
    const dialog = await screen.findByRole("dialog", { name: "Leave this page?" });
    fireEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect((await field(/^Name( \*)?$/)).value).toBe("Brain");

    const unload = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(unload);
    expect(unload.defaultPrevented).toBe(true);

    fireEvent.click(screen.getByRole("link", { name: "Campaigns" }));
    fireEvent.click(await button("Leave anyway"));
    await screen.findByText("/");
  });

  it("are not left unsaved by the palette or the account menu", async () => {
    server.doors["GET /api/v1/campaigns"] = () => [];
    show("settings");
    type(await field(/^Name( \*)?$/), "Brain");
    const stay = async () => {
      const dialog = await screen.findByRole("dialog", { name: "Leave this page?" });
      fireEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
      await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    };
    fireEvent.click(await button("Account of Ada"));
    fireEvent.click(await screen.findByRole("menuitem", { name: "Log out" }));
    await stay();
    await waitFor(() => expect(document.body.dataset.keys).toBe("desk"), { timeout: 10_000 });
    fireEvent.keyDown(document.body, { key: "k", code: "KeyK", ctrlKey: true });
    fireEvent.click(await screen.findByRole("option", { name: "Campaigns" }, { timeout: 10_000 }));
    await stay();
    expect((await field(/^Name( \*)?$/)).value).toBe("Brain");
  }, 40_000);

  it.each([
    [/^Name of the new class/, "vessel"],
    [/^Question 2$/, "Is there motion?"],
    [/^Options of question 2/, "yes"],
    [/^Option 1 of “Is there a lesion\?”/, "surely"],
  ])("are not left with what was typed beside their form: %s", async (name, text) => {
    const question = { name: "lesion", text: "Is there a lesion?", kind: "single", retired: false };
    const options = { options: ["yes", "no"], dropped: [], required: true, low: null, high: null };
    const questions = [{ ...question, ...options }];
    server.doors["GET /api/v1/campaigns/c"] = () => ({ ...campaign, questions });
    show("settings");
    const typed = await field(name);
    const before = typed.value;
    type(typed, text);
    fireEvent.click(await tab("Audit"));
    const dialog = await screen.findByRole("dialog", { name: "Leave this page?" });
    fireEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(typed.value).toBe(text);

    // As it was, it waits for nothing.
    type(typed, before);
    fireEvent.click(await tab("Audit"));
    await waitFor(async () =>
      expect((await tab("Audit")).getAttribute("aria-selected")).toBe("true"),
    );
  });

  it("are left at once when nothing was changed", async () => {
    show("settings");
    await field(/^Name( \*)?$/);
    fireEvent.click(await tab("Audit"));
    await waitFor(async () =>
      expect((await tab("Audit")).getAttribute("aria-selected")).toBe("true"),
    );
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("that were changed are sent, and no others", async () => {
    take("PATCH /api/v1/campaigns/c", (body) => ({
      ...campaign,
      settings: { ...settings, ...(body as object), training: { preset: "cpu", epochs: 12 } },
    }));
    show("settings");
    type(await field(/^What readers are asked to do/), "All of it");
    type(await field(/epochs/i), "12");
    fireEvent.click(await button("Save"));
    await screen.findByText("Saved");
    expect(sent).toEqual([
      ["PATCH /api/v1/campaigns/c", { description: "All of it", training: { epochs: 12 } }],
    ]);
    expect((await button("Save")).disabled).toBe(true);
  });
});

it.each(["segmentation", "classification"])(
  "the overview of a campaign of %s shows how many suggested answers were changed",
  async (kind) => {
    server.doors["GET /api/v1/campaigns/c"] = () => ({ ...campaign, kind });
    server.doors["GET /api/v1/campaigns/c/answers"] = () => [];
    const point = { seconds: 20, changed_pixels: null, suggestion_dice: null, suggested: true };
    const effort = [null, 2, 0].map((changed, i) => ({
      ...point,
      n: i + 1,
      changed_answers: changed,
    }));
    const progress = server.doors["GET /api/v1/campaigns/c/progress"]!;
    server.doors["GET /api/v1/campaigns/c/progress"] = async (request) => ({
      ...((await progress(request)) as object),
      effort,
    });
    show("");
    const part = await screen.findByRole("region", { name: "Suggested answers changed" });
    const link = within(part).getByRole<HTMLAnchorElement>("link", { name: /CSV/ });
    expect(decodeURIComponent(link.href.split(",").slice(1).join(","))).toBe("n,changed\n2,2\n3,0");
  },
);

it("a campaign that cannot be opened yet says where what it lacks is set", async () => {
  server.doors["GET /api/v1/campaigns/c"] = () => ({ ...campaign, state: "draft" });
  const said = { code: "no_classes", message: "" };
  server.doors["POST /api/v1/campaigns/c/open"] = () => Response.json(said, { status: 409 });
  show("guideline");
  fireEvent.click(await button("Open for reading"));
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("Add at least one class");
  fireEvent.click(within(alert).getByRole("link", { name: "Go to the settings" }));
  await waitFor(async () => expect((await tab("Settings")).ariaSelected).toBe("true"));
  expect(screen.queryByRole("alert")).toBeNull();
});

describe("what a slip should not do", () => {
  it("closing the campaign is asked about, with what becomes of the readers' work", async () => {
    take("POST /api/v1/campaigns/c/close", () => ({ ...campaign, state: "closed" }));
    show("guideline");
    fireEvent.click(await button("Close campaign"));
    const dialog = await screen.findByRole("dialog", { name: "Close this campaign?" });
    expect(dialog.textContent).toContain("readers at work keep theirs as drafts");
    expect(sent).toEqual([]);
    fireEvent.click(within(dialog).getByRole("button", { name: "Close campaign" }));
    await button("Open for reading");
    expect(sent).toHaveLength(1);
  });

  it("removing a member is asked about", async () => {
    const member = { username: "bob", name: "", roles: ["reader"] };
    server.doors["GET /api/v1/campaigns/c/members"] = () => [member];
    take("PUT /api/v1/campaigns/c/members", () => []);
    show("readers");
    fireEvent.click(await button("Remove bob"));
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("kept as their draft");
    expect(sent).toEqual([]);
    fireEvent.click(within(dialog).getByRole("button", { name: "Remove bob" }));
    await waitFor(() =>
      expect(sent).toEqual([["PUT /api/v1/campaigns/c/members", { username: "bob", roles: [] }]]),
    );
  });
});

it("removing a picture of the guideline is asked about", async () => {
  server.doors["GET /api/v1/campaigns/c/pictures"] = () => [
    { id: 3, url: "/api/v1/pictures/3", width: 1, height: 1 },
  ];
  take("DELETE /api/v1/pictures/3", () => ({}));
  show("settings");
  fireEvent.click(await button("Remove picture 3"));
  const dialog = await screen.findByRole("dialog", { name: "Remove picture 3?" });
  expect(sent).toEqual([]);
  fireEvent.click(within(dialog).getByRole("button", { name: "Remove picture 3" }));
  await waitFor(() => expect(sent).toEqual([["DELETE /api/v1/pictures/3", null]]));
});

describe("files on their way", () => {
  it("go on, and are shown again, when their tab was left meanwhile", async () => {
    const upload = { onprogress: (_: object) => {} };
    const send = vi.fn();
    const request = { upload, open() {}, setRequestHeader() {}, send, onerror() {} };
    vi.stubGlobal("XMLHttpRequest", function XMLHttpRequest() {
      return request;
    });
    server.doors["GET /api/v1/campaigns/c/imports"] = () => [];
    show("import");
    await button("Choose files");
    const input = document.querySelector("input[type=file]")!;
    fireEvent.change(input, { target: { files: [new File(["1"], "1.png")] } });
    await screen.findByText("Sending 0%");
    fireEvent.click(await tab("Audit"));
    await waitFor(() => expect(screen.queryByText(/^Sending/)).toBeNull());
    upload.onprogress({ loaded: 2, total: 5 });
    fireEvent.click(await tab("Import"));
    await screen.findByText("Sending 40%");
    expect(screen.queryByRole("button", { name: "Choose files" })).toBeNull();
    // Dropped now, others would begin beside them, and only their progress would be shown.
    const zone = screen.getByText(/^Files are on their way/).parentElement!;
    fireEvent.drop(zone, { dataTransfer: { files: [new File(["2"], "2.png")] } });
    await screen.findByText("Sending 40%");
    expect(send).toHaveBeenCalledOnce();

    fireEvent.click(await tab("Audit"));
    await waitFor(() => expect(screen.queryByText(/^Sending/)).toBeNull());
    request.onerror();
    fireEvent.click(await tab("Import"));
    await screen.findByText(/The files could not be sent/);
    await button("Choose files");
  });
});

it("files on their way are named and can be cancelled, until all is sent", async () => {
  const upload = { onprogress: (_: object) => {} };
  const abort = vi.fn((): void => request.onabort());
  const request = { upload, abort, open() {}, setRequestHeader() {}, send() {}, onabort() {} };
  vi.stubGlobal("XMLHttpRequest", function XMLHttpRequest() {
    return request;
  });
  server.doors["GET /api/v1/campaigns/c/imports"] = () => [];
  show("import");
  await button("Choose files");
  const files = [1, 3].map((size) => new File([new Uint8Array(size * 1e6)], `${size}.nii`));
  const choose = () =>
    fireEvent.change(document.querySelector("input[type=file]")!, { target: { files } });
  choose();
  await screen.findByText("File 1 of 2, 0.0 of 4.0 MB: 1.nii");
  upload.onprogress({ loaded: 5, total: 10 });
  await screen.findByText("File 2 of 2, 2.0 of 4.0 MB: 3.nii");
  fireEvent.click(await button("Cancel"));
  expect(abort).toHaveBeenCalledOnce();
  const said = await screen.findByText(/^Sending was cancelled/);
  expect(said.textContent).toContain("none of the 2 files was taken in");
  expect(screen.queryByRole("alert")).toBeNull();

  choose();
  await button("Cancel");
  upload.onprogress({ loaded: 10, total: 10 });
  await screen.findByText(/^All is sent/);
  expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
});

it("every file of an import can be listed", async () => {
  const batch = {
    id: 3,
    number: 1,
    state: "done",
    source: "upload",
    created_at: "2026-01-01T10:00:00Z",
    joined_at: "2026-01-01T10:01:00Z",
    counts: { accepted: 2, duplicate: 0, rejected: 0, waiting: 0 },
    error: "",
  };
  const file = (id: number) => ({
    id,
    name: `slice-${id}.png`,
    state: "accepted",
    code: "",
    reason: "",
    images: 1,
  });
  server.doors["GET /api/v1/campaigns/c/imports"] = () => [batch];
  server.doors["GET /api/v1/imports/3"] = ({ url }) =>
    new URL(url).searchParams.get("after") === "200"
      ? { ...batch, items: [file(201)], next: null }
      : { ...batch, items: [file(200)], next: 200 };
  show("import");
  fireEvent.click(await screen.findByText("Import 1"));
  await screen.findByText("slice-200.png");
  fireEvent.click(await button("Show more"));
  await screen.findByText("slice-201.png");
  expect(screen.getByText("slice-200.png")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
});

it.each([
  ["of more than a day have dates", "2026-01-03T12:00:00Z", /Jan/],
  ["of one day have times alone", "2026-01-01T13:00:00Z", /^\d\d:\d\d$/],
])("labels over time %s", async (_, last, form) => {
  const points = ["2026-01-01T12:00:00Z", last].map((at, n) => ({ at, settled: n }));
  const progress = server.doors["GET /api/v1/campaigns/c/progress"]!;
  server.doors["GET /api/v1/campaigns/c/progress"] = async (request) => ({
    ...((await progress(request)) as object),
    labels_over_time: points,
  });
  show("overview");
  const plot = await screen.findByRole("region", { name: "Labels over time" });
  const table = await within(plot).findByRole("group");
  (table as HTMLDetailsElement).open = true;
  fireEvent(table, new Event("toggle"));
  const cell = (await within(plot).findAllByRole("cell"))[0]!;
  expect(cell.textContent).toMatch(form);
});

const unmeasured: Schemas["MeasuredOutput"] = {
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

it.each([
  [true, /^Dice on held-out, model v3 · held-out list of .* \(24 cases, 5 patients\)$/],
  [false, /^Dice on held-out, model v3 · .* · other versions are of other lists$/],
])(
  "the figure at the head is the curve's, with its list (one list: %s)",
  async (one_list, said) => {
    const held_out = { at: "2026-11-30T14:05:00Z", cases: 24, patients: 5 };
    server.doors["GET /api/v1/campaigns/c"] = () => ({
      ...campaign,
      champion: { number: 3, dice: 0.74 },
    });
    server.doors["GET /api/v1/campaigns/c/learning"] = () => ({
      curve: [],
      measured: { ...unmeasured, one_list, held_out, number: 3, score: 0.862 },
      selection: null,
    });
    show("guideline");
    const label = await screen.findByText(said);
    expect(label.previousElementSibling?.textContent).toBe("0.86");
  },
);

const COMPARED = "2026-01-01T12:00:00Z";

it.each([
  [null, "", ["random order until the images have been compared"]],
  [COMPARED, "", ["ordered by how images differ"]],
  [null, "no room", ["Comparing the images failed: no room", "stays in random order"]],
  [COMPARED, "no room", ["ordered by how images differ", "failed: no room"]],
])(
  "the overview says how the queue is ordered before there is a model (%s, %s)",
  async (ordered_at, error, said) => {
    server.doors["GET /api/v1/campaigns/c/learning"] = () => ({
      curve: [],
      measured: unmeasured,
      run: null,
      next_refresh: { enabled: true, needed: 8, new_labels: 0, settled: 0, held_out: 0 },
      scoring: false,
      scoring_error: "",
      unreadable: 0,
      selection: null,
      cold_order: { ordered_at, error },
    });
    show("overview");
    const training = await screen.findByRole("region", { name: "Current training" });
    for (const words of said) {
      await within(training).findByText(words, { exact: false });
    }
  },
);

it.each([
  [0, "some patients are by chance when their images join", "until the next refresh"],
  [1, "8 more labels until the next refresh.", "one that is held out"],
])(
  "the overview promises no training while %s held-out cases are settled",
  async (held_out, said, not) => {
    server.doors["GET /api/v1/campaigns/c/learning"] = () => ({
      curve: [],
      measured: unmeasured,
      run: null,
      next_refresh: { enabled: true, needed: 8, new_labels: 4, settled: 4, held_out },
      scoring: false,
      scoring_error: "",
      unreadable: 0,
      selection: null,
      cold_order: null,
    });
    show("overview");
    const training = await screen.findByRole("region", { name: "Current training" });
    await within(training).findByText(said, { exact: false });
    expect(within(training).queryByText(not, { exact: false })).toBeNull();
  },
);

it.each([
  ["", 0, ["The new champion is scoring"]],
  ["no room", 0, ["could not score the waiting cases: no room", "stays as it is"]],
  ["", 2, ["2 images could not be read"]],
])(
  "the overview says how the champion gets on with the queue (%s, %s)",
  async (scoring_error, unreadable, said) => {
    server.doors["GET /api/v1/campaigns/c/learning"] = () => ({
      curve: [],
      measured: unmeasured,
      run: null,
      next_refresh: { enabled: true, needed: 8, new_labels: 0, settled: 0, held_out: 0 },
      scoring: true,
      scoring_error,
      unreadable,
      selection: null,
      cold_order: null,
    });
    show("overview");
    const training = await screen.findByRole("region", { name: "Current training" });
    for (const words of said) {
      await within(training).findByText(words, { exact: false });
    }
  },
);

it("images that could not be read are named, with the file that each came in", async () => {
  server.doors["GET /api/v1/campaigns/c/learning"] = () => ({
    curve: [],
    measured: unmeasured,
    run: null,
    next_refresh: { enabled: true, needed: 8, new_labels: 0, settled: 0, held_out: 0 },
    scoring: false,
    scoring_error: "",
    unreadable: 2,
    selection: null,
    cold_order: null,
  });
  const row = { case: 12, image: 34, patient: "P-1", slice: 4 };
  server.doors["GET /api/v1/campaigns/c/unreadable"] = () => [
    { ...row, problem: "missing", file: "scan-5.dcm", import_id: 3, import_number: 2 },
    { ...row, case: 13, problem: "damaged", file: "", import_id: null, import_number: null },
  ];
  show("overview");
  fireEvent.click(await button("Which images"));
  const link = await screen.findByRole("link", { name: "scan-5.dcm, import 2" });
  expect(link.getAttribute("href")).toBe("/campaigns/c/import?import=3");
  const said = screen.getAllByRole("listitem").map((each) => each.textContent);
  expect(said[0]).toContain("Case 12 (image 34): P-1, slice 5its pixels are missing");
  expect(said[1]).toContain("its pixels are damaged");
});

it("the way to the content leaves no place in the history, past which Back would not ask", async () => {
  show("settings");
  const { length } = history;
  const way = await screen.findByText("Skip to content");
  way.focus();
  fireEvent.click(way);
  await new Promise((wake) => setTimeout(wake));
  expect([history.length, location.hash]).toEqual([length, ""]);
  expect(document.activeElement).toBe(screen.getByRole("main"));
}, 20_000);
