// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { BrowserRouter, Link, Route, Routes } from "react-router";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { leaving, useLeave } from "./leave";

function Form({ unsaved }: { unsaved: boolean }) {
  const asked = useLeave(unsaved);
  return (
    <>
      <p>the form</p>
      {asked}
    </>
  );
}

/** A start page, and a form to which a link leads. */
async function open(unsaved: boolean): Promise<void> {
  render(
    <MantineProvider>
      <BrowserRouter>
        <Routes>
          <Route path="/" element={<Link to="/form">to the form</Link>} />
          <Route path="/form" element={<Form unsaved={unsaved} />} />
        </Routes>
      </BrowserRouter>
    </MantineProvider>,
  );
  fireEvent.click(screen.getByRole("link"));
  await screen.findByText("the form");
}

const press = async (name: string) => fireEvent.click(await screen.findByRole("button", { name }));

beforeEach(() => history.replaceState(null, "", "/"));
afterEach(cleanup);

it("the browser's Back asks before it leaves what is not saved", async () => {
  await open(true);
  history.back();
  await press("Cancel");
  await waitFor(() => expect(location.pathname).toBe("/form"));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  screen.getByText("the form");
  history.back();
  await press("Leave anyway");
  await screen.findByText("to the form");
  expect(location.pathname).toBe("/");
}, 20_000);

it("the browser's Back leaves at once what is saved", async () => {
  await open(false);
  history.back();
  await screen.findByText("to the form");
}, 20_000);

it("asks again after an act that did not lead away", async () => {
  await open(true);
  act(() => leaving(() => undefined));
  await press("Leave anyway");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  const go = vi.fn();
  const asked = () => {
    act(() => leaving(go));
    return screen.getByRole("dialog");
  };
  await waitFor(asked, { timeout: 10_000, interval: 500 });
  go.mockClear();
  await press("Cancel");
  expect(go).not.toHaveBeenCalled();
}, 20_000);
