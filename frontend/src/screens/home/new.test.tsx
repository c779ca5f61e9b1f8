// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SessionProvider, useSession } from "../../session";
import { showPage, TestServer } from "../test-page";
import { NewCampaign } from "./new";

const user = { id: 7, username: "ada", name: "Ada", is_administrator: true, preferences: {} };

function Inside() {
  return useSession().user ? <NewCampaign /> : null;
}

beforeEach(() => {
  new TestServer({
    "GET /api/v1/session": () => ({ user }),
    "POST /api/v1/campaigns": () => ({ slug: "brain-mri" }),
  });
  showPage(
    <SessionProvider>
      <Inside />
    </SessionProvider>,
    "/campaigns/new",
    "/campaigns/new",
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const name = () =>
  screen.findByRole<HTMLInputElement>("textbox", { name: "Name" }, { timeout: 10_000 });
const leave = () => fireEvent.click(screen.getByRole("link", { name: "Campaigns" }));

it("a campaign that is begun is not left without a word", async () => {
  fireEvent.change(await name(), { target: { value: "Brain MRI" } });
  leave();
  const dialog = await screen.findByRole("dialog", { name: "Leave this page?" });
  fireEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect((await name()).value).toBe("Brain MRI");
  const [first] = screen.getAllByRole("textbox", { name: /Class 1/ });
  fireEvent.change(first!, { target: { value: "Tumour" } });
  fireEvent.click(screen.getByRole("button", { name: "Create campaign" }));
  await screen.findByText("/campaigns/brain-mri/import", {}, { timeout: 5000 });
}, 30_000);

it("one that is not begun is left at once", async () => {
  await name();
  leave();
  await screen.findByText("/");
}, 20_000);
