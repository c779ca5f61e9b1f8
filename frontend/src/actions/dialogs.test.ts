// @vitest-environment jsdom
import { beforeEach, describe, expect, it } from "vitest";
import { belongsToControl } from "./keys";

beforeEach(() => {
  document.body.innerHTML = `
    <div id="surface"></div>
    <div role="dialog"><button id="inside">x</button><input id="field"></div>
    <button id="outside">x</button>`;
});

function belongs(key: string, id: string): boolean {
  let told: boolean | undefined;
  const listen = (event: KeyboardEvent) => {
    told = belongsToControl(event);
  };
  window.addEventListener("keydown", listen, { once: true });
  const event = new KeyboardEvent("keydown", { key, bubbles: true });
  document.getElementById(id)!.dispatchEvent(event);
  return told!;
}

describe("a key pressed", () => {
  it("in a dialog is the dialog's: Escape closes it and clears nothing behind it", () => {
    expect(belongs("Escape", "inside")).toBe(true);
    expect(belongs("b", "inside")).toBe(true);
    expect(belongs("?", "inside")).toBe(false);
    expect(belongs("?", "field")).toBe(true);
  });

  it("on the image is the workstation's", () => {
    for (const key of ["Escape", "b", "Enter", "?"]) expect(belongs(key, "surface")).toBe(false);
  });

  it("on a button is the workstation's, but for what presses the button", () => {
    expect(belongs("Enter", "outside")).toBe(true);
    expect(belongs("b", "outside")).toBe(false);
  });
});
