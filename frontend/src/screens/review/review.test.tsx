// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Schemas } from "../../api/client";
import { showPage, TestServer } from "../test-page";
import { ReviewPage } from "./review";

type Item = Schemas["ReviewItem"];

function item(annotation: number, changes: Partial<Item> = {}): Item {
  return {
    annotation,
    task: { id: annotation, state: "review", case: annotation },
    reader: "ada",
    submitted_at: "2026-01-01T10:00:00Z",
    seconds: 30,
    image: {
      id: annotation,
      series: 1,
      index: 0,
      rows: 2,
      columns: 2,
      channels: 1,
      dtype: "uint8",
      bits: 8,
      slope: 1,
      intercept: 0,
      photometric: "MONOCHROME2",
      spacing: null,
      axes: null,
      window: { center: 4, width: 8 },
      modality: "MR",
      patient_key: "p",
      pixels_url: `/pixels/${annotation}`,
      thumbnail_url: "",
      sha256: "",
    },
    slices: 24,
    mask_url: `/mask/${annotation}`,
    findings: {},
    unseen: [],
    suggestion: null,
    ...changes,
  };
}

const classes = [
  { index: 1, name: "grey", colour: "#E69F00", retired: false },
  { index: 2, name: "white", colour: "#56B4E9", retired: false },
];

/** The queue, and a door for each case's bytes; two cases wait unless a test says otherwise. */
function serve(items: Item[] = [item(1), item(2)]) {
  const queue = { items, left: items.length };
  const server = new TestServer({
    "GET /api/v1/campaigns/c": () => ({
      slug: "c",
      name: "C",
      classes,
      questions: [],
      settings: { review: "all" },
      mine: { submitted: 0, waiting: 0, to_review: queue.left },
    }),
    "GET /api/v1/campaigns/c/reviews": () => queue.items,
  });
  for (const { annotation, task } of items) {
    server.doors[`GET /pixels/${annotation}`] = () => new Uint8Array([1, 2, 3, 4]);
    server.doors[`GET /mask/${annotation}`] = () => new Uint8Array(4);
    server.doors[`GET /api/v1/tasks/${task.id}/annotations`] = () => [];
    server.doors[`POST /api/v1/annotations/${annotation}/review`] = () => {
      queue.items = queue.items.filter((each) => each.annotation !== annotation);
      queue.left -= 1;
      return { id: 1, verdict: "accept", task_state: "settled" };
    };
  }
  return { server, queue };
}

const show = () => showPage(<ReviewPage />, "/campaigns/:slug/review", "/campaigns/c/review");
const accept = () => screen.getByRole<HTMLButtonElement>("button", { name: "Accept" });
const giveBack = () => screen.getByRole<HTMLButtonElement>("button", { name: "Return" });
const surface = () => screen.getByTestId("surface");
const comment = () => screen.getByLabelText("Comment for the reader");
const enabled = () => waitFor(() => expect(accept().disabled).toBe(false));
/** Keys that are fetched after the page. */
const listening = () => waitFor(() => expect(document.body.dataset.keys).toBe("review"));

