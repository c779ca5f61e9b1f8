import { afterEach, describe, expect, it } from "vitest";
import { preferences } from "../preferences/preferences";
import { action } from "./actions";
import {
  assign,
  clashes,
  holderOf,
  isKey,
  keepKeys,
  keysOf,
  refusal,
  type Table,
} from "./bindings";
import { actFor, actionFor, firstKey } from "./keys";
import { acts, type Room, rooms } from "./rooms";

const press = (key: string, ctrlKey = false) => ({
  key,
  ctrlKey,
  metaKey: false,
  shiftKey: false,
  altKey: false,
});

afterEach(() => preferences.change({ keys: {} }));

describe("a person's keys", () => {
  it("are the list's own until they are changed", () => {
    for (const each of acts) expect(keysOf(each, {})).toEqual(each.keys);
  });

  it("act, and the old ones do not any more", () => {
    keepKeys(assign("brush", ["ä"], {}));
    expect(actionFor(press("ä"))?.id).toBe("brush");
    expect(actionFor(press("b"))).toBeNull();
    expect(firstKey(action("brush"))).toBe("Ä");
  });

  it("clash in words that name the holder, and are taken from it", () => {
    const found = clashes("brush", ["e"], {});
    expect(found.map(({ key, holder }) => [key, holder.id])).toEqual([["e", "eraser"]]);
    const table = assign("brush", ["e"], {});
    expect(holderOf("e", "work", table)?.id).toBe("brush");
    expect(keysOf(action("eraser"), table)).toEqual([]);
    expect(keysOf(action("brush"), table)).toEqual(["e"]);
  });

  it("take one key of several away and leave the others", () => {
    const table = assign("brush", ["z"], {});
    expect(keysOf(action("undo"), table)).toEqual(["mod+z"]);
  });

  it("of a reviewer clash with what the review page does, not with the workstation", () => {
    expect(clashes("accept", ["b"], {})).toEqual([]);
    expect(clashes("accept", ["h"], {}).map(({ holder }) => holder.id)).toEqual(["hideLabels"]);
    // An act of both rooms keeps clear of either.
    const held = clashes("hideLabels", ["r"], {}).map(({ holder }) => holder.id);
    expect(held.sort()).toEqual(["comment", "rectangle"]);
    keepKeys(assign("accept", ["b"], {}));
    expect(actFor(press("b"), "review")?.id).toBe("accept");
    expect(actionFor(press("b"))?.id).toBe("brush");
  });

  it("given back are no change: the table is empty again", () => {
    const swapped = assign("eraser", ["b"], assign("brush", ["e"], {}));
    expect(swapped).toEqual({ brush: ["e"], eraser: ["b"] });
    const back = assign("eraser", ["e"], assign("brush", ["b"], swapped));
    expect(back).toEqual({});
  });

  it("never make one key do two things, whatever is asked for", () => {
    let table: Table = {};
    const ids = acts.map((each) => each.id);
    const keys = acts.flatMap((each) => each.keys);
    for (let n = 0; n < 400; n++) {
      table = assign(ids[(n * 7) % ids.length]!, [keys[(n * 13) % keys.length]!], table);
      for (const room of Object.values(rooms)) {
        const all = room.flatMap((each) => keysOf(each, table));
        expect(new Set(all).size).toBe(all.length);
      }
    }
  });

  it("are not those that classes, the browser or the page need", () => {
    expect(refusal("3")).toBe("classes");
    expect(refusal("mod+w")).toBe("browser");
    expect(refusal("f5")).toBe("browser");
    expect(refusal("shift+tab")).toBe("page");
    expect(refusal("escape")).toBe("page");
    for (const key of acts.flatMap((each) => (each.id === "cancel" ? [] : each.keys))) {
      expect(refusal(key), key).toBeNull();
    }
  });

  it("begin with a key, not with a modifier alone", () => {
    expect(["shift", "mod+control", "dead", "process", "shift+altgraph"].some(isKey)).toBe(false);
    expect(["b", "+", "shift+f", "mod+k", " ", "arrowup", "mod++"].every(isKey)).toBe(true);
  });

  it("go before a key that an act got in the list later", () => {
    expect(holderOf("'", "work", {})?.id).toBe("image");
    expect(holderOf("'", "work", { panel: ["'"] })?.id).toBe("panel");
  });

  it("are shown with the act that they do, and not with the one that had them", () => {
    const table: Table = { panel: ["'"], zoomIn: ["z"], accept: ["e"] };
    expect(keysOf(action("panel"), table)).toEqual(["'"]);
    expect(keysOf(action("image"), table)).toEqual([]);
    expect(keysOf(action("undo"), table)).toEqual(["mod+z"]);
    expect(keysOf(action("eraser"), table)).toEqual(["e"]); // no reviewer has that act
    for (const [name, room] of Object.entries(rooms)) {
      for (const each of room) {
        for (const key of keysOf(each, table)) {
          expect(holderOf(key, name as Room, table)?.id).toBe(each.id);
        }
      }
    }
  });

  it("are all such as the server takes", () => {
    const taken = /^(shift\+)?(mod\+)?([^\sA-Z]| |[a-z][a-z0-9]{1,19})$/;
    for (const key of acts.flatMap((each) => each.keys)) expect(key).toMatch(taken);
  });
});
