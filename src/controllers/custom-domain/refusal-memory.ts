import type { Found, Refusal } from "./row-outcome.ts";

interface Held {
  readonly problem: Extract<Found, { readonly kind: "problem" }>;
  /** Monotonic ms. */
  readonly until: number;
  readonly basis: string;
  /** How often it was refused on this basis. */
  readonly times: number;
}

/**
 * Creates and edits that Cloudflare refused for reasons of their own. Until its time has passed such a call is not sent again,
 * however often events bring the domain back, unless what was asked for (`basis`) has changed. In memory: a restart tries once
 * more.
 */
export class RefusalMemory {
  readonly #held = new Map<string, Held>();

  /** The refusal that stands, with the time left; undefined when the call may be tried. */
  standing(key: string, basis: string, now: number): Held["problem"] | undefined {
    const held = this.#held.get(key);
    if (held === undefined || held.basis !== basis || held.until <= now) return undefined;
    return { ...held.problem, afterMs: held.until - now };
  }

  /** How often the call was refused on this basis so far. */
  times(key: string, basis: string): number {
    const held = this.#held.get(key);
    return held?.basis === basis ? held.times : 0;
  }

  note(key: string, basis: string, { reason, message, afterMs, own, stalled }: Refusal, now: number): void {
    const problem = { kind: "problem", reason, message, afterMs, own, stalled } as const;
    this.#held.set(key, { problem, until: now + afterMs, basis, times: this.times(key, basis) + 1 });
  }

  forget(key: string): void {
    this.#held.delete(key);
  }
}
