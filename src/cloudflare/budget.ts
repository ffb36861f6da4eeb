import type { Clock } from "../runtime/clock.ts";
import type { Timers } from "../runtime/timers.ts";
import { CreateLine, type Priority } from "./create-line.ts";
import { type CloudflareError, heldBack } from "./errors.ts";
import type { RateLimit } from "./rate-limit-headers.ts";

export type RequestKind = "read" | "create" | "write" | "delete";

export interface BudgetLimits {
  readonly requestsPer5Minutes: number;
  readonly createsPerMinute: number;
}

export interface BudgetRequest {
  readonly kind: RequestKind;
  readonly priority: Priority;
  /** The place in the line of creates: the hostname to be created. Of no meaning for other kinds. */
  readonly key: string;
}

export type Grant =
  | { readonly granted: true; readonly settle: (outcome: "refused" | "sent") => void }
  | { readonly granted: false; readonly waitMs: number; readonly cause: "Creates" | "Requests" | "Paused" };

const WINDOW_S = 300;
/** Waiting longer than this is the work queue's job. */
const PATIENCE_MS = 1_000;
/** The part of the bucket that a request may not touch: deletes can always finish, and users come before the rest. */
const RESERVED: Readonly<Record<Priority, number>> = { user: 0.05, snapshot: 0.1, normal: 0.2 };

/**
 * The requests of one credential, whichever class or zone makes them. Invariants: at most requestsPer5Minutes in any 5 minutes;
 * at most createsPerMinute creates in any minute; nothing during a pause that Cloudflare asked for; never faster than what
 * Cloudflare's `Ratelimit` header says is left, since the dashboard and other programs share the same limit.
 */
export class RequestBudget {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #creates: CreateLine;
  #limits: BudgetLimits;
  #tokens: number;
  #filledAt: number;
  #pausedUntil = 0;
  #reported: { remaining: number; readonly until: number } | undefined;
  #inFlight = 0;
  /** When the last request that was told to come back was told to: the next is told to come a little later. */
  #lastTurn = 0;

  constructor(options: { readonly clock: Clock; readonly timers: Timers; readonly limits: BudgetLimits }) {
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#limits = options.limits;
    this.#creates = new CreateLine(options.limits.createsPerMinute);
    this.#tokens = this.#capacity();
    this.#filledAt = this.#clock.monotonic();
  }

  setLimits(limits: BudgetLimits): void {
    const { requestsPer5Minutes, createsPerMinute } = this.#limits;
    if (limits.requestsPer5Minutes === requestsPer5Minutes && limits.createsPerMinute === createsPerMinute) return;
    this.#refill();
    this.#limits = limits;
    this.#tokens = Math.min(this.#tokens, this.#capacity());
    this.#creates.setLimit(limits.createsPerMinute);
  }

