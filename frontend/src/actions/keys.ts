/** From key presses to actions, and from keys to what the help sheet shows. */
import { placeOf } from "../domain/findings";
import { IGNORE } from "../domain/mask";
import { t, word } from "../i18n";
import type { Workstation } from "../work/workstation";
import type { Act } from "./action";
import { type Action, actions } from "./actions";
import { holderOf, keysOf } from "./bindings";
import type { Room } from "./rooms";

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** `shift+mod+z`. Shift is only named with letters and named keys: "?" needs it on most keyboards. */
export function chord(event: Press): string {
  const key = event.key.toLowerCase();
  const named = /^[a-z]$/.test(key) || key.length > 1;
  const shift = event.shiftKey && named ? "shift+" : "";
  return `${shift}${event.ctrlKey || event.metaKey ? "mod+" : ""}${key}`;
}

/** What a press does in a room. */
export function actFor(event: Press, room: Room): Act | null {
  return event.altKey ? null : holderOf(chord(event), room);
}

/** What a press does at the workstation. */
export function actionFor(event: Press): Action | null {
  const found = actFor(event, "work");
  return found ? (actions.find((each) => each.id === found.id) ?? null) : null;
}

/**
 * 1 to 8 choose a class by its place in the list; 9 chooses `ignore`, unless a ninth class is there.
 * Nothing where nothing is drawn.
 */
export function labelFor(event: Press, classes: readonly { index: number }[]): number | null {
  if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return null;
  if (classes.length === 0) return null;
  const place = Number(event.key) - 1;
  return classes[place]?.index ?? (place === 8 ? IGNORE : null);
}

/** The number key that chooses a class; "" where there is none. */
export function keyOfLabel(label: number, classes: readonly { index: number }[]): string {
  const place = label === IGNORE ? 8 : classes.findIndex(({ index }) => index === label);
  const taken = label === IGNORE && classes.length > 8;
  return place >= 0 && place < 9 && !taken ? String(place + 1) : "";
}

/** Digits answer the question at hand; with Shift where the bare keys choose a class. */
export function digitFor(event: Press & { code: string }, draws: boolean): number | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey !== draws) return null;
  // The key's place, since Shift gives another character in every country.
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1];
  return digit === undefined ? null : Number(digit);
}

/** Keys typed into a field, or pressed on a control that uses them, are not ours. */
export function belongsToControl(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  if (!target?.closest) return false;
  if (target.closest("input:not([type=range]), textarea, select, [contenteditable=true]"))
    return true;
  // A dialog keeps all keys, Escape too, but the one that opens and closes the help.
  if (target.closest("[role=dialog]")) return actionFor(event)?.id !== "help";
  const native = event.key === "Enter" || event.key === " ";
  if (native && target.closest(BUTTONS)) return true;
  const slides = event.key.startsWith("Arrow");
  return slides && target.closest("[role=slider], [role=menu], [role=radiogroup]") !== null;
}

const BUTTONS = "button, a, [role=button], [role=menuitem], summary";

/** Whether a button is held down by its key: what it does it does once. */
function holdsButton({ repeat, key, target }: KeyboardEvent): boolean {
  return repeat && key === "Enter" && target instanceof Element && target.closest(BUTTONS) !== null;
}

/**
 * After a press of the pointer on a button the keys are the drawing's again: Space would else press
 * the button once more, and arrows stay with it. Not where something has opened that takes them.
 */
function giveBack(station: Workstation, { detail, target }: MouseEvent): void {
  const button = detail > 0 && target instanceof Element ? target.closest("button") : null;
  if (!button || button.closest("[aria-haspopup], [role=dialog], [role=menu]")) return;
  const { activeElement } = document;
  if (activeElement === button || activeElement === document.body) station.focus();
}

/** What browsers take for their address bar or their quick search where the page lets it through. */
function leadsAway({ ctrlKey, metaKey, key }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || key === "/" || key === "'";
}

