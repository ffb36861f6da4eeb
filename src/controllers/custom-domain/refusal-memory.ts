import type { Found, ProvisionProblem } from "./row-outcome.ts";

interface Held {
  readonly problem: Extract<Found, { readonly kind: "problem" }>;
  /** Monotonic ms. */
  readonly until: number;
  readonly basis: string;
}

/**
 * Creates that Cloudflare refused for reasons of their own. Until its time has passed such a create is not sent again, however
 * often events bring the domain back, unless what was asked for (`basis`) has changed. In memory: a restart tries once more.
 */
export class RefusalMemory {
  readonly #held = new Map<string, Held>();

  /** The refusal that stands, with the time left; undefined when the create may be tried. */
  standing(key: string, basis: string, now: number): Held["problem"] | undefined {
    const held = this.#held.get(key);
    if (held === undefined || held.basis !== basis || held.until <= now) return undefined;
    return { ...held.problem, afterMs: held.until - now };
  }

  note(key: string, basis: string, problem: ProvisionProblem, now: number): void {
    const { hostname: _, ...rest } = problem;
    this.#held.set(key, { problem: { kind: "problem", ...rest }, until: now + problem.afterMs, basis });
  }

  forget(key: string): void {
    this.#held.delete(key);
  }
}
