/** Asynchronous work of the simulator: bounded in parallel, and awaitable by tests. */
export class WorkTracker {
  readonly #limit: number;
  readonly #queue: (() => void)[] = [];
  #running = 0;
  #waiters: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    // A finished job hands its place to the head of the queue, so `#running` does not change then.
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next !== undefined) next();
      else {
        this.#running -= 1;
        // Later: whoever awaits this job's result may start the next job first.
        if (this.#running === 0) setImmediate(() => this.#announceIdle());
      }
    }
  }

  /** Resolves as soon as nothing runs or waits to run. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      setImmediate(() => this.#announceIdle());
    });
  }

  #announceIdle(): void {
    if (this.#running > 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
