// @vitest-environment jsdom
import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { showPage, TestServer } from "../../test-page";
import { Shadow } from "./shadow";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it.each([
  { kind: "segmentation", said: 1 },
  { kind: "classification", said: 0 },
])("says who counts in a difference of drawings: $kind", async ({ kind, said }) => {
  const shadow = {
    id: 4,
    number: 4,
    champion: 2,
    averaged: ["grey"],
    difference: { difference: 0.02, low: -0.01, high: 0.05, patients: 3 },
    held_out: [],
    drawings: { drawn: 0, settled: 0, guided: 0, classes: [] },
  };
  new TestServer({
    "GET /api/v1/campaigns/c/shadow": () => ({ shadow }),
    "GET /api/v1/campaigns/c": () => ({ slug: "c", kind, questions: [], classes: [] }),
  });
  const queries = showPage(<Shadow slug="c" manages={false} />, "/", "/");
  await screen.findByText(/against v2, on held-out cases of 3 patients/);
  await vi.waitFor(() => expect(queries.isFetching()).toBe(0));
  await vi.waitFor(() =>
    expect(screen.queryAllByText(/where one version alone draws a class/)).toHaveLength(said),
  );
});
