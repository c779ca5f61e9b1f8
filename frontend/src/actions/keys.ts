/** From key presses to actions, and from keys to what the help sheet shows. */
import { IGNORE } from "../domain/mask";
import { t, word } from "../i18n";
import type { Workstation } from "../work/workstation";
import { type Action, actions } from "./actions";

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** `shift+mod+z`. Shift is only named with letters and named keys: "?" needs it on most keyboards. */
export function chord(event: Press): string {
  const key = event.key.toLowerCase();
  const named = /^[a-z]$/.test(key) || key.length > 1;
  const shift = event.shiftKey && named ? "shift+" : "";
  return `${shift}${event.ctrlKey || event.metaKey ? "mod+" : ""}${key}`;
}

export function actionFor(event: Press): Action | null {
  if (event.altKey) return null;
  const pressed = chord(event);
  return actions.find((each) => each.keys.includes(pressed)) ?? null;
}

/** 1 to 8 choose a class by its place in the list; 9 chooses `ignore`, unless a ninth class is there. */
export function labelFor(event: Press, classes: readonly { index: number }[]): number | null {
  if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return null;
  const place = Number(event.key) - 1;
  return classes[place]?.index ?? (place === 8 ? IGNORE : null);
}

/** Keys typed into a field, or pressed on a control that uses them, are not ours. */
export function belongsToControl(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  if (!target?.closest) return false;
  if (target.closest("input:not([type=range]), textarea, select, [contenteditable=true]"))
    return true;
  if (target.closest("[role=dialog]")) return event.key !== "Escape" && event.key !== "?";
  const native = event.key === "Enter" || event.key === " ";
  if (native && target.closest("button, a, [role=button], [role=menuitem], summary")) return true;
  const slides = event.key.startsWith("Arrow");
  return slides && target.closest("[role=slider], [role=menu], [role=radiogroup]") !== null;
}

/** Listen on the page until the returned function is called. */
export function listen(station: Workstation): () => void {
  const stop = new AbortController();
  const held = new Map<string, Action>();
  const down = (event: KeyboardEvent) => {
    if (belongsToControl(event)) return;
    const label = labelFor(event, station.palette);
    if (label !== null) {
      station.setLabel(label);
      event.preventDefault();
      return;
    }
    const act = actionFor(event);
    if (!act?.enabled(station, station.ui.get())) return;
    // A submit held down by accident must not hand in the next case as well.
    if (event.repeat && (act.release || act.id === "submit")) {
      event.preventDefault();
      return;
    }
    event.preventDefault();
    if (act.release) held.set(event.key.toLowerCase(), act);
    act.perform(station);
  };
  const letGo = () => {
    for (const act of held.values()) act.release?.(station);
    held.clear();
  };
  const up = (event: KeyboardEvent) => {
    held.get(event.key.toLowerCase())?.release?.(station);
    held.delete(event.key.toLowerCase());
  };
  const { signal } = stop;
  window.addEventListener("keydown", down, { signal });
  window.addEventListener("keyup", up, { signal });
  window.addEventListener("blur", letGo, { signal });
  return () => {
    letGo();
    stop.abort();
  };
}

const SHOWN: Record<string, string> = {
  enter: "Enter",
  escape: "Escape",
  " ": "Space",
  mod: "Mod",
  shift: "Shift",
  delete: "Delete",
  arrowup: "ArrowUp",
  arrowdown: "ArrowDown",
};

/** "Ctrl+Z" from "mod+z". */
export function keyText(keys: string): string {
  const parts = keys === "+" ? ["+"] : keys.split("+");
  return parts
    .map((part) => (SHOWN[part] ? word("key", SHOWN[part]) : part.toUpperCase()))
    .join("+");
}

export function firstKey(act: Action): string {
  const first = act.keys[0];
  if (first === undefined) return "";
  return act.release ? t("key.hold", { key: keyText(first) }) : keyText(first);
}
