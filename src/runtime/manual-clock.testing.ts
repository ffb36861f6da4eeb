import type { Cancel, Clock } from "./clock.ts";

interface Armed {
  readonly due: number;
  readonly callback: () => void;
}

/** Time that stands still between calls of {@link advance}, and tells how many timers are armed on it. */
export class ManualClock implements Clock {
  readonly #armed = new Set<Armed>();
  #time = 0;

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  setTimer(delayMs: number, callback: () => void): Cancel {
    const armed = { due: this.#time + Math.max(0, delayMs), callback };
    this.#armed.add(armed);
    return () => {
      this.#armed.delete(armed);
    };
  }

  get armed(): number {
    return this.#armed.size;
  }

  /** When the next timer fires. */
  get nextDue(): number | undefined {
    const dues = [...this.#armed].map(({ due }) => due);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** Lets time pass: every timer fires at its own instant, in order. */
  advance(ms: number): void {
    const end = this.#time + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#armed.delete(next);
      this.#time = Math.max(this.#time, next.due);
      next.callback();
    }
    this.#time = end;
  }

  /** Jumps as a suspended machine does: everything that became due fires late, at the same instant. */
  jump(ms: number): void {
    this.#time += ms;
    this.advance(0);
  }

  #next(end: number): Armed | undefined {
    return [...this.#armed].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
  }
}