beforeEach(() => {
  // jsdom has canvases without a way to paint on them.
  vi.stubGlobal(
    "ImageData",
    class {
      readonly data: Uint8ClampedArray;
      constructor(columns: number, rows: number) {
        this.data = new Uint8ClampedArray(4 * columns * rows);
      }
    },
  );
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a case under review", () => {
  it("tells an answer of none of several options from no answer", async () => {
    const { server } = serve([item(1, { findings: { signs: [] } })]);
    const shared = {
      kind: "multiple",
      options: ["oedema"],
      low: null,
      high: null,
      required: false,
    };
    const questions = [
      { ...shared, name: "signs", text: "Signs", retired: false },
      { ...shared, name: "others", text: "Others", retired: false },
    ];
    const campaign = server.doors["GET /api/v1/campaigns/c"] as () => object;
    server.doors["GET /api/v1/campaigns/c"] = () => ({ ...campaign(), questions });
    show();
    await enabled();
    const said = (name: string) => screen.getByText(name).nextElementSibling?.textContent;
    expect([said("Signs"), said("Others")]).toEqual(["None of these", "no answer"]);
  });

  it("is not decided on, nor the last one shown in its place, before its image has come", async () => {
    const { server } = serve();
    let verdicts = 0;
    let arrive = () => {};
    server.doors["GET /pixels/2"] = () =>
      new Promise((resolve) => {
        arrive = () => resolve(new Uint8Array([5, 6, 7, 8]));
      });
    server.doors["POST /api/v1/annotations/2/review"] = () => ++verdicts;
    show();
    await enabled();
    await listening();
    expect(surface().dataset.empty).toBe("false");

    fireEvent.click(accept());
    await screen.findByText(/case 2 · read by ada/);
    expect(surface().dataset.empty).toBe("true");
    fireEvent.change(comment(), { target: { value: "white is missing" } });
    expect(accept().disabled).toBe(true);
    expect(giveBack().disabled).toBe(true);
    fireEvent.keyDown(document.body, { key: "a" });

    arrive();
    await enabled();
    expect(giveBack().disabled).toBe(false);
    expect(surface().dataset.empty).toBe("false");
    expect(verdicts).toBe(0);
  });

  it("is not decided on when its image cannot be fetched, until it could", async () => {
    const { server } = serve([item(1)]);
    const pixels = server.doors["GET /pixels/1"]!;
    server.doors["GET /pixels/1"] = () => Response.json({ code: "gone" }, { status: 500 });
    show();
    const again = await screen.findByRole("button", { name: "Try again" });
    expect(accept().disabled).toBe(true);
    server.doors["GET /pixels/1"] = pixels;
    fireEvent.click(again);
    await enabled();
  });

  it("whose image cannot be fetched is left for later, and comes again after the others", async () => {
    const { server } = serve();
    server.doors["GET /pixels/1"] = () => Response.json({ code: "gone" }, { status: 500 });
    show();
    const alert = await screen.findByRole("alert");
    screen.getByText("slice 1 / 24");
    fireEvent.click(within(alert).getByRole("button", { name: "Next case" }));
    await screen.findByText(/case 2 · read by ada/);
    await enabled();
    fireEvent.click(accept());
    // No other waits: there is none to go on to.
    await screen.findByText(/case 1 · read by ada/);
    await screen.findByRole("button", { name: "Try again" });
    await waitFor(() => expect(screen.queryByRole("button", { name: "Next case" })).toBeNull());
  });

  it("stays with the comment typed when somebody else decides on it, until moved on from", async () => {
    const { queue } = serve();
    const queries = show();
    await enabled();
    fireEvent.change(comment(), { target: { value: "white is missing" } });
    queue.items = queue.items.slice(1);
    await queries.invalidateQueries();
    const said = (await screen.findByRole("alert")).textContent;
    expect(said).toContain("no longer waits for review");
    expect(said).toContain("Your comment was not sent.");
    expect(comment()).toHaveProperty("value", "white is missing");
    expect(accept().disabled).toBe(true);
    expect(giveBack().disabled).toBe(true);
    fireEvent.click(screen.getByRole("button", { name: "Next case" }));
    fireEvent.click(await screen.findByRole("button", { name: "Leave anyway" }));
    await screen.findByText(/case 2 · read by ada/);
    expect(comment()).toHaveProperty("value", "");
    await enabled();
  });

  it("that is gone says nothing of a comment that nobody wrote", async () => {
    const { queue } = serve();
    const queries = show();
    await enabled();
    queue.items = queue.items.slice(1);
    queue.left = 1;
    await queries.invalidateQueries({ queryKey: ["campaign", "c", "reviews"] });
    const said = (await screen.findByRole("alert")).textContent;
    expect(said).toContain("no longer waits for review");
    expect(said).not.toContain("comment");
    // It is no longer among those that are left.
    await screen.findByText("1 reading left");
  });

  it("says that its image is on its way until it is there", async () => {
    const { server } = serve([item(1)]);
    let arrive = () => {};
    const pixels = server.doors["GET /pixels/1"]!;
    server.doors["GET /pixels/1"] = (request) =>
      new Promise((resolve) => {
        arrive = () => resolve(pixels(request));
      });
    show();
    await screen.findByText("The image is on its way");
    arrive();
    await enabled();
    expect(screen.queryByText("The image is on its way")).toBeNull();
  });

  it("is not left with a comment that is begun without a word", async () => {
    serve();
    show();
    await enabled();
    fireEvent.change(comment(), { target: { value: "white is missing" } });
    fireEvent.click(screen.getByRole("link", { name: "C" }));
    const dialog = await screen.findByRole("dialog", { name: "Leave this page?" });
    within(dialog).getByText("The comment you wrote has not been sent and will be lost.");
    fireEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(comment()).toHaveProperty("value", "white is missing");

    const unload = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(unload);
    expect(unload.defaultPrevented).toBe(true);

    // Sent with the verdict, it holds nobody any more.
    fireEvent.click(accept());
    await screen.findByText(/case 2 · read by ada/);
    fireEvent.click(screen.getByRole("link", { name: "C" }));
    await screen.findByText("/campaigns/c");
  });

  it("stays when the server says that it was decided on meanwhile", async () => {
    const { server, queue } = serve();
    server.doors["POST /api/v1/annotations/1/review"] = () => {
      queue.items = queue.items.slice(1);
      return Response.json({ code: "already_reviewed", message: "" }, { status: 409 });
    };
    show();
    await enabled();
    fireEvent.click(accept());
    await screen.findByRole("alert");
    await screen.findByRole("button", { name: "Next case" });
    expect(screen.getByText(/case 1 · read by ada/)).toBeTruthy();
  });

  it("says how it lies, at what scale, and which slice it is", async () => {
    const { image } = item(1);
    const axes = { right: "L", down: "P" };
    serve([item(1, { image: { ...image, index: 4, spacing: [1, 1], axes } })]);
    // jsdom lays nothing out.
    const box = new DOMRect(0, 0, 400, 300);
    vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(box);
    show();
    await enabled();
    await screen.findByRole("img", { name: "Left R, right L, top A, bottom P" });
    screen.getByText("slice 5 / 24");
    screen.getByText(/ (mm|cm)$/);
  });

  it("says which classes its reader did not look at", async () => {
    serve([item(1, { unseen: [1, 2] })]);
    show();
    const said = await screen.findByRole("region", { name: "Not looked at" });
    within(said).getByText("grey and white");
    within(said).getByText(/it may still be/);
  });

  it("is one of as many as wait, beyond those that the server lists", async () => {
    const { queue } = serve();
    queue.left = 250;
    show();
    await screen.findByText("250 readings left");
    await enabled();
    fireEvent.click(accept());
    await screen.findByText("249 readings left");
  });

  it("is shown by keys: its labels, its image, and what others drew, one by one", async () => {
    const { server } = serve();
    const version = { newest: true, submitted_at: "2026-01-01T09:00:00Z", mask_url: "/mask/2" };
    server.doors["GET /api/v1/tasks/1/annotations"] = () =>
      [1, 7, 8].map((annotation) => ({ ...version, annotation, reader: `r${annotation}` }));
    show();
    await enabled();
    await listening();
    const layer = (name: string) =>
      surface().querySelector<HTMLElement>(`[data-layer=${name}]`)!.style.visibility;
    const press = (key: string) => fireEvent.keyDown(document.body, { key });
    press(";");
    expect(layer("labels")).toBe("hidden");
    expect(screen.getByRole("button", { name: "Outline" }).ariaPressed).toBe("true");
    press("'");
    expect(layer("image")).toBe("hidden");
    press("'");
    expect(layer("image")).toBe("visible");

    await screen.findByRole("switch", { name: /r7/ });
    const on = () =>
      ["r7", "r8"].filter(
        (name) => screen.getByRole<HTMLInputElement>("switch", { name: RegExp(name) }).checked,
      );
    const seen: string[][] = [];
    for (let n = 0; n < 4; n++) {
      press("o");
      seen.push(on());
    }
    expect(seen).toEqual([["r7"], ["r8"], ["r7", "r8"], []]);

    // The next case begins with everything in sight.
    press(";");
    press("'");
    fireEvent.click(accept());
    await screen.findByText(/case 2 · read by ada/);
    await enabled();
    expect([layer("labels"), layer("image")]).toEqual(["visible", "visible"]);
  });

  it("shows its labels again when the key that hides them is let go in another window", async () => {
    serve([item(1)]);
    show();
    await enabled();
    await listening();
    const labels = surface().querySelector<HTMLElement>("[data-layer=labels]")!;
    fireEvent.keyDown(document.body, { key: "h" });
    expect(labels.style.visibility).toBe("hidden");
    fireEvent.blur(window);
    expect(labels.style.visibility).toBe("visible");
  });
});

describe("a review queue with nothing in it", () => {
  it.each([
    ["all", "All reviewed", /appears here by itself/],
    ["none", "This campaign asks for no review", /A manager can ask for review .* settings/],
  ] as const)(
    "of a campaign that asks for %s says so, with a way back",
    async (review, ...said) => {
      const { server } = serve([]);
      const campaign = server.doors["GET /api/v1/campaigns/c"] as () => object;
      server.doors["GET /api/v1/campaigns/c"] = () => ({ ...campaign(), settings: { review } });
      show();
      for (const each of said) await screen.findByText(each);
      expect(screen.queryByRole("heading", { name: "Layers" })).toBeNull();
      fireEvent.click(screen.getByRole("link", { name: "Go to the campaign's page" }));
      await screen.findByText("/campaigns/c");
    },
  );
});
