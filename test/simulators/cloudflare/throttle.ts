import type { Clock } from "../../../src/runtime/clock.ts";
import { APIError } from "./api-error.ts";

export interface Limits {
  readonly requests: number;
  readonly windowMs: number;
  /** Successful creates in any 60 s. */
  readonly createsPerMinute: number;
  readonly createBlockMs: number;
}

export const documentedLimits: Limits = { requests: 1200, windowMs: 300_000, createsPerMinute: 15, createBlockMs: 30_000 };

/** The request budget of one credential: over it, every call is refused for a whole further window. */
export class RequestBudget {
  readonly #clock: Clock;
  readonly #limits: Limits;
  #windowEnd = 0;
  #used = 0;
  #blockedUntil = 0;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Counts one request. Throws 10429 while exceeded. */
  spend(): void {
    const now = this.#clock.monotonic();
    if (now >= this.#blockedUntil) {
      if (now >= this.#windowEnd) {
        this.#windowEnd = now + this.#limits.windowMs;
        this.#used = 0;
      }
      this.#used += 1;
      if (this.#used <= this.#limits.requests) return;
      this.#blockedUntil = now + this.#limits.windowMs;
      this.#windowEnd = this.#blockedUntil;
    }
    throw rateLimited(this.#blockedUntil - now);
  }

  headers(): Readonly<Record<string, string>> {
    const left = Math.max(0, this.#limits.requests - this.#used);
    return {
      ratelimit: `"default";r=${left};t=${wholeSeconds(this.#windowEnd - this.#clock.monotonic())}`,
      "ratelimit-policy": `"default";q=${this.#limits.requests};w=${this.#limits.windowMs / 1000}`,
    };
  }
}

/** Certificates are issued for at most 15 new hostnames in a minute; beyond, creating is blocked for 30 s. */
export class CreateBudget {
  readonly #clock: Clock;
  readonly #limits: Limits;
  #successes: number[] = [];
  #blockedUntil = 0;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Throws 429 while blocked. [?] Only the block is documented, not its answer. */
  check(): void {
    const now = this.#clock.monotonic();
    this.#successes = this.#successes.filter((at) => now - at < 60_000);
    if (now >= this.#blockedUntil && this.#successes.length >= this.#limits.createsPerMinute) {
      this.#blockedUntil = now + this.#limits.createBlockMs;
    }
    if (now < this.#blockedUntil) throw rateLimited(this.#blockedUntil - now);
  }

  succeeded(): void {
    this.#successes.push(this.#clock.monotonic());
  }
}

function rateLimited(ms: number): APIError {
  return new APIError(429, 10429, "Rate limited. Please wait and consider throttling your request speed", {
    headers: { "retry-after": String(Math.max(1, wholeSeconds(ms))) },
  });
}

/** Rounded up, but not for the last bits of a difference of two times: 30000.000000000004 ms are 30 s. */
function wholeSeconds(ms: number): number {
  return Math.max(0, Math.ceil(Math.round(ms) / 1000));
}
