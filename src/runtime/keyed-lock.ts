/** In-process mutual exclusion by key that never waits: a busy key is the caller's reason to requeue. */
export class KeyedLock {
  readonly #held = new Set<string>();

  /** The release function, or undefined when the key is held. Releasing twice does nothing. */
  tryAcquire(key: string): (() => void) | undefined {
    if (this.#held.has(key)) return undefined;
    this.#held.add(key);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#held.delete(key);
    };
  }
}
