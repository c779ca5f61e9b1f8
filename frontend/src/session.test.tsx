// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { useLeave } from "./components/leave";
import { showPage, TestServer } from "./screens/test-page";
import { SessionProvider, useSession } from "./session";

const ada = { id: 7, username: "ada", name: "Ada", is_administrator: false, preferences: {} };
const bob = { ...ada, id: 8, username: "bob", name: "Bob" };

function Inside() {
  const { user, logIn } = useSession();
  const asked = useLeave(true);
  return (
    <>
      <p>{user?.name}</p>
      {[ada, bob].map(({ username }) => (
        <button key={username} type="button" onClick={() => void logIn(username, "secret")}>
          {username}
        </button>
      ))}
      {asked}
    </>
  );
}

/** Whether the page asks before it goes. */
function asks(): boolean {
  const unload = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(unload);
  return unload.defaultPrevented;
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("another person who logs in is not asked whether to stay in this person's page", async () => {
  let logged = 0;
  new TestServer({
    "GET /api/v1/session": () => ({ user: ada }),
    "POST /api/v1/session": async (request) => {
      const { username } = (await request.json()) as { username: string };
      logged += 1;
      return { user: username === "bob" ? bob : ada };
    },
  });
  showPage(
    <SessionProvider>
      <Inside />
    </SessionProvider>,
    "/",
    "/",
  );
  await screen.findByText("Ada");
  fireEvent.click(screen.getByRole("button", { name: "ada" }));
  await waitFor(() => expect(logged).toBe(1));
  expect(asks()).toBe(true);
  fireEvent.click(screen.getByRole("button", { name: "bob" }));
  await screen.findByText("Bob");
  expect(asks()).toBe(false);
});
