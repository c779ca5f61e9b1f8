/** Which acts there are in which room. A key does one thing in each; no two rooms are open at once. */
import { IconCheck, IconMessage, IconUsers } from "@tabler/icons-react";
import type { Act, ActionId, ReviewId } from "./action";
import { action, actions } from "./actions";

export type Room = "work" | "review" | "desk";

const verdicts = [
  {
    id: "accept",
    label: "review.accept",
    icon: IconCheck,
    keys: ["a", "enter"],
    group: "review",
  },
  {
    id: "comment",
    label: "review.comment",
    icon: IconMessage,
    keys: ["r"],
    group: "review",
  },
  {
    id: "others",
    label: "review.eachOther",
    icon: IconUsers,
    keys: ["o"],
    group: "review",
  },
] as const satisfies readonly Act[];

/** The reader's acts that the other rooms have as well, under the same keys. */
const SHEETS = ["help", "palette", "preferences"] as const satisfies readonly ActionId[];
const LOOKS = [
  "hideLabels",
  "labels",
  "image",
  "outlines",
  "fit",
] as const satisfies readonly ActionId[];
export type SheetId = (typeof SHEETS)[number];
export type ReviewActId = ReviewId | (typeof LOOKS)[number] | SheetId;

export const rooms: Readonly<Record<Room, readonly Act[]>> = {
  work: actions,
  review: [...verdicts, ...LOOKS.map(action), ...SHEETS.map(action)],
  desk: SHEETS.map(action),
};

/** All of them, each once: what the help sheet shows and what can have another key. */
export const acts: readonly Act[] = [...actions, ...verdicts];

export function act(id: Act["id"]): Act {
  const found = acts.find((each) => each.id === id);
  if (!found) throw new Error(`no act ${id}`);
  return found;
}
