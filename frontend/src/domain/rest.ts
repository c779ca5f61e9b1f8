/**
 * When a reader should look away for a moment. Only reading counts: short pauses for thought do,
 * time away from the desk does not, and a long one is itself the rest. Times in seconds.
 */
export class RestClock {
  private read = 0;
  private last: number | null = null;
  private quietUntil = 0;

  constructor(
    private readonly pause = 60,
    private readonly rest = 300,
    private readonly snooze = 600,
  ) {}

  activity(now: number): void {
    if (this.rested(now)) this.begin();
    else if (this.last !== null) this.read += Math.min(now - this.last, this.pause);
    this.last = now;
  }

  /** Whether somebody who wants a break after so many minutes is to be told now. */
  due(minutes: number, now: number): boolean {
    if (minutes <= 0 || this.rested(now)) return false;
    return this.read >= Math.max(minutes * 60, this.quietUntil);
  }

  /** Not now: ask again after some more reading. */
  postpone(): void {
    this.quietUntil = this.read + this.snooze;
  }

  private rested(now: number): boolean {
    return this.last !== null && now - this.last >= this.rest;
  }

  private begin(): void {
    this.read = 0;
    this.quietUntil = 0;
  }
}
