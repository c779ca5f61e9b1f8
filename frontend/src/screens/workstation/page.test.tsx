// @vitest-environment jsdom
import "fake-indexeddb/auto";
import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { journalKey, openJournal } from "../../journal/journal";
import { SessionProvider, useSession } from "../../session";
import { showPage, TestServer } from "../test-page";
import { WorkstationPage } from "./page";

const user = { id: 7, username: "ada", name: "Ada", is_administrator: false, preferences: {} };

function Inside() {
  return useSession().user ? <WorkstationPage /> : null;
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("who left the campaign still decides on a case that was not taken", async () => {
  const journal = await openJournal();
  await journal.put({
    key: journalKey(7, 55, 1),
    user: 7,
    assignment: 55,
    campaign: "c",
    caseName: "412",
    token: "t",
    rows: 1,
    columns: 1,
    mask: new Uint8Array(1),
    sequence: 1,
    seconds: 1,
    submitKey: "k",
    refused: { code: "forbidden", message: "You are no reader." },
  });
  new TestServer({ "GET /api/v1/session": () => ({ user }) });
  showPage(
    <SessionProvider>
      <Inside />
    </SessionProvider>,
    "/campaigns/:slug/read",
    "/campaigns/c/read",
  );
  await screen.findByRole("button", { name: "Send it again" });
  expect(screen.getByRole("button", { name: "Discard it" })).toBeTruthy();
}, 20_000);
