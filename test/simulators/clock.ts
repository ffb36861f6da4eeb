import type { Cancel, Clock } from "../../src/runtime/clock.ts";

interface PendingTimer {
  readonly due: number;
  readonly callback: () => void;
}

/** setTimeout cannot hold a longer delay than 2^31-1 ms; an hour is far below and the timer simply re-arms. */
const MAX_REAL_DELAY_MS = 3_600_000;

/**
 * Real time plus an offset that only grows. {@link advance} behaves like a machine that was suspended: the clock jumps
 * first, then every timer that became due fires once, in due order; whatever those callbacks schedule waits for its own
 * time. Delays of any length are kept exactly.
 */
export class SkewedClock implements Clock {
  readonly #pending = new Set<PendingTimer>();
  #offset = 0;
  #armed: { readonly due: number; readonly handle: NodeJS.Timeout } | undefined;

  now(): number {
    return Date.now() + this.#offset;
  }

  monotonic(): number {
    return performance.now() + this.#offset;
  }

  setTimer(delayMs: number, callback: () => void): Cancel {
    const timer: PendingTimer = { due: this.monotonic() + Math.max(0, delayMs), callback };
    this.#pending.add(timer);
    if (this.#armed === undefined || timer.due < this.#armed.due) this.#arm(timer.due);
    // The real timer is left as it is while others wait: firing early only re-arms it.
    return () => {
      if (this.#pending.delete(timer) && this.#pending.size === 0) this.#disarm();
    };
  }

  /** Moves the clock `ms` milliseconds forward and runs, before it returns, the timers that this made due. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`the clock cannot move by ${ms} ms`);
    this.#offset += ms;
    this.#fireDue();
  }

  #fireDue(): void {
    this.#disarm();
    const now = this.monotonic();
    const due = [...this.#pending].filter((timer) => timer.due <= now).sort((a, b) => a.due - b.due);
    for (const timer of due) {
      // An earlier callback of this batch may have cancelled it.
      if (this.#pending.delete(timer)) timer.callback();
    }
    this.#disarm();
    let earliest = Number.POSITIVE_INFINITY;
    for (const timer of this.#pending) earliest = Math.min(earliest, timer.due);
    if (earliest !== Number.POSITIVE_INFINITY) this.#arm(earliest);
  }

  #arm(due: number): void {
    this.#disarm();
    // Rounded up: setTimeout may fire a fraction of a millisecond early, which would only re-arm.
    const delay = Math.min(Math.max(0, Math.ceil(due - this.monotonic())), MAX_REAL_DELAY_MS);
    this.#armed = { due, handle: setTimeout(() => this.#fireDue(), delay) };
  }

  #disarm(): void {
    clearTimeout(this.#armed?.handle);
    this.#armed = undefined;
  }
}
