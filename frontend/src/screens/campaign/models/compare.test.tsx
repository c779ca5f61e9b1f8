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
    model: { dice: 0 },
    against: { dice: 0 },
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
    patients: [],
    shared: [],
    silent: [],
  };
  new TestServer({
    "GET /api/v1/session": () => ({ user }),
    "GET /api/v1/campaigns/c": () => ({ slug: "c", name: "C", questions: [] }),
    "GET /api/v1/campaigns/c/models": () => [2, 1].map((number) => ({ id: number, number })),
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
  expect(cells).toEqual(["Dice", "0.67", "0.00", "+0.667+0.000\u00a0–\u00a0+1.000"]);
  screen.getByText(/where one version alone draws a class/);
}, 20_000);
