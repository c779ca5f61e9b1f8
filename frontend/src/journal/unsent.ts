/** What outlives a reading room: finished cases that only a reading of their campaign sends. */
import { openJournal } from "./journal";

export interface Unsent {
  readonly campaign: string;
  readonly cases: number;
  /** How many of them the server did not take. */
  readonly refused: number;
}

/** By campaign, how many finished cases of a reader this browser holds unsent; [] mostly. */
export async function unsentOf(user: number): Promise<Unsent[]> {
  const found = new Map<string, Unsent>();
  for (const { campaign, frames, refused } of await (await openJournal()).unsent(user)) {
    const cases = frames?.length ?? 1;
    const before = found.get(campaign) ?? { campaign, cases: 0, refused: 0 };
    found.set(campaign, {
      campaign,
      cases: before.cases + cases,
      refused: before.refused + (refused ? cases : 0),
    });
  }
  return [...found.values()];
}
