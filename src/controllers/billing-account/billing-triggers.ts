import type { BillingAccount } from "../../api/v1/billing-account.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { billedAccount, departure } from "../../core/billing-count.ts";
import { differs } from "../../core/conditions.ts";
import { keyOf, type ObjectKey } from "../../kube/objects.ts";
import type { Clock } from "../../runtime/clock.ts";
import { journalOf } from "./account-run.ts";
import type { BillingMemory } from "./memory.ts";
import type { BillingSources } from "./ports.ts";

/** Which accounts to reconcile when something else changed. To be asked from the first list on, also while another replica leads. */
export class BillingTriggers {
  readonly #sources: BillingSources;
  readonly #memory: BillingMemory;
  readonly #clock: Clock;

  constructor(options: { readonly sources: BillingSources; readonly memory: BillingMemory; readonly clock: Clock }) {
    this.#sources = options.sources;
    this.#memory = options.memory;
    this.#clock = options.clock;
  }

  /** The accounts whose count a change of one claim may have changed; departures are noted for the fuse. */
  claimChanged(before: DomainClaim | undefined, after: DomainClaim | undefined): readonly ObjectKey[] {
    const left = departure(before, after);
    if (left?.explained === true) this.#memory.noteExplained(left.account, this.#clock.now());
    const keys = [before, after].map((claim) => (claim === undefined ? undefined : billedAccount(claim)));
    return [...new Set(keys.filter((key) => key !== undefined))];
  }

  /**
   * The accounts to reconcile for a change of one: itself, and those whose conflict with it may have begun or ended. None for
   * what this controller itself writes into the status.
   */
  accountChanged(before: BillingAccount | undefined, after: BillingAccount | undefined): readonly ObjectKey[] {
    const keys = new Set<ObjectKey>();
    if (before !== undefined && after !== undefined && !differs(relevant(before), relevant(after))) return [];
    for (const account of [before, after]) {
      if (account === undefined) continue;
      keys.add(keyOf(account));
      const ids = [account.spec.subscriptionID, ...journalOf(account).map((line) => line.subscriptionID)];
      for (const id of ids) for (const other of this.#sources.accountsOn(id)) keys.add(keyOf(other));
    }
    return [...keys];
  }
}

/** What of an account matters to itself and to others that share a subscription. */
function relevant({ metadata, status }: BillingAccount): unknown {
  const { uid, generation, annotations, deletionTimestamp } = metadata;
  const lines = (status?.lines ?? []).map(({ subscriptionID, itemPriceID }) => ({ subscriptionID, itemPriceID }));
  return { uid, generation, annotations, deletionTimestamp, lines };
}
