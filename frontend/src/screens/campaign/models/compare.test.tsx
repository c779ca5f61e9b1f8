// @vitest-environment jsdom
import "fake-indexeddb/auto";
import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { SessionProvider, useSession } from "../../../session";
import { showPage, TestServer } from "../../test-page";
import { ComparePage } from "./compare";

type Compared = Schemas["CompareOutput"];

const user = { id: 7, username: "ada", name: "Ada", is_administrator: false, preferences: {} };

function Inside() {
  return useSession().user ? <ComparePage /> : null;
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("sets a difference beside the means that it is of, and says who counts in them", async () => {
  const none = { difference: null, low: null, high: null, patients: 0 };
  const white = {
    name: "white",
    model: { dice: 0, hd95: 8.6 },
    against: { dice: 0, hd95: 8.6 },
    model_mean: 2 / 3,
    against_mean: 0,
    difference: 2 / 3,
    low: 0,
    high: 1,
    patients: 3,
  } as Schemas["PairedClass"];
  const compared: Compared = {
    same_cases: true,
    cases: 3,
    metric: "dice",
    averaged: ["white"],
    mean: { ...none, model: null, against: null },
    classes: [white],
    questions: [],
    patients: [{ patient: "P-1", model: 1, against: 0, difference: 1 }],
    shared: [],
    silent: [],
  };
  const fell = { code: "part_fell", values: { part: "white", by: 0.1 }, text: "" };
  const decision = { verdict: "reject", reasons: [fell] };
  new TestServer({
    "GET /api/v1/session": () => ({ user }),
    "GET /api/v1/campaigns/c": () => ({ slug: "c", name: "C", questions: [], classes: [] }),
    "GET /api/v1/campaigns/c/models": () => [
      { id: 2, number: 2, state: "rejected", decision },
      { id: 1, number: 1, state: "champion", decision: { ...decision, verdict: "promote" } },
    ],
    "GET /api/v1/models/2/compare": () => compared,
  });
  showPage(
    <SessionProvider>
      <Inside />
    </SessionProvider>,
    "/campaigns/:slug/models/:number/against/:other",
    "/campaigns/c/models/2/against/1",
  );
  const name = await screen.findByRole("rowheader", { name: "white" }, { timeout: 10_000 });
  const cells = [...name.parentElement!.querySelectorAll("td")].map((cell) => cell.textContent);
  expect(cells).toEqual(["Dice", "0.67", "0.00", "+0.6670.000\u00a0–\u2060\u00a0+1.000"]);
  const distance = screen.getByRole("cell", { name: /^HD95/ });
  expect(distance.parentElement?.textContent).toBe("HD95lower is better8.68.60.00");
  screen.getByText(/^HD95 is in mm where images state a spacing/);
  expect(screen.getAllByText(/where one version alone draws a class/)).toHaveLength(2);
  screen.getByText(/^Mean over the classes of each patient\./);
  screen.getByText("rejected");
  screen.getByText("champion");
  screen.getByText("white fell by 0.100"); // once: of the one that was not taken
}, 20_000);