  /**
   * Waits up to a second, else says when to come back. A grant must be settled when its call has ended.
   * @throws the signal's reason
   */
  async acquire(request: BudgetRequest, signal: AbortSignal): Promise<Grant> {
    const patience = this.#clock.monotonic() + PATIENCE_MS;
    for (;;) {
      signal.throwIfAborted();
      const wait = this.#wait(request);
      if (wait.ms <= 0) return this.#take(request);
      if (this.#clock.monotonic() + wait.ms > patience)
        return { granted: false, waitMs: this.#turnAfter(wait), cause: wait.cause };
      await this.#timers.sleep(wait.ms, signal);
    }
  }

  /**
   * Milliseconds until {@link acquire} would grant, taking nothing. Asked before the look-up that precedes a create, it keeps
   * thousands of waiting domains from spending a request each to learn that it is not their turn; it puts them in line.
   */
  waitFor(request: BudgetRequest): number {
    return Math.max(0, Math.ceil(this.#wait(request).ms));
  }

  /** To be told of every answer's headers. */
  onRateLimit(limit: RateLimit): void {
    const now = this.#clock.monotonic();
    if (limit.pauseMs !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, now + limit.pauseMs);
    if (limit.remaining === undefined || limit.resetMs === undefined) return;
    this.#refill();
    // Requests still under way may not be in Cloudflare's count yet; the one that was just answered is.
    const remaining = Math.max(0, limit.remaining - Math.max(0, this.#inFlight - 1));
    this.#reported = { remaining, until: now + limit.resetMs };
    this.#tokens = Math.min(this.#tokens, remaining);
  }

  #take({ kind, key }: BudgetRequest): Grant {
    this.#tokens -= 1;
    this.#inFlight += 1;
    if (this.#reported !== undefined) this.#reported.remaining -= 1;
    if (kind === "create") this.#creates.take(key);
    let settled = false;
    const settle = (outcome: "refused" | "sent"): void => {
      if (settled) return;
      settled = true;
      this.#inFlight -= 1;
      if (kind === "create") this.#creates.settle(outcome === "refused", this.#clock.monotonic());
    };
    return { granted: true, settle };
  }

  #wait(request: BudgetRequest): { readonly ms: number; readonly cause: "Creates" | "Requests" | "Paused" } {
    this.#refill();
    const now = this.#clock.monotonic();
    const creates = request.kind === "create" ? this.#creates.waitFor(request.key, request.priority, now) : 0;
    const paused = this.#pausedUntil - now;
    const missing = this.#reserve(request) + 1 - this.#tokens;
    const requests = missing <= 0 ? 0 : (missing / this.#rate()) * 1000;
    if (creates > 0 && creates >= paused && creates >= requests) return { ms: creates, cause: "Creates" };
    return paused > requests ? { ms: paused, cause: "Paused" } : { ms: requests, cause: "Requests" };
  }

  /** Creates have their own line; the rest are spread at the bucket's own pace, so that they don't all come back at once. */
  #turnAfter(wait: { readonly ms: number; readonly cause: string }): number {
    if (wait.cause === "Creates") return Math.ceil(wait.ms);
    const now = this.#clock.monotonic();
    this.#lastTurn = Math.max(now + wait.ms, this.#lastTurn + 1000 / this.#rate());
    return Math.ceil(this.#lastTurn - now);
  }

  #reserve({ kind, priority }: BudgetRequest): number {
    return kind === "delete" ? 0 : Math.floor(this.#capacity() * RESERVED[priority]);
  }

  /** The most at once. Bucket and refill together never exceed the limit in any window. */
  #capacity(): number {
    return Math.max(1, Math.floor(this.#limits.requestsPer5Minutes / 10));
  }

  /** Tokens per second. */
  #rate(): number {
    const own = Math.max(1, this.#limits.requestsPer5Minutes - this.#capacity()) / WINDOW_S;
    const now = this.#clock.monotonic();
    if (this.#reported === undefined || this.#reported.until <= now) return own;
    // What is left, spread over the time it must last; never quite nothing, so that waits stay finite.
    const reported = Math.max(0.1, this.#reported.remaining) / ((this.#reported.until - now) / 1000);
    return Math.min(own, reported);
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    const rate = this.#rate();
    if (this.#reported !== undefined && this.#reported.until <= now) this.#reported = undefined;
    this.#tokens = Math.min(this.#capacity(), this.#tokens + ((now - this.#filledAt) / 1000) * rate);
    this.#filledAt = now;
  }
}

/** A grant that was not given, as the caller of an API method meets it: RateLimited without a status. */
export function refusal(grant: Extract<Grant, { granted: false }>): CloudflareError {
  switch (grant.cause) {
    case "Creates":
      return heldBack("RateLimited", "other hostnames are created first", grant.waitMs, "AwaitingCapacity");
    case "Paused":
      return heldBack("RateLimited", "Cloudflare asked for a pause", grant.waitMs);
    case "Requests":
      return heldBack("RateLimited", "the operator's own budget of requests is used up", grant.waitMs);
  }
}
