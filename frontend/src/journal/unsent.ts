/** What outlives a reading room: finished cases that only a reading of their campaign sends. */
import { openJournal } from "./journal";

export interface Unsent {
  readonly campaign: string;
  readonly cases: number;
}

/** By campaign, how many finished cases of a reader this browser holds unsent; [] mostly. */
export async function unsentOf(user: number): Promise<Unsent[]> {
  const cases = new Map<string, number>();
  for (const { campaign, frames } of await (await openJournal()).unsent(user)) {
    cases.set(campaign, (cases.get(campaign) ?? 0) + (frames?.length ?? 1));
  }
  return [...cases].map(([campaign, cases]) => ({ campaign, cases }));
}
