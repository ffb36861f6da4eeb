import type { BillingAccount, BillingAccountStatus } from "../../api/v1/billing-account.ts";
import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { billedAccount } from "../../core/billing-count.ts";
import { isStale } from "../../kube/api-error.ts";
import type { Collection } from "../../kube/collection.ts";
import type { KubeObject, ObjectKey } from "../../kube/objects.ts";
import type { Indexer, Store } from "../../kube/store.ts";
import { TryAgain } from "../../runtime/controller.ts";
import type { AccountWriter, BillingSources } from "./ports.ts";

/** Indexes that the stores given to {@link StoreBillingSources} must have been made with. */
export const BILLING_SUBSCRIPTION_INDEX = "billingSubscription";
export const BILLING_CLASS_INDEX = "billingClass";
export const BILLED_ACCOUNT_INDEX = "billedAccount";

export const billingAccountIndexers: Readonly<Record<string, Indexer<BillingAccount>>> = {
  [BILLING_SUBSCRIPTION_INDEX]: (account) => [
    ...new Set([account.spec.subscriptionID, ...(account.status?.lines ?? []).map((line) => line.subscriptionID)]),
  ],
  [BILLING_CLASS_INDEX]: (account) => [account.metadata.name],
};

export const domainClaimBillingIndexers: Readonly<Record<string, Indexer<DomainClaim>>> = {
  [BILLED_ACCOUNT_INDEX]: (claim) => {
    const account = billedAccount(claim);
    return account === undefined ? [] : [account];
  },
};

export interface BillingStores {
  readonly accounts: Store<BillingAccount>;
  readonly classes: Store<CustomDomainClass>;
  readonly claims: Store<DomainClaim>;
  readonly namespaces: Store<KubeObject>;
}

export class StoreBillingSources implements BillingSources {
  readonly #stores: BillingStores;

  constructor(stores: BillingStores) {
    this.#stores = stores;
  }

  get synced(): boolean {
    const { accounts, classes, claims, namespaces } = this.#stores;
    return accounts.synced && classes.synced && claims.synced && namespaces.synced;
  }

  account(key: ObjectKey): BillingAccount | undefined {
    return this.#stores.accounts.get(key);
  }

  accountsOn(subscriptionID: string): readonly BillingAccount[] {
    return this.#stores.accounts.byIndex(BILLING_SUBSCRIPTION_INDEX, subscriptionID);
  }

  classNamed(name: string): CustomDomainClass | undefined {
    return this.#stores.classes.get(name);
  }

  classes(): Iterable<CustomDomainClass> {
    return this.#stores.classes.list();
  }

  claimsOf(account: ObjectKey): readonly DomainClaim[] {
    return this.#stores.claims.byIndex(BILLED_ACCOUNT_INDEX, account);
  }

  isTerminating(namespace: string): boolean {
    return this.#stores.namespaces.get(namespace)?.metadata.deletionTimestamp !== undefined;
  }
}

/** {@link AccountWriter} on the API server: every answer goes into the cache, so that the next decision sees it. */
export class KubeAccountWriter implements AccountWriter {
  readonly #accounts: Collection<BillingAccount>;

  constructor(accounts: Collection<BillingAccount>) {
    this.#accounts = accounts;
  }

  putStatus(account: BillingAccount, status: BillingAccountStatus, signal: AbortSignal): Promise<BillingAccount> {
    return decidingAgain(this.#accounts.replaceStatus(account, status, signal));
  }

  setFinalizers(account: BillingAccount, finalizers: readonly string[], signal: AbortSignal): Promise<BillingAccount> {
    return decidingAgain(this.#accounts.patchMetadata(account, { finalizers }, signal));
  }

  removeAnnotation(account: BillingAccount, name: string, signal: AbortSignal): Promise<BillingAccount> {
    return decidingAgain(this.#accounts.patchMetadata(account, { annotations: { [name]: null } }, signal));
  }
}

async function decidingAgain<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isStale(error)) throw new TryAgain("the BillingAccount changed");
    throw error;
  }
}
