import type { Cancel, Clock } from "../runtime/clock.ts";
import type { Timers } from "../runtime/timers.ts";
import { ChargebeeError } from "./errors.ts";

const MAX_IN_FLIGHT = 4;
const MINUTE_MS = 60_000;

interface Waiter {
  readonly grant: () => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * One site's share of requests. Chargebee counts every integration of a site together, per minute, and blocks a site that
 * keeps breaching; so calls queue here. In any 60 s window at most `requestsPerMinute` calls start: a sixth of them may be
 * a burst, the rest is refilled evenly.
 */
export class SiteBudget {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #waiters: Waiter[] = [];
  #perMinute: number;
  #tokens: number;
  #refilledAt: number;
  #inFlight = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #cancelTimer: Cancel | undefined;

  constructor(options: { readonly clock: Clock; readonly timers: Timers; readonly requestsPerMinute: number }) {
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#perMinute = options.requestsPerMinute;
    this.#tokens = this.#burst;
    this.#refilledAt = options.clock.monotonic();
  }

  /** The smallest value configured for the site wins; tokens already there are kept. */
  set requestsPerMinute(value: number) {
    this.#refill();
    this.#perMinute = value;
    this.#tokens = Math.min(this.#tokens, this.#burst);
  }

  /** Milliseconds until calls may start again; 0 when they may. */
  get pausedMs(): number {
    return Math.max(0, this.#pausedUntil - this.#clock.monotonic());
  }

  /** Refuses what waits and what comes for `ms`; an earlier pause is never shortened. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.monotonic() + ms);
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(this.#pausedError());
  }

  /**
   * Waits for a token and a place; call the result when the request has ended. Rejects with a ChargebeeError `paused` while
   * the site is paused, with the signal's reason when aborted.
   */
  acquire(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.pausedMs > 0) return Promise.reject(this.#pausedError());
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant: () => {
          signal.removeEventListener("abort", onAbort);
          resolve(this.#releaseOnce());
        },
        refuse: (error) => {
          signal.removeEventListener("abort", onAbort);
          reject(error);
        },
      };
      const onAbort = (): void => {
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(waiter);
      this.#pump();
    });
  }

  get #burst(): number {
    return Math.max(1, Math.floor(this.#perMinute / 6));
  }

  /** Tokens per millisecond. A rate of 1 has no room beside its burst of 1: it refills at the full rate. */
  get #refillRate(): number {
    return Math.max(this.#perMinute - this.#burst, 1) / MINUTE_MS;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#refilledAt) * this.#refillRate);
    this.#refilledAt = now;
  }

  #pump(): void {
    this.#refill();
    while (this.#inFlight < MAX_IN_FLIGHT && this.#tokens >= 1) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) return;
      this.#tokens -= 1;
      this.#inFlight += 1;
      waiter.grant();
    }
    if (this.#waiters.length === 0 || this.#inFlight >= MAX_IN_FLIGHT) return;
    this.#cancelTimer?.();
    // Rounded up, or a timer that fires a fraction early would re-arm itself for nothing.
    this.#cancelTimer = this.#timers.after(Math.ceil((1 - this.#tokens) / this.#refillRate), () => this.#pump());
  }

  #releaseOnce(): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#inFlight -= 1;
      this.#pump();
    };
  }

  #pausedError(): ChargebeeError {
    return new ChargebeeError({ class: "paused", code: "", status: 0, retryAfterMs: this.pausedMs });
  }
}
