import { setTimeout as delay } from "node:timers/promises";
import { waitUntil } from "../control-plane/wait-until.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { User } from "./user.ts";
import { keyOf, otherCase, type Wanted } from "./wanted.ts";

/** The longest that any fault may keep the operator from an edit: a black hole is cut after 190 s. */
export const DEAF_AFTER_MS = 240_000;
const ASK_EVERY_MS = 50;
const READY_MS = 120_000;

export interface Recovery {
  readonly kind: FaultKind;
  readonly ms: number;
}

/**
 * Domains that nobody else changes. After a fault each is edited, and the time until the operator has written that it handled
 * the edit is how long the recovery took.
 */
export class ProbeEdits {
  readonly recoveries: Recovery[] = [];
  /** Edits that were not handled in time. */
  readonly unanswered: string[] = [];
  readonly #user: User;
  readonly #probes: Wanted[] = [];

  constructor(user: User) {
    this.#user = user;
  }

  /** Makes the domains and waits until they are verified. */
  async prepare(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const probe = await this.#user.create(true);
      if (probe === undefined) throw new Error("there is no room for the probes");
      // The user leaves them alone from here on; they are still theirs in the end.
      this.#user.reserve(probe);
      this.#probes.push(probe);
    }
    for (const probe of this.#probes) {
      await waitUntil(`${keyOf(probe)} to ask for records`, () => this.#user.publish(probe), { timeoutMs: READY_MS });
    }
    for (const probe of this.#probes) {
      const isVerified = async () => (await this.#user.get(probe))?.status?.verified === true;
      await waitUntil(`${keyOf(probe)} to be verified`, isVerified, { timeoutMs: READY_MS });
    }
  }

  /** Edits every probe at the end of a fault, and resolves when all edits are handled, or given up on. */
  async measure(kind: FaultKind): Promise<void> {
    const times = await this.edit(`after ${kind}`);
    this.recoveries.push(...times.map((ms) => ({ kind, ms })));
  }

  /** Edits every probe now; resolves to how long it took, in milliseconds, until those were handled that were. */
  async edit(when: string): Promise<number[]> {
    const started = performance.now();
    const times = await Promise.all(
      this.#probes.map(async (probe) => {
        const generation = await this.#user.edit(probe, { domain: otherCase(String(probe.spec.domain), probe.hostname) });
        if (await this.#handled(probe, generation, started + DEAF_AFTER_MS)) return performance.now() - started;
        this.unanswered.push(`${when}: the edit of ${keyOf(probe)} was not handled in ${DEAF_AFTER_MS / 1_000} s`);
        return undefined;
      }),
    );
    return times.filter((ms) => ms !== undefined);
  }

  async #handled(probe: Wanted, generation: number, deadline: number): Promise<boolean> {
    while (performance.now() < deadline) {
      const domain = await this.#user.get(probe).catch(() => undefined);
      if ((domain?.status?.observedGeneration ?? 0) >= generation) return true;
      await delay(ASK_EVERY_MS);
    }
    return false;
  }
}
