import type { CloudflareError } from "../../cloudflare/errors.ts";
import type { RefusalMemory } from "./refusal-memory.ts";
import { type Refusal, refusalOf } from "./row-outcome.ts";

const DAY_MS = 86_400_000;
/** Each wait is so many times the one before. */
const SLOWER = 4;
/** A refusal that may have been a passing state of the row is believed after so many. */
const BELIEVED_AFTER = 3;

/**
 * Edits of rows that Cloudflare refused, for one holder and what is asked for now. An edit that something else may make possible
 * (a plan, a record of the origin) is tried less and less often, once a day in the end; where nothing but another edit helps it is
 * not sent again. A recheck does not send it either (requirement S37).
 */
export class RefusedEdits {
  readonly #memory: RefusalMemory;
  readonly #holder: string;
  readonly #basis: string;
  readonly #now: number;

  /** `now`: monotonic ms. */
  constructor(memory: RefusalMemory, pass: { readonly holder: string; readonly basis: string; readonly now: number }) {
    this.#memory = memory;
    this.#holder = pass.holder;
    this.#basis = pass.basis;
    this.#now = pass.now;
  }

  /** The refusal that stands; undefined when the edit may be sent. */
  standing(rowID: string): Refusal | undefined {
    const held = this.#memory.standing(this.#key(rowID), this.#basis, this.#now);
    if (held === undefined) return undefined;
    const { kind: _, ...refusal } = held;
    return refusal;
  }

  /** Takes note of a refusal. @returns what to tell of it. */
  refused(rowID: string, error: CloudflareError): Refusal {
    const refusal = refusalOf(error);
    if (!refusal.own) return refusal;
    const times = this.#memory.times(this.#key(rowID), this.#basis) + 1;
    const stalled = refusal.stalled || (error.class === "NotModifiable" && times >= BELIEVED_AFTER);
    const afterMs = stalled ? Number.POSITIVE_INFINITY : Math.min(DAY_MS, refusal.afterMs * SLOWER ** (times - 1));
    const told = { ...refusal, stalled, afterMs };
    this.#memory.note(this.#key(rowID), this.#basis, told, this.#now);
    return told;
  }

  #key(rowID: string): string {
    return `${this.#holder}/edit/${rowID}`;
  }
}