/** Listen on the page until the returned function is called. */
export function listen(station: Workstation): () => void {
  const stop = new AbortController();
  const held = new Map<string, Action>();
  const down = (event: KeyboardEvent) => {
    if (belongsToControl(event)) {
      if (holdsButton(event)) event.preventDefault();
      return;
    }
    const { questions, question } = station.ui.get();
    const digit = digitFor(event, station.palette.length > 0);
    const asked = questions[question];
    if (asked && digit !== null) {
      // One answer a press: the next question, at hand by now, was not answered by it.
      if (event.repeat) return;
      if (station.form.answer(question, placeOf(asked, digit))) {
        event.preventDefault();
        return;
      }
    }
    const label = labelFor(event, station.palette);
    if (label !== null) {
      station.setLabel(label);
      event.preventDefault();
      return;
    }
    const act = actionFor(event);
    if (!act) return;
    if (!act.enabled(station, station.ui.get())) {
      if (leadsAway(event)) event.preventDefault();
      return;
    }
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
  window.addEventListener("click", (event) => giveBack(station, event), { signal });
  return () => {
    letGo();
    stop.abort();
  };
}

/** What a room without a workstation does, by act; null lets a press through to the page. */
export type Doings = (id: Act["id"], event: KeyboardEvent) => (() => void) | null;

/** Listen on the page of another room until the returned function is called. */
export function listenIn(room: Room, doings: Doings, released?: Doings): () => void {
  const stop = new AbortController();
  const held = new Map<string, () => void>();
  const down = (event: KeyboardEvent) => {
    if (event.repeat || belongsToControl(event)) return;
    const found = actFor(event, room);
    const perform = found && doings(found.id, event);
    if (!perform) return;
    event.preventDefault();
    const release = released?.(found.id, event);
    if (release) held.set(event.key.toLowerCase(), release);
    perform();
  };
  const letGo = () => {
    for (const release of held.values()) release();
    held.clear();
  };
  const up = (event: KeyboardEvent) => {
    held.get(event.key.toLowerCase())?.();
    held.delete(event.key.toLowerCase());
  };
  const { signal } = stop;
  window.addEventListener("keydown", down, { signal });
  window.addEventListener("keyup", up, { signal });
  // Let go elsewhere, a key is never heard of again.
  window.addEventListener("blur", letGo, { signal });
  return () => {
    letGo();
    stop.abort();
  };
}

/** Keys whose name is neither their letter nor their own word. */
const NAMES: Record<string, string> = {
  " ": "Space",
  mod: "Mod",
  arrowup: "ArrowUp",
  arrowdown: "ArrowDown",
  arrowleft: "ArrowLeft",
  arrowright: "ArrowRight",
};

/** "shift+mod+z" and "mod++" by their parts, each under its name. */
function names(keys: string): string[] {
  return keys
    .split(/(?<!^|\+)\+/)
    .map((part) => NAMES[part] ?? part.charAt(0).toUpperCase() + part.slice(1));
}

/** "Ctrl+Z" from "mod+z". */
export function keyText(keys: string): string {
  return names(keys)
    .map((name) => (name.length > 1 ? word("key", name) : name))
    .join("+");
}

export function firstKey(act: Act): string {
  const first = keysOf(act)[0];
  if (first === undefined) return "";
  return "release" in act ? t("key.hold", { key: keyText(first) }) : keyText(first);
}

/** The key as assistive technology is told of it, to be spread into a control's attributes. */
export function spokenKey(act: Act): { "aria-keyshortcuts"?: string } {
  const first = keysOf(act)[0];
  if (first === undefined) return {};
  // In English whatever the page speaks, as the attribute asks for.
  const english: Record<string, string> = { Mod: "Control", "+": "Plus" };
  const spoken = names(first).map((name) => english[name] ?? name);
  return { "aria-keyshortcuts": spoken.join("+") };
}
