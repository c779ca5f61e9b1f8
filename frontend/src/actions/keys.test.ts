import { describe, expect, it } from "vitest";
import { actions } from "./actions";
import { actionFor, keyText, labelFor } from "./keys";

function press(key: string, modifiers: { ctrl?: boolean; shift?: boolean; alt?: boolean } = {}) {
  const { ctrl = false, shift = false, alt = false } = modifiers;
  return { key, ctrlKey: ctrl, metaKey: false, shiftKey: shift, altKey: alt };
}

describe("keys", () => {
  it("no two actions share a key", () => {
    const all = actions.flatMap((each) => each.keys);
    expect(new Set(all).size).toBe(all.length);
  });

  it.each([
    [press("z", { ctrl: true }), "undo"],
    [press("Z", { ctrl: true, shift: true }), "redo"],
    [press("y", { ctrl: true }), "redo"],
    [press("?", { shift: true }), "help"],
    [press("Enter"), "submit"],
    [press("b"), "brush"],
    [press("S", { shift: true }), "skip"],
    [press("s"), "outlines"],
  ])("%o does %s", (event, id) => {
    expect(actionFor(event)?.id).toBe(id);
  });

  it("leaves the browser's own shortcuts alone", () => {
    expect(actionFor(press("r", { ctrl: true }))).toBeNull();
    expect(actionFor(press("b", { alt: true }))).toBeNull();
    expect(actionFor(press("Enter", { shift: true }))).toBeNull();
  });

  it("number keys choose classes by their place, and 9 is ignore", () => {
    const classes = [{ index: 1 }, { index: 4 }];
    expect(labelFor(press("2"), classes)).toBe(4);
    expect(labelFor(press("3"), classes)).toBeNull();
    expect(labelFor(press("9"), classes)).toBe(255);
    expect(labelFor(press("1", { ctrl: true }), classes)).toBeNull();
  });

  it("are shown as words", () => {
    expect(keyText("shift+mod+z")).toBe("Shift+Ctrl+Z");
    expect(keyText("+")).toBe("+");
    expect(keyText(" ")).toBe("Space");
  });
});
