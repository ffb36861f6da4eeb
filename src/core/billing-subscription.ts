import type { Reason } from "../api/v1/reasons.ts";
import type { Item, ItemPrice, Subscription } from "../chargebee/catalog.ts";

export interface Verdict {
  readonly reason: Reason;
  readonly message: string;
}

export type SubscriptionState =
  | { readonly kind: "writable" }
  /** Nothing will be billed on it any more unless somebody acts. */
  | ({ readonly kind: "gone" } & Verdict)
  /** Not to be written now. */
  | ({ readonly kind: "hold" } & Verdict);

const WRITABLE: ReadonlySet<string> = new Set(["future", "in_trial", "active", "non_renewing"]);

/** Rule 5. A write would revive a cancelled subscription, be refused by a paused one and destroy scheduled changes. */
export function subscriptionState(id: string, subscription: Subscription | undefined): SubscriptionState {
  if (subscription === undefined) return gone("SubscriptionNotFound", `Chargebee has no subscription ${id}.`);
  if (subscription.deleted) return gone("SubscriptionDeleted", `Subscription ${id} was deleted at Chargebee.`);
  switch (subscription.status) {
    case "cancelled":
      return gone("SubscriptionCancelled", `Subscription ${id} is cancelled; it is never revived from here.`);
    case "transferred":
      return gone("SubscriptionTransferred", `Subscription ${id} was transferred and lives on under another id.`);
    case "paused":
      return hold("SubscriptionPaused", `Subscription ${id} is paused; Chargebee accepts no change until it is resumed.`);
  }
  if (!WRITABLE.has(subscription.status)) {
    return hold("SubscriptionStatusUnknown", `Subscription ${id} has a status that this operator does not know.`);
  }
  if (subscription.hasScheduledChanges) {
    return hold("ScheduledChangesPresent", `Subscription ${id} has scheduled changes, which a write would destroy.`);
  }
  return { kind: "writable" };
}

/** Whether nothing is left to release there (rule 9). A transferred one bills on under another id: a human must look. */
export function isReleasedByItself(subscription: Subscription | undefined): boolean {
  return subscription === undefined || subscription.deleted || subscription.status === "cancelled";
}

/** What the catalogue says about adding a price to a subscription. */
export interface CatalogView {
  readonly price: ItemPrice | undefined;
  readonly item: Item | undefined;
  /** Whether the price may stand beside the subscription's plan. */
  readonly applicable: boolean;
}

const COUNTABLE: ReadonlySet<string> = new Set(["per_unit", "tiered", "volume", "stairstep"]);

/** Rule 5's pre-flight: why a write of the price could only fail or bill nothing; undefined when nothing speaks against it. */
export function catalogObjection(id: string, subscription: Subscription, view: CatalogView): Verdict | undefined {
  const { price, item } = view;
  if (price === undefined) return { reason: "ItemPriceNotFound", message: `Chargebee has no item price ${id}.` };
  const misfit = (message: string): Verdict => ({ reason: "ItemPriceIncompatible", message: `Item price ${id} ${message}.` });
  if (price.type !== "addon") return misfit("is not an add-on");
  if (!COUNTABLE.has(price.pricingModel)) return misfit("has a pricing model that takes no quantity");
  if (item?.metered === true) return misfit("is metered: its quantity bills nothing");
  if (price.currencyCode !== subscription.currencyCode) return misfit("has another currency than the subscription");
  // What stands on the subscription already was accepted there, and goes on even when archived.
  if (subscription.items.some((line) => line.itemPriceID === id)) return undefined;
  if (price.status !== "active")
    return { reason: "ItemPriceArchived", message: `Item price ${id} is not active and cannot be added.` };
  if (!periodsFit(subscription, price)) return misfit("has a period that the subscription's is not a multiple of");
  if (!view.applicable) return misfit("is not applicable to the subscription's plan");
  return undefined;
}

function periodsFit(subscription: Subscription, price: ItemPrice): boolean {
  const plan = periodOf(subscription.billingPeriod, subscription.billingPeriodUnit);
  const addon = periodOf(price.period, price.periodUnit);
  if (plan === undefined || addon === undefined) return true;
  return plan.base === addon.base && plan.length % addon.length === 0;
}

function periodOf(period: number | undefined, unit: string | undefined): { base: "day" | "month"; length: number } | undefined {
  if (period === undefined || period < 1) return undefined;
  switch (unit) {
    case "day":
      return { base: "day", length: period };
    case "week":
      return { base: "day", length: 7 * period };
    case "month":
      return { base: "month", length: period };
    case "year":
      return { base: "month", length: 12 * period };
    default:
      return undefined;
  }
}

function gone(reason: Reason, message: string): SubscriptionState {
  return { kind: "gone", reason, message };
}

function hold(reason: Reason, message: string): SubscriptionState {
  return { kind: "hold", reason, message };
}
