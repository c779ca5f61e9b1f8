// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { showPage, TestServer } from "../../test-page";
import { AskRobustness } from "./robust";

type Detail = Schemas["ModelDetailOutput"];

const refused = {
  id: 3,
  state: "rejected",
  evaluated_at: "2026-01-01T00:00:00Z",
  robustness: null,
  robustness_asked: false,
  robustness_error: "",
} as unknown as Detail;

const show = (model: Detail, manages = true) =>
  showPage(<AskRobustness model={model} slug="brain" manages={manages} />, "/", "/");

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("is asked for by a manager, of a version that was measured", async () => {
  let asked = 0;
  new TestServer({
    "POST /api/v1/models/3/robustness": () => {
      asked += 1;
      return { ...refused, robustness_asked: true };
    },
  });
  show(refused);
  fireEvent.click(screen.getByRole("button", { name: "Measure it" }));
  await vi.waitFor(() => expect(asked).toBe(1));
});

it.each([
  { what: "by others", model: refused, manages: false },
  { what: "of one that was never measured", model: { ...refused, evaluated_at: null } },
  { what: "twice", model: { ...refused, robustness_asked: true } },
])("is not asked for $what", ({ model, manages = true }) => {
  show(model, manages);
  expect(screen.queryByRole("button")).toBeNull();
});

it("says that it waits, or why it failed", () => {
  show({ ...refused, robustness_asked: true });
  screen.getByText("It will be measured once nothing else waits.");
  cleanup();
  show({ ...refused, robustness_error: "out of memory" });
  screen.getByText("It could not be measured: out of memory");
  screen.getByRole("button", { name: "Measure it" });
});
