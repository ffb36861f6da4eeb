import type { Subscription } from "../../chargebee/catalog.ts";
import type { PendingWrite } from "../../core/billing.ts";
import type { Damping } from "../../core/billing-damping.ts";
import type { LineKey } from "../../core/billing-lines.ts";
import type { Verdict } from "../../core/billing-subscription.ts";
import type { ObjectKey } from "../../kube/objects.ts";

/** A final refusal; whatever edit could mend it removes it before its time. */
export interface Refusal extends Verdict {
  readonly until: number;
}

export interface LineMemory {
  pending: PendingWrite | undefined;
  refusal: Refusal | undefined;
  correctedAt: number | undefined;
  /** The quantity of our last write that was answered. */
  written: number | undefined;
  /** When the release of a line that could not be released is tried again. */
  releaseAt: number;
  /** Why it could not be released. */
  releaseMessage: string;
}

export interface SubscriptionMemory {
  /** The last state seen; `at` is monotonic. */
  snapshot: { readonly subscription: Subscription | undefined; readonly at: number } | undefined;
  failures: number;
  /** No call on this subscription before this time. */
  retryAt: number;
}

const MAX_DEPARTURES = 10_000;

/** All times are monotonic milliseconds. Losing it costs waiting and reading, never a wrong write. */
export class AccountMemory {
  readonly uid: string;
  damping: Damping | undefined;
  /** undefined until the account was seen with a client. */
  site: string | undefined;
  subscriptionID = "";
  resyncMs = 0;
  /** The claims that the last sync counted. */
  covered: ReadonlySet<string> | undefined;
  /** When the own subscription is read again without any other reason. */
  nextReadAt: number;
  readRequested: boolean;
  /** Spec, class, Secret and recheck token as last seen: see {@link notice}. */
  #edits: string | undefined;
  readonly #lines = new Map<string, LineMemory>();
  readonly #subscriptions = new Map<string, SubscriptionMemory>();

  constructor(uid: string, nextReadAt: number, readRequested: boolean) {
    this.uid = uid;
    this.nextReadAt = nextReadAt;
    this.readRequested = readRequested;
  }

  line(key: LineKey): LineMemory {
    const name = `${key.subscriptionID}/${key.itemPriceID}`;
    const known = this.#lines.get(name) ?? {
      pending: undefined,
      refusal: undefined,
      correctedAt: undefined,
      written: undefined,
      releaseAt: 0,
      releaseMessage: "",
    };
    this.#lines.set(name, known);
    return known;
  }

  subscription(id: string): SubscriptionMemory {
    const known = this.#subscriptions.get(id) ?? { snapshot: undefined, failures: 0, retryAt: 0 };
    this.#subscriptions.set(id, known);
    return known;
  }

  /** Remembers what was read unless something newer is known already: a list may have been overtaken by a write's answer. */
  saw(id: string, subscription: Subscription | undefined, at: number): void {
    const memory = this.subscription(id);
    const known = memory.snapshot?.subscription;
    if (known !== undefined && subscription !== undefined && known.resourceVersion > subscription.resourceVersion) return;
    memory.snapshot = { subscription, at };
  }

  forget(key: LineKey): void {
    this.#lines.delete(`${key.subscriptionID}/${key.itemPriceID}`);
  }

  /** Takes note of everything whose edit may mend what failed; a change makes every wait end now. */
  notice(edits: string): void {
    if (this.#edits !== undefined && this.#edits !== edits) this.#wake();
    this.#edits = edits;
  }

  #wake(): void {
    this.readRequested = true;
    for (const line of this.#lines.values()) {
      line.refusal = undefined;
      line.releaseAt = 0;
    }
    for (const subscription of this.#subscriptions.values()) {
      subscription.failures = 0;
      subscription.retryAt = 0;
    }
  }
}

/** The memory of all accounts, and the explained departures, which are counted whether or not an account exists yet. */
export class BillingMemory {
  readonly #accounts = new Map<ObjectKey, AccountMemory>();
  /** Wall times, oldest first. */
  readonly #explained = new Map<ObjectKey, number[]>();

  account(key: ObjectKey, uid: string, create: () => AccountMemory): AccountMemory {
    const known = this.#accounts.get(key);
    if (known?.uid === uid) return known;
    const made = create();
    this.#accounts.set(key, made);
    return made;
  }

  drop(key: ObjectKey): void {
    this.#accounts.delete(key);
    this.#explained.delete(key);
  }

  entries(): Iterable<readonly [ObjectKey, AccountMemory]> {
    return this.#accounts;
  }

  noteExplained(key: ObjectKey, at: number): void {
    const times = this.#explained.get(key) ?? [];
    times.push(at);
    // A standby replica counts too, and nothing is ever synced there.
    if (times.length > MAX_DEPARTURES) times.shift();
    this.#explained.set(key, times);
  }

  /** How many explained departures were noted since then (Unix ms); the older ones are forgotten. */
  explainedSince(key: ObjectKey, since: number): number {
    const times = (this.#explained.get(key) ?? []).filter((at) => at >= since);
    if (times.length > 0) this.#explained.set(key, times);
    else this.#explained.delete(key);
    return times.length;
  }
}
