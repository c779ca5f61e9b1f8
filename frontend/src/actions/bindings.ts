/** Which keys do what for this person: the list's own, unless they chose others. */
import { preferences } from "../preferences/preferences";
import type { Act, ActId } from "./action";
import { acts, type Room, rooms } from "./rooms";

/** The keys that a person changed. No keys at all means that the action has none any more. */
export type Table = Readonly<Record<string, readonly string[]>>;
type Keyed = Pick<Act, "id" | "keys">;

/** The keys that do an act: those chosen for it, or its own, but for what another was given. */
export function keysOf(act: Keyed, table: Table = preferences.store.get().keys): readonly string[] {
  return table[act.id] ?? act.keys.filter((key) => !givenAway(key, act.id, table));
}

/** Whether a person chose a key for another act of a room where this one is. */
function givenAway(key: string, id: ActId, table: Table): boolean {
  return Object.entries(table).some(
    ([other, keys]) => other !== id && keys.includes(key) && meet(other, id),
  );
}

/** Whether there is a room that has both acts. */
function meet(...ids: [string, string]): boolean {
  return Object.values(rooms).some((list) => ids.every((id) => list.some((it) => it.id === id)));
}

/** What a key does in a room. */
export function holderOf(key: string, room: Room, table?: Table): Act | null {
  return rooms[room].find((each) => keysOf(each, table).includes(key)) ?? null;
}

/** Why a key cannot be given away at all, or null. */
export type Refusal = "classes" | "browser" | "page";

/** What browsers do before a page hears of it, or what would take the page away. */
const BROWSER = /^(shift\+)?mod\+[twnqr]$|^f\d+$/;

export function refusal(key: string): Refusal | null {
  if (/^[1-9]$/.test(key)) return "classes";
  if (BROWSER.test(key)) return "browser";
  // Tab goes from control to control, Escape out of everything: nobody may be locked in.
  return /^(shift\+)?(mod\+)?(tab|escape)$/.test(key) ? "page" : null;
}

/** A key alone that is none: a modifier, a dead key, or one that a method of input is working on. */
export function isKey(key: string): boolean {
  return !/(^|\+)(control|shift|alt|altgraph|meta|capslock|dead|process|unidentified)$/.test(key);
}

export interface Clash {
  readonly key: string;
  readonly holder: Act;
}

/** Which of these keys others hold, in any room where the act is. */
export function clashes(id: ActId, keys: readonly string[], table: Table): Clash[] {
  const shared = Object.values(rooms).filter((list) => list.some((each) => each.id === id));
  const others = [...new Set(shared.flat())].filter((each) => each.id !== id);
  return keys.flatMap((key) =>
    others.filter((each) => keysOf(each, table).includes(key)).map((holder) => ({ key, holder })),
  );
}

/** Give an action these keys; whoever held one loses it. */
export function assign(id: ActId, keys: readonly string[], table: Table): Table {
  const next: Record<string, readonly string[]> = { ...table, [id]: keys };
  for (const { key, holder } of clashes(id, keys, table)) {
    next[holder.id] = keysOf(holder, next).filter((each) => each !== key);
  }
  // What is as in the list again is no change.
  return Object.fromEntries(
    Object.entries(next).filter(([name, chosen]) => {
      const own = acts.find((each) => each.id === name)?.keys ?? [];
      return own.length !== chosen.length || own.some((key, i) => key !== chosen[i]);
    }),
  );
}

export function keepKeys(table: Table): void {
  const keys = Object.fromEntries(Object.entries(table).map(([id, all]) => [id, [...all]]));
  preferences.change({ keys });
}
