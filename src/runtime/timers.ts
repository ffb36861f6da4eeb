import type { Cancel, Clock } from "./clock.ts";

interface Entry {
  readonly due: number;
  readonly sequence: number;
  readonly callback: () => void;
  /** Fired, cancelled or dropped: it will not fire any more. */
  over: boolean;
}

/** Below this many, entries that were cancelled are not worth sweeping out. */
const SWEEP_FROM = 64;

/**
 * Every delay of the process in ONE binary heap behind ONE clock timer, so that 50,000 waiting domains cost 50,000 small
 * entries and no handles. Entries due at the same instant fire in the order in which they were added. A cancelled entry
 * stays in the heap until it is popped or more than half of the heap is such: cancelling is O(1) on average. Without a live
 * entry no clock timer is armed, so that nothing keeps the process from ending.
 */
export class Timers {
  readonly #clock: Clock;
  #heap: Entry[] = [];
  #live = 0;
  #sequence = 0;
  #armed: { due: number; cancel: Cancel } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Entries in memory, including cancelled ones that were not swept out yet. */
  get size(): number {
    return this.#heap.length;
  }

  /**
   * Calls `callback` once after `delayMs` on the monotonic clock; a negative delay counts as 0.
   * @throws RangeError for NaN, which has no place in the order.
   */
  after(delayMs: number, callback: () => void): Cancel {
    if (Number.isNaN(delayMs)) throw new RangeError("a delay must be a number of milliseconds");
    const entry: Entry = {
      due: this.#clock.monotonic() + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
      over: false,
    };
    this.#live += 1;
    this.#push(entry);
    this.#arm();
    return () => {
      if (entry.over) return;
      entry.over = true;
      this.#live -= 1;
      this.#sweep();
    };
  }

  /** Resolves after `delayMs`; rejects with the signal's reason when aborted first. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(signal.reason);
      };
      const cancel = this.after(delayMs, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Drops every entry without firing it. */
  clear(): void {
    for (const entry of this.#heap) entry.over = true;
    this.#heap = [];
    this.#live = 0;
    this.#disarm();
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined || this.#live === 0) return;
    if (this.#armed !== undefined && this.#armed.due <= next.due) return;
    this.#disarm();
    const cancel = this.#clock.setTimer(next.due - this.#clock.monotonic(), () => this.#fire());
    this.#armed = { due: next.due, cancel };
  }

  #disarm(): void {
    this.#armed?.cancel();
    this.#armed = undefined;
  }

  #fire(): void {
    this.#armed = undefined;
    const now = this.#clock.monotonic();
    try {
      for (let next = this.#heap[0]; next !== undefined && (next.over || next.due <= now); next = this.#heap[0]) {
        this.#pop();
        if (next.over) continue;
        next.over = true;
        this.#live -= 1;
        next.callback();
      }
    } finally {
      // Also after a callback threw: the others are still waited for.
      this.#arm();
    }
  }

  #sweep(): void {
    if (this.#live === 0) this.clear();
    else if (this.#heap.length > SWEEP_FROM && this.#heap.length > 2 * this.#live) {
      // A sorted array is a heap.
      this.#heap = this.#heap.filter((entry) => !entry.over).sort((a, b) => (before(a, b) ? -1 : 1));
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    heap.push(entry);
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !before(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      if (left === undefined) break;
      const right = heap[2 * index + 2];
      const child = right !== undefined && before(right, left) ? right : left;
      if (!before(child, last)) break;
      heap[index] = child;
      index = child === left ? 2 * index + 1 : 2 * index + 2;
    }
    heap[index] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.due !== b.due ? a.due < b.due : a.sequence < b.sequence;
}
