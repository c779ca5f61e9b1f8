// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { showPage, TestServer } from "../../test-page";
import { Recipe } from "./recipe";

const campaign = { slug: "brain" } as Schemas["CampaignDetail"];

/** Opens the folded recipe; returns what the server is told. */
async function open(refused?: object): Promise<unknown[]> {
  const told: unknown[] = [];
  new TestServer({
    "GET /api/v1/campaigns/brain/recipe": () => ({ recipe: { denoise: 3 } }),
    "PUT /api/v1/campaigns/brain/recipe": async (request) => {
      if (refused) return Response.json(refused, { status: 422 });
      const given = await request.json();
      told.push(given);
      return given;
    },
  });
  showPage(<Recipe campaign={campaign} />, "/", "/");
  fireEvent.click(await screen.findByRole("button", { name: "Recipe" }));
  // Hidden from the tree of roles until it has unfolded.
  await screen.findByRole("button", { name: "Save" });
  return told;
}

const type = (value: string) =>
  fireEvent.change(screen.getByLabelText("Fields (JSON)"), { target: { value } });
const save = () => screen.getByRole<HTMLButtonElement>("button", { name: "Save" });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("shows what is stored and keeps what is typed", async () => {
  const told = await open();
  const field = screen.getByLabelText<HTMLTextAreaElement>("Fields (JSON)");
  expect(JSON.parse(field.value)).toEqual({ denoise: 3 });
  expect(save().disabled).toBe(true);
  type('{"augment": {"blur": 1.5}}');
  fireEvent.click(save());
  await screen.findByText("Saved, for the runs that begin from now on");
  expect(told).toEqual([{ recipe: { augment: { blur: 1.5 } } }]);
});

it("follows what is changed elsewhere unless something else is typed", async () => {
  let stored: object = { denoise: 3 };
  new TestServer({ "GET /api/v1/campaigns/brain/recipe": () => ({ recipe: stored }) });
  const queries = showPage(<Recipe campaign={campaign} />, "/", "/");
  fireEvent.click(await screen.findByRole("button", { name: "Recipe" }));
  await screen.findByRole("button", { name: "Save" });
  const field = screen.getByLabelText<HTMLTextAreaElement>("Fields (JSON)");
  stored = { patience: 5 };
  await queries.invalidateQueries();
  await vi.waitFor(() => expect(JSON.parse(field.value)).toEqual(stored));
  type('{"patience": 7}');
  stored = {};
  await queries.invalidateQueries();
  expect(JSON.parse(field.value)).toEqual({ patience: 7 });
});

it("sends nothing that is no JSON with fields", async () => {
  const told = await open();
  for (const text of ["{denoise: 3}", "[3]", "3"]) {
    type(text);
    await screen.findByText(/double quotes around their names, as in {"denoise": 3}\.$/);
    expect(save().disabled).toBe(true);
  }
  type("");
  fireEvent.click(save());
  await screen.findByText("Saved, for the runs that begin from now on");
  expect(told).toEqual([{ recipe: {} }]);
});

it("says which field the server refuses, and why", async () => {
  const why = "choose a share from 0 to below 1";
  await open({
    code: "bad_config",
    message: `network.dropout: ${why}`,
    detail: { "network.dropout": why },
  });
  type('{"network": {"dropout": 2}}');
  fireEvent.click(save());
  const note = await screen.findByRole("alert");
  expect(note.textContent).toMatch(/network\.dropout.*choose a share from 0 to below 1/);
});
