// @vitest-environment jsdom
import "fake-indexeddb/auto";
import { cleanup, screen, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../api/client";
import { SessionProvider, useSession } from "../../session";
import { showPage, TestServer } from "../test-page";
import { Home } from "./home";

const user = { id: 7, username: "ada", name: "Ada", is_administrator: false, preferences: {} };

function Inside() {
  return useSession().user ? <Home /> : null;
}

/** The card of a campaign of which so much waits for this person. */
async function card(
  mine: { submitted: number; waiting: number; to_review: number },
  champion: Schemas["ChampionCard"] | null = null,
) {
  const campaign = {
    slug: "c",
    name: "Brain MRI",
    description: "",
    kind: "segmentation",
    state: "open",
    roles: ["reader", "reviewer"],
    mine,
    // The total is without the excluded ones.
    counts: { total: 9, excluded: 3, open: 9, reading: 0, review: 0, settled: 0 },
    champion,
  };
  new TestServer({
    "GET /api/v1/session": () => ({ user }),
    "GET /api/v1/campaigns": () => [campaign],
  });
  showPage(
    <SessionProvider>
      <Inside />
    </SessionProvider>,
    "/",
    "/",
  );
  const found = await screen.findByRole("article", { name: "Brain MRI" }, { timeout: 10_000 });
  const filled = within(found)
    .getAllByRole("link")
    .filter((each) => each.dataset.variant === "filled");
  return { found, main: filled.map((each) => each.textContent) };
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("the main button leads to what waits to be read", async () => {
  const { found, main } = await card({ submitted: 0, waiting: 2, to_review: 1 });
  expect(main).toEqual(["Start reading"]);
  expect(found.textContent).toContain("2 cases wait for you");
  expect(within(found).getByRole("img").getAttribute("aria-label")).toContain("0 of 9");
}, 20_000);

it("where nothing waits to be read it says so, and reading is not the main button", async () => {
  const { found, main } = await card({ submitted: 3, waiting: 0, to_review: 1 });
  expect(main).toEqual(["1 reading to review"]);
  expect(found.textContent).toContain("Nothing waits for you now");
  // Earlier answers are amended in the reading room.
  within(found).getByRole("link", { name: "Reading room: Brain MRI" });
}, 20_000);

it.each([
  [
    { number: 3, dice: 0.8, low: 0.71, high: 0.88 },
    "Dice 0.80 (95 % interval 0.71\u00a0–\u2060\u00a00.88) on",
  ],
  [{ number: 3, dice: 0.8, low: null, high: null }, "Dice 0.80 on held-out"],
  [{ number: 3, dice: null, accuracy: 0.9 }, "accuracy 0.90 on held-out"],
  [{ number: 3, dice: null }, "not yet measured"],
])(
  "says how good the champion is, with its interval where it is known (%o)",
  async (of, said) => {
    const { found } = await card({ submitted: 0, waiting: 0, to_review: 0 }, of);
    expect(found.textContent).toContain(said);
  },
  20_000,
);
