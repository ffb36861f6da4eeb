import type { Subscription, SubscriptionItem } from "../chargebee/catalog.ts";

/** The line that tests decide on. */
export const LINE = { subscriptionID: "sub_A", itemPriceID: "domains" };

function item(itemPriceID: string, type: string, quantity: number | undefined): SubscriptionItem {
  return { itemPriceID, type, quantity, inDecimal: false, unitPrice: 100, billingCycles: undefined };
}

/** A subscription with a plan and, unless undefined, the line at `quantity`. */
export function subscription(changes: Partial<Subscription>, quantity: number | undefined): Subscription {
  const items = [item("pro", "plan", 1), ...(quantity === undefined ? [] : [item("domains", "addon", quantity)])];
  return {
    id: "sub_A",
    status: "active",
    deleted: false,
    currencyCode: "USD",
    resourceVersion: 1,
    billingPeriod: 1,
    billingPeriodUnit: "month",
    hasScheduledChanges: false,
    items,
    ...changes,
  };
}
