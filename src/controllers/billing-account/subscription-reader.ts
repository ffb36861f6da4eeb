import type { Subscription } from "../../chargebee/catalog.ts";
import { LIST_LIMIT } from "../../chargebee/client.ts";
import { jitter } from "../../core/schedule.ts";
import type { ObjectKey } from "../../kube/objects.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { AccountRun } from "./account-run.ts";
import type { AccountMemory, BillingMemory } from "./memory.ts";

/** A resync takes along whoever is due within this part of the interval. */
const AHEAD = 0.2;

/** Reads subscriptions: one by one where somebody waits for it, by the hundred for the resync (rule 5). */
export class SubscriptionReader {
  readonly #clock: Clock;
  readonly #memory: BillingMemory;
  readonly #enqueue: (key: ObjectKey) => void;

  constructor(options: { readonly clock: Clock; readonly memory: BillingMemory; readonly enqueue: (key: ObjectKey) => void }) {
    this.#clock = options.clock;
    this.#memory = options.memory;
    this.#enqueue = options.enqueue;
  }

  /** A GET of its own. */
  async read(run: AccountRun, id: string): Promise<Subscription | undefined> {
    const subscription = await run.api.subscription(id, run.signal);
    run.memory.saw(id, subscription, this.#clock.monotonic());
    return subscription;
  }

  /**
   * One list for up to 100 accounts of the site that are due, this one among them; the others are reconciled with what it
   * showed. What the list leaves out is asked for alone: only that answer means that it does not exist.
   */
  async resync(run: AccountRun): Promise<Subscription | undefined> {
    const own = run.settings.line.subscriptionID;
    const others = this.#due(run).filter(([, memory]) => memory.subscriptionID !== own);
    if (others.length === 0) return this.read(run, own);
    const found = new Map<string, Subscription>();
    const ids = new Set([own, ...others.map(([, memory]) => memory.subscriptionID)]);
    for (const subscription of await run.api.subscriptions([...ids], run.signal)) found.set(subscription.id, subscription);
    const now = this.#clock.monotonic();
    for (const [key, memory] of others) {
      const subscription = found.get(memory.subscriptionID);
      if (subscription === undefined) continue;
      memory.saw(memory.subscriptionID, subscription, now);
      memory.nextReadAt = nextReadAt(memory, now);
      this.#enqueue(key);
    }
    const subscription = found.get(own);
    if (subscription === undefined) return this.read(run, own);
    run.memory.saw(own, subscription, now);
    return subscription;
  }

  #due(run: AccountRun): (readonly [ObjectKey, AccountMemory])[] {
    const horizon = this.#clock.monotonic() + AHEAD * run.settings.resyncMs;
    return [...this.#memory.entries()]
      .filter(([key, memory]) => key !== run.key && memory.site === run.memory.site && memory.nextReadAt <= horizon)
      .sort(([, a], [, b]) => a.nextReadAt - b.nextReadAt)
      .slice(0, LIST_LIMIT - 1);
  }
}

/** When a subscription that was read at `now` is read again: the interval ± 20 % by the account's uid (rule 12). */
export function nextReadAt(memory: AccountMemory, now: number): number {
  return now + memory.resyncMs * jitter(memory.uid, 0);
}
