import type { Clock } from "../../../src/runtime/clock.ts";
import { rateLimited } from "./api-error.ts";

const WINDOW_MS = 60_000;

/** All calls of a site share one count per minute; it starts anew a minute after the first call of a window. */
export class RateWindow {
  readonly #clock: Clock;
  readonly #limit: number;
  #startedAt = Number.NEGATIVE_INFINITY;
  #calls = 0;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Throws ApiError 429 with the seconds to the end of the window. */
  take(): void {
    const now = this.#clock.monotonic();
    if (now - this.#startedAt >= WINDOW_MS) {
      this.#startedAt = now;
      this.#calls = 0;
    }
    this.#calls += 1;
    if (this.#calls > this.#limit) throw rateLimited(Math.max(1, Math.ceil((this.#startedAt + WINDOW_MS - now) / 1000)));
  }
}
