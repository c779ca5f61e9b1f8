/**
 * What the person likes. The server keeps it with the account; this browser remembers it, for the
 * first paint and for when the server is away. What was not acknowledged is sent again.
 */
import type { Schemas } from "../api/client";
import { isPassing, isSignedOut } from "../api/errors";
import { Store } from "../work/store";

export type Preferences = Schemas["PreferencesOutput"];
export type Changes = Partial<Preferences>;
type Send = (changes: Changes) => Promise<unknown>;

/** As on the server, which fills in the same. */
export const DEFAULTS: Preferences = {
  keys: {},
  hand: "right",
  scheme: "auto",
  language: "",
  breaks: 45,
  tour_seen: false,
};

const PLACE = "reticle.preferences";
/** Chosen on the log-in page: it belongs to whoever logs in next. */
const NOBODY = "";

interface Memory {
  readonly values: Preferences;
  /** By person, since several may share a browser. */
  readonly unsent: Readonly<Record<string, Changes>>;
}

export class Kept {
  readonly store = new Store<Preferences>(DEFAULTS);
  private unsent: Record<string, Changes> = {};
  private person = NOBODY;
  private sending = false;
  /** Asked for while something was on its way. */
  private again = false;
  private send: Send | null = null;

  constructor(private readonly storage: Pick<Storage, "getItem" | "setItem"> | null) {
    this.recall();
  }

  /** How changes reach the server. */
  connect(send: Send): void {
    this.send = send;
  }

  /** The server told who is logged in and what they chose; null for nobody. */
  adopt(person: number | null, values: Preferences | null): void {
    this.recall();
    this.person = person === null ? NOBODY : String(person);
    if (person !== null && values) {
      const mine = { ...this.unsent[this.person], ...this.unsent[NOBODY] };
      delete this.unsent[NOBODY];
      if (Object.keys(mine).length > 0) this.unsent[this.person] = mine;
      this.store.set({ ...DEFAULTS, ...values, ...mine });
    }
    this.remember();
    void this.flush();
  }

  change(changes: Changes): void {
    this.store.set(changes);
    this.unsent[this.person] = { ...this.unsent[this.person], ...changes };
    this.remember();
    void this.flush();
  }

  /** Send what waits. Called after every change, and when the network comes back. */
  async flush(): Promise<void> {
    const { person, send } = this;
    const sent = this.unsent[person];
    if (this.sending) this.again = true;
    if (this.sending || !send || person === NOBODY || !sent) return;
    this.sending = true;
    this.again = false;
    try {
      await send(sent);
      this.forget(person, sent);
    } catch (error) {
      // What the server refuses now it would refuse for ever.
      if (!isPassing(error) && !isSignedOut(error)) this.forget(person, sent);
    } finally {
      this.sending = false;
    }
    if (this.again) await this.flush();
  }

  /** Take what this browser remembers: at the start, and when another window changed it. */
  recall(): void {
    const found = read(this.storage);
    if (!found) return;
    this.unsent = { ...found.unsent };
    this.store.set({ ...DEFAULTS, ...found.values });
  }

  private forget(person: string, sent: Changes): void {
    const waiting = Object.entries(this.unsent[person] ?? {});
    const rest = waiting.filter(([name, value]) => sent[name as keyof Changes] !== value);
    if (rest.length > 0) this.unsent[person] = Object.fromEntries(rest) as Changes;
    else delete this.unsent[person];
    this.remember();
  }

  private remember(): void {
    const memory: Memory = { values: this.store.get(), unsent: this.unsent };
    try {
      this.storage?.setItem(PLACE, JSON.stringify(memory));
    } catch {
      // A full or blocked storage: the server keeps it all the same.
    }
  }
}

function read(storage: Pick<Storage, "getItem"> | null): Memory | null {
  try {
    const found: unknown = JSON.parse(storage?.getItem(PLACE) ?? "null");
    return typeof found === "object" && found !== null && "values" in found && "unsent" in found
      ? (found as Memory)
      : null;
  } catch {
    return null;
  }
}
