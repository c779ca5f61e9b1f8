// @vitest-environment jsdom
import "fake-indexeddb/auto";
import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type JournalRecord, journalKey, openJournal } from "../journal/journal";
import { Home } from "../screens/home/home";
import { showPage, TestServer } from "../screens/test-page";
import { SessionProvider, useSession } from "../session";
import { LogOutFailed } from "./stuck";
import { LogOutAnyway } from "./unsent";

const user = { id: 7, username: "ada", name: "Ada", is_administrator: false, preferences: {} };

function Inside() {
  const { user, logOut } = useSession();
  return user ? (
    <>
      <Home />
      <button type="button" onClick={() => void logOut()}>
        {user.username}
      </button>
      <LogOutAnyway />
      <LogOutFailed />
    </>
  ) : null;
}

const show = () =>
  showPage(
    <SessionProvider>
      <Inside />
    </SessionProvider>,
    "/",
    "/",
  );

async function keep(change: Partial<JournalRecord>): Promise<void> {
  const record = {
    user: 7,
    assignment: 1,
    campaign: "brain-mri",
    caseName: "1",
    token: "t",
    rows: 1,
    columns: 1,
    mask: new Uint8Array(1),
    sequence: 1,
    seconds: 1,
    submitKey: "k",
    ...change,
  };
  const journal = await openJournal();
  await journal.put({ ...record, key: journalKey(record.user, record.assignment, 1) });
}

let ended = 0;
let server: TestServer;

beforeEach(() => {
  ended = 0;
  const card = {
    slug: "brain-mri",
    name: "Brain MRI",
    description: "",
    kind: "segmentation",
    state: "open",
    roles: ["reader"],
    mine: { submitted: 1, waiting: 1, to_review: 0 },
    counts: { total: 1, excluded: 0, open: 1, reading: 0, review: 0, settled: 0 },
    champion: null,
  };
  server = new TestServer({
    "GET /api/v1/session": () => ({ user }),
    "GET /api/v1/campaigns": () => [card],
    "DELETE /api/v1/session": () => {
      ended += 1;
      return {};
    },
  });
});

afterEach(async () => {
  cleanup();
  vi.unstubAllGlobals();
  const journal = await openJournal();
  for (const reader of [7, 8]) {
    for (const { key } of await journal.unsent(reader)) await journal.remove(key);
  }
});

it("finished cases that were not sent are said, with the way to what sends them", async () => {
  await keep({ assignment: 1 });
  await keep({ assignment: 2, refused: { code: "forbidden", message: "" } });
  await keep({ assignment: 3, submitKey: null });
  await keep({ assignment: 4, user: 8, campaign: "other" });
  show();
  const notice = await screen.findByRole("alert");
  expect(notice.textContent).toContain("2 cases");
  expect(notice.textContent).toContain("1 of them was not accepted");
  expect(notice.textContent).not.toContain("other");
  const way = await within(notice).findByRole("link", {
    name: "Open the reading room of Brain MRI",
  });
  expect(way.getAttribute("href")).toBe("/campaigns/brain-mri/read");
});

it("who logs out with unsent cases is asked first", async () => {
  await keep({});
  show();
  fireEvent.click(await screen.findByRole("button", { name: "ada" }));
  const dialog = await screen.findByRole("dialog");
  await within(dialog).findByText(/1 case/);
  expect(ended).toBe(0);
  fireEvent.click(within(dialog).getByRole("button", { name: "Log out all the same" }));
  await waitFor(() => expect(ended).toBe(1));
});

it("who logs out with nothing to send is not asked", async () => {
  await keep({ submitKey: null });
  show();
  fireEvent.click(await screen.findByRole("button", { name: "ada" }));
  await waitFor(() => expect(ended).toBe(1));
  expect(screen.queryByRole("dialog")).toBeNull();
});

it("who could not be logged out is told so, and can try again", async () => {
  const door = server.doors["DELETE /api/v1/session"]!;
  server.doors["DELETE /api/v1/session"] = () => Response.json({}, { status: 503 });
  show();
  fireEvent.click(await screen.findByRole("button", { name: "ada" }));
  const dialog = await screen.findByRole("dialog", { name: "You could not be logged out" });
  expect(dialog.textContent).toContain("No answer from the server");
  expect(dialog.textContent).toContain("still logged in on this computer");
  server.doors["DELETE /api/v1/session"] = door;
  fireEvent.click(within(dialog).getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(ended).toBe(1));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});
