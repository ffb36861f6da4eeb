import type { BillingAccount } from "../../api/v1/billing-account.ts";
import type { BillingSettings } from "../../api/v1/chargebee-settings.ts";
import { isReason, type Reason } from "../../api/v1/reasons.ts";
import { type Finding, findCondition } from "../../core/conditions.ts";

export interface DomainBillingInput {
  /** `spec.billing` of the domain's class. */
  readonly billing: BillingSettings;
  readonly className: string;
  readonly namespace: string;
  /** The BillingAccount `namespace/className`. */
  readonly account: BillingAccount | undefined;
  /** createdTime of the domain's claim; undefined while it holds none that counts (rule 1). */
  readonly claimCreatedTime: string | undefined;
  /** status of the domain's BillingSynced condition so far. */
  readonly previous: Finding["status"] | undefined;
}

/**
 * BillingSynced of a CustomDomain (rule 14). True once a sync covered it; from then on only account-level Stalled reasons change
 * it, so that quantities and outages of Chargebee never touch domains.
 */
export function billingCondition(input: DomainBillingInput): Finding {
  const { billing, account, className, namespace } = input;
  if (billing.chargebee === undefined) return says("True", "NotBilled", `CustomDomainClass ${className} does not bill.`);
  if (account === undefined) {
    if (billing.accounts === "Optional")
      return says("True", "Unbilled", `Namespace ${namespace} has no BillingAccount ${className}, and none is required.`);
    return says(
      "False",
      "NoBillingAccount",
      `Namespace ${namespace} has no BillingAccount ${className}; an admin has to create it.`,
    );
  }
  const stalled = findCondition(account.status?.conditions, "Stalled");
  if (stalled !== undefined && isReason(stalled.reason))
    return says("False", stalled.reason, `BillingAccount ${className}: ${stalled.message}`);
  if (input.previous === "True" || isCovered(account, input.claimCreatedTime))
    return says("True", "Synced", `BillingAccount ${className} covers the domain.`);
  return says("False", "AwaitingBilling", `BillingAccount ${className} will cover the domain with its next sync.`);
}

/** Rule 11: whether another domain may be connected, given how many of the namespace count in the class already. */
export function mayProvision(billing: BillingSettings, account: BillingAccount | undefined, count: number): boolean {
  if (billing.chargebee === undefined || billing.accounts === "Optional" || account !== undefined) return true;
  return count < billing.chargebee.freeQuantity;
}

function isCovered(account: BillingAccount, claimCreatedTime: string | undefined): boolean {
  const synced = findCondition(account.status?.conditions, "Synced");
  const { lastSyncedTime } = account.status ?? {};
  if (claimCreatedTime === undefined || lastSyncedTime === undefined || synced?.status !== "True") return false;
  // To the second, as lastSyncedTime is kept.
  return Math.floor(Date.parse(lastSyncedTime) / 1000) >= Math.floor(Date.parse(claimCreatedTime) / 1000);
}

function says(status: Finding["status"], reason: Reason, message: string): Finding {
  return { status, reason, message };
}
