/** A value with listeners, for React's useSyncExternalStore. */
export class Store<T extends object> {
  private readonly listeners = new Set<() => void>();
  private readonly immediate = new Set<() => void>();
  private held: Promise<void> | null = null;
  private owed = false;

  constructor(private value: T) {}

  readonly get = (): T => this.value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Listen before everybody else, and even while the others are kept waiting. */
  follow(listener: () => void): () => void {
    this.immediate.add(listener);
    return () => this.immediate.delete(listener);
  }

  /** Keep the listeners waiting: they hear of what changes meanwhile once this is over. */
  hold(until: Promise<void>): void {
    this.held = until;
    void until.then(() => {
      if (this.held !== until) return;
      this.held = null;
      if (this.owed) this.tell();
    });
  }

  set(change: Partial<T>): void {
    const keys = Object.keys(change) as (keyof T)[];
    if (keys.every((key) => Object.is(this.value[key], change[key]))) return;
    this.value = { ...this.value, ...change };
    for (const listener of this.immediate) listener();
    if (this.held) this.owed = true;
    else this.tell();
  }

  private tell(): void {
    this.owed = false;
    for (const listener of this.listeners) listener();
  }
}
