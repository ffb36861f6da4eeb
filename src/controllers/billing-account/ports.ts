import type { BillingAccount, BillingAccountStatus } from "../../api/v1/billing-account.ts";
import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import type { ChargebeeApi } from "../../chargebee/client.ts";
import type { SiteAccess } from "../../chargebee/sites.ts";
import type { ObjectKey } from "../../kube/objects.ts";

/** What the controller reads of the cluster: local copies that hold this process's own writes. */
export interface BillingSources {
  /** All kinds below have been listed once. Before that nothing is decided. */
  readonly synced: boolean;
  account(key: ObjectKey): BillingAccount | undefined;
  /** The accounts whose spec or status.lines name the subscription. */
  accountsOn(subscriptionID: string): readonly BillingAccount[];
  classNamed(name: string): CustomDomainClass | undefined;
  classes(): Iterable<CustomDomainClass>;
  /** The claims that the account pays for (rule 1). */
  claimsOf(account: ObjectKey): readonly DomainClaim[];
  isTerminating(namespace: string): boolean;
}

/** Writes of BillingAccounts, each guarded by the copy's resourceVersion; a lost race is thrown as TryAgain. */
export interface AccountWriter {
  putStatus(account: BillingAccount, status: BillingAccountStatus, signal: AbortSignal): Promise<BillingAccount>;
  setFinalizers(account: BillingAccount, finalizers: readonly string[], signal: AbortSignal): Promise<BillingAccount>;
  removeAnnotation(account: BillingAccount, name: string, signal: AbortSignal): Promise<BillingAccount>;
}

/** Gives out the client of a site; the budget of a site and the breaker of a credential are shared by all its accounts. */
export interface SiteDirectory {
  client(access: SiteAccess): ChargebeeApi;
}
