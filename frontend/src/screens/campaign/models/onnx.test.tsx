// @vitest-environment jsdom
import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Schemas } from "../../../api/client";
import { showPage, TestServer } from "../../test-page";
import { Onnx } from "./onnx";

type File = Schemas["OnnxFileOutput"];

const waiting: File = {
  state: "queued",
  reason: null,
  sha256: "",
  size: 0,
  difference: null,
  file_url: null,
};

/** What the server knows of the file; asking for it changes that to `then`. */
function show(found: Schemas["OnnxOutput"], then?: File): void {
  let known = found;
  new TestServer({
    "GET /api/v1/models/3/onnx": () => known,
    "POST /api/v1/models/3/onnx": () => {
      known = { hindrance: null, file: then ?? null };
      return { hindrance: null, file: waiting };
    },
  });
  showPage(<Onnx id={3} />, "/", "/");
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("is asked for, and offered once it is there, with its size and difference", async () => {
  const file = { state: "done", size: 3_145_728, difference: 3.58e-7, file_url: "/f" } as const;
  show({ hindrance: null, file: null }, { ...waiting, ...file });
  const make = await screen.findByRole("button", { name: "Make an ONNX file" });
  // In line with the acts above it, whatever room a word about its state would take.
  expect(make.previousSibling).toBeNull();
  fireEvent.click(make);
  await screen.findByText("The ONNX file waits to be made.");
  expect(screen.queryByRole("button")).toBeNull();
  const link = await screen.findByRole("link", { name: /ONNX/ }, { timeout: 5000 });
  expect(link.getAttribute("href")).toBe("/f");
  const said = "3.0 MiB, probabilities less than 0.000001 from the model's";
  expect(screen.getByRole("status").textContent).toBe(said);
});

it("that failed says why, and can be asked for again", async () => {
  const values = { difference: "0.02", most: "0.0001" };
  const reason = { text: "", code: "export_differs", values };
  show({ hindrance: null, file: { ...waiting, state: "failed", reason } });
  const said = await screen.findByText(/could not be made/);
  expect(said.textContent).toContain("differs from the model by 0.02, more than 0.0001");
  expect(screen.getByRole("button", { name: "Try again" })).not.toBeNull();
});

it("that cannot be is not offered", async () => {
  show({ hindrance: { text: "", code: "export_ensemble", values: {} }, file: null });
  await screen.findByText(/the model is an ensemble/);
  expect(screen.queryByRole("button")).toBeNull();
});
