import type { Clock } from "../runtime/clock.ts";
import type { Timers } from "../runtime/timers.ts";

/** A sleep that can be cut short; a wake before the sleep counts for it. */
export class Waker {
  readonly #clock: Clock;
  readonly #timers: Timers;
  #woken = false;
  #finish: (() => void) | undefined;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  wake(): void {
    this.#woken = true;
    this.#finish?.();
  }

  /** Until `due` on the monotonic clock (infinity = until woken). Throws the signal's reason. */
  async sleepUntil(due: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#woken) await this.#wait(due, signal);
    this.#woken = false;
    signal.throwIfAborted();
  }

  #wait(due: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel?.();
        signal.removeEventListener("abort", finish);
        this.#finish = undefined;
        resolve();
      };
      const cancel = Number.isFinite(due) ? this.#timers.after(due - this.#clock.monotonic(), finish) : undefined;
      signal.addEventListener("abort", finish, { once: true });
      this.#finish = finish;
    });
  }
}
