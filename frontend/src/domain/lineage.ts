/**
 * The numbers of drawings. Each reading room counts in steps from a remainder of its own, so that a
 * number tells whose drawing it is of, and of two drawings of one room which is the later.
 */

/** Two rooms have the same remainder once in so many times. A draft's number ends at 2^31. */
export const STEP = 10_007;

export function newRemainder(): number {
  return Math.floor(Math.random() * STEP);
}

/** The first number of a room that is higher by at least one step. */
export function numberAfter(sequence: number, remainder: number): number {
  return sequence - (sequence % STEP) + STEP + remainder;
}

/** What a drawing goes back to. */
export interface Lineage {
  /** The draft on the server that it goes upon; 0 for none. */
  readonly base: number;
  /** The last numbers it had, one for each room that drew on it. */
  readonly own: readonly number[];
}

/** Whether a drawing holds whatever a draft of this number does; none has the number 0. */
export function holds({ base, own }: Lineage, sequence: number): boolean {
  const earlier = (last: number) => sequence <= last && (last - sequence) % STEP === 0;
  return sequence === 0 || sequence === base || own.some(earlier);
}
