/** The seconds a reader really spends on a case: pauses longer than `idle` do not count. */
export class Stopwatch {
  private last: number | null = null;

  constructor(
    private elapsed = 0,
    private readonly idle = 60,
  ) {}

  /** Tell that the reader did something at `now` (seconds, any origin). */
  activity(now: number): void {
    if (this.last !== null) this.elapsed += Math.min(Math.max(0, now - this.last), this.idle);
    this.last = now;
  }

  /** The window was left or the case put away; time until the next activity is not counted. */
  pause(now: number): void {
    this.activity(now);
    this.last = null;
  }

  get seconds(): number {
    return Math.round(this.elapsed * 10) / 10;
  }
}
