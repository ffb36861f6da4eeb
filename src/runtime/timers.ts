import type { Cancel, Clock } from "./clock.ts";

interface Entry {
  readonly due: number;
  readonly sequence: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/**
 * Every delay of the process in ONE binary heap behind ONE clock timer, so that 50,000 waiting domains cost 50,000 small
 * entries and no handles. Entries due at the same instant fire in the order in which they were added. A cancelled entry
 * stays in the heap until it is popped: cancelling is O(1).
 */
export class Timers {
  readonly #clock: Clock;
  readonly #heap: Entry[] = [];
  #sequence = 0;
  #armed: { due: number; cancel: Cancel } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `callback` once after `delayMs` on the monotonic clock; a negative delay counts as 0. */
  after(delayMs: number, callback: () => void): Cancel {
    const entry: Entry = {
      due: this.#clock.monotonic() + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
      cancelled: false,
    };
    this.#push(entry);
    this.#arm();
    return () => {
      entry.cancelled = true;
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
    this.#heap.length = 0;
    this.#armed?.cancel();
    this.#armed = undefined;
  }

  #arm(): void {
    const next = this.#heap[0];
    if (next === undefined) return;
    if (this.#armed !== undefined && this.#armed.due <= next.due) return;
    this.#armed?.cancel();
    const cancel = this.#clock.setTimer(next.due - this.#clock.monotonic(), () => this.#fire());
    this.#armed = { due: next.due, cancel };
  }

  #fire(): void {
    this.#armed = undefined;
    const now = this.#clock.monotonic();
    for (let next = this.#heap[0]; next !== undefined && (next.cancelled || next.due <= now); next = this.#heap[0]) {
      this.#pop();
      if (!next.cancelled) {
        next.cancelled = true;
        next.callback();
      }
    }
    this.#arm();
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
