import type { BillingAccount } from "../../api/v1/billing-account.ts";
import type { ChargebeeSettings } from "../../api/v1/chargebee-settings.ts";
import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import { isChargebeeID } from "../../chargebee/catalog.ts";
import type { ChargePolicy } from "../../chargebee/quantity.ts";
import type { SiteAccess } from "../../chargebee/sites.ts";
import type { DampingDelays } from "../../core/billing-damping.ts";
import type { LineClaimant, LineKey } from "../../core/billing-lines.ts";
import type { BillingMode } from "../../core/billing-quantity.ts";
import { keyOf } from "../../kube/objects.ts";

/** What holds for one account: its own values, else its class's. */
export interface AccountSettings {
  readonly site: string;
  readonly access: Pick<SiteAccess, "site" | "apiURL" | "catalog" | "credential">;
  readonly secretRef: { readonly name: string; readonly key: string };
  readonly line: LineKey;
  readonly mode: BillingMode;
  readonly freeQuantity: number;
  readonly maxQuantity: number;
  readonly delays: DampingDelays;
  readonly policy: ChargePolicy;
  readonly resyncMs: number;
}

/** The Chargebee site of a class, and the credential for it: what tells clients apart. */
export function siteOf(chargebee: ChargebeeSettings): Pick<SiteAccess, "site" | "apiURL" | "catalog" | "credential"> {
  const { site, catalog, apiKeySecretRef } = chargebee;
  return {
    site,
    catalog,
    apiURL: chargebee.apiURL ?? `https://${site}.chargebee.com/api/v2`,
    credential: `${apiKeySecretRef.name}/${apiKeySecretRef.key}`,
  };
}

export function accountSettings(account: BillingAccount, chargebee: ChargebeeSettings): AccountSettings {
  const { spec } = account;
  return {
    site: chargebee.site,
    access: siteOf(chargebee),
    secretRef: chargebee.apiKeySecretRef,
    line: { subscriptionID: spec.subscriptionID, itemPriceID: spec.itemPriceID ?? chargebee.itemPriceID },
    mode: chargebee.mode,
    freeQuantity: spec.freeQuantity ?? chargebee.freeQuantity,
    maxQuantity: spec.maxQuantity ?? chargebee.maxQuantity,
    delays: { debounceMs: chargebee.debounceSeconds * 1000, holdDownMs: chargebee.holdDownSeconds * 1000 },
    policy: { prorate: chargebee.prorate, invoiceImmediately: chargebee.invoiceImmediately },
    resyncMs: chargebee.resyncMinutes * 60_000,
  };
}

/** Whether every id that would stand in a URL may: the schema says so too, but an older object may predate it. */
export function hasValidIDs(line: LineKey): boolean {
  return isChargebeeID(line.subscriptionID) && isChargebeeID(line.itemPriceID);
}

/** The smallest requestsPerMinute that any class configures for the site. */
export function siteRequestsPerMinute(site: string, classes: Iterable<CustomDomainClass>): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (const { spec } of classes) {
    const chargebee = spec.billing.chargebee;
    if (chargebee?.site === site) smallest = Math.min(smallest, chargebee.requestsPerMinute);
  }
  return Number.isFinite(smallest) ? smallest : 60;
}

/** The account as rule 3 compares it with others. */
export function lineClaimant(account: BillingAccount, accountClass: CustomDomainClass | undefined): LineClaimant {
  const chargebee = accountClass?.spec.billing.chargebee;
  const itemPriceID = account.spec.itemPriceID ?? chargebee?.itemPriceID;
  const { subscriptionID } = account.spec;
  return {
    name: keyOf(account),
    site: chargebee?.site,
    line: itemPriceID === undefined ? undefined : { subscriptionID, itemPriceID },
    journal: account.status?.lines ?? [],
  };
}
