/**
 * Every act of the reader, once: the tool rail, the shortcuts, the help sheet and the palette all
 * read this list. The keys here are those that a person starts with; `bindings.ts` knows theirs.
 */
import type { Action, ActionId } from "./action";
import { cases } from "./cases";
import { editing } from "./editing";
import { tools } from "./tools";
import { view } from "./view";

export type { Action, ActionId, Icon } from "./action";

export const actions: readonly Action[] = [...tools, ...editing, ...view, ...cases];

export function action(id: ActionId): Action {
  const found = actions.find((each) => each.id === id);
  if (!found) throw new Error(`no action ${id}`);
  return found;
}
