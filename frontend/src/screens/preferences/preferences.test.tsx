// @vitest-environment jsdom
import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { preferences } from "../../preferences/preferences";
import { Preferences } from "./preferences";

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

it("the language is changed only after it was asked in the one that is spoken", async () => {
  const change = vi.spyOn(preferences, "change").mockReturnValue();
  // Where no choice can be kept, the page is not loaded anew.
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("blocked", "SecurityError");
  });
  const close = vi.fn();
  render(
    <MantineProvider>
      <Preferences opened onClose={close} onKeys={vi.fn()} />
    </MantineProvider>,
  );
  const ask = async () => {
    fireEvent.click(await screen.findByRole("radio", { name: "简体中文" }));
    return screen.findByRole("dialog", { name: "Change the language?" });
  };
  // Escape is the question's alone.
  fireEvent.keyDown(await ask(), { key: "Escape" });
  await waitFor(() => expect(screen.queryByText(/The page is loaded again/)).toBeNull());
  expect([change.mock.calls, close.mock.calls]).toEqual([[], []]);
  expect(screen.getByRole<HTMLInputElement>("radio", { name: "English" }).checked).toBe(true);

  const confirm = within(await ask()).getByRole("button", { name: "简体中文" });
  // Red is the colour of what destroys.
  expect(confirm.getAttribute("style") ?? "").not.toContain("danger");
  fireEvent.click(confirm);
  expect(change).toHaveBeenCalledWith({ language: "zh-CN" });
  expect(close).toHaveBeenCalled();
});
