import { describe, expect, it } from "vitest";
import { action } from "./actions";
import { actFor, actionFor, keyOfLabel, keyText, labelFor, spokenKey } from "./keys";
import { rooms } from "./rooms";

function press(key: string, modifiers: { ctrl?: boolean; shift?: boolean; alt?: boolean } = {}) {
  const { ctrl = false, shift = false, alt = false } = modifiers;
  return { key, ctrlKey: ctrl, metaKey: false, shiftKey: shift, altKey: alt };
}

describe("keys", () => {
  it.each(Object.entries(rooms))("no two acts of the %s share a key", (_, acts) => {
    const all = acts.flatMap((each) => each.keys);
    expect(all.length).toBeGreaterThan(2);
    expect(new Set(all).size).toBe(all.length);
  });

  it("do the same in every room where an act is", () => {
    expect(actFor(press("h"), "review")?.id).toBe("hideLabels");
    expect(actFor(press("a"), "review")?.id).toBe("accept");
    expect(actFor(press("a"), "work")?.id).toBe("autoWindow");
    expect(actFor(press("b"), "review")).toBeNull();
    for (const room of ["work", "review", "desk"] as const) {
      expect(actFor(press("k", { ctrl: true }), room)?.id).toBe("palette");
    }
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
    expect(labelFor(press("9"), [])).toBeNull();
  });

  it.each([2, 8, 9, 11])("of %i classes are shown where they choose", (count) => {
    const classes = Array.from({ length: count }, (_, i) => ({ index: i + 10 }));
    for (const { index } of [...classes, { index: 255 }]) {
      const key = keyOfLabel(index, classes);
      if (key !== "") expect(labelFor(press(key), classes)).toBe(index);
    }
    const keys = classes.map(({ index }) => keyOfLabel(index, classes)).filter(Boolean);
    expect(keys.length).toBe(Math.min(9, count));
    expect(keyOfLabel(255, classes)).toBe(count < 9 ? "9" : "");
  });

  it("are shown as words", () => {
    expect(keyText("shift+mod+z")).toBe("Shift+Ctrl+Z");
    expect(keyText("+")).toBe("+");
    expect(keyText(" ")).toBe("Space");
    expect(keyText("mod++")).toBe("Ctrl++");
    expect(keyText("shift+f9")).toBe("Shift+F9");
    expect(keyText("delete")).toBe("Del");
  });

  it("are told to assistive technology by their English names", () => {
    expect(spokenKey(action("undo"))).toEqual({ "aria-keyshortcuts": "Control+Z" });
    expect(spokenKey(action("zoomIn"))).toEqual({ "aria-keyshortcuts": "Plus" });
    expect(spokenKey(action("pan"))).toEqual({});
  });
});
