import type { Catalog, ItemPrice, Subscription, SubscriptionItem } from "./catalog.ts";

/** How every change of a site is charged. Never mixed within a term: after an unprorated rise, a prorated fall gives no credit. */
export interface ChargePolicy {
  readonly prorate: boolean;
  readonly invoiceImmediately: boolean;
}

/** A line as it is written; members that are undefined are not sent. */
export interface WrittenLine {
  readonly itemPriceID: string;
  readonly quantity: number | undefined;
  readonly inDecimal: boolean;
  readonly unitPrice: number | undefined;
  readonly billingCycles: number | undefined;
}

/** One PC2 `subscription_items` or PC1 `addons` member in wire names; a fresh object each time, since the SDK changes its arguments. */
interface WireLine {
  quantity?: number;
  quantity_in_decimal?: string;
  unit_price?: number;
  billing_cycles?: number;
}

/** Body of `POST /subscriptions/{id}/update_for_items`; the order of members is the order on the wire. */
export function itemPriceParams(lines: readonly WrittenLine[], replaceAll: boolean, policy: ChargePolicy) {
  return {
    subscription_items: lines.map((line) => ({ item_price_id: line.itemPriceID, ...wireLine(line) })),
    ...(replaceAll ? { replace_items_list: true } : {}),
    prorate: policy.prorate,
    invoice_immediately: policy.invoiceImmediately,
    // Absent, it defaults to TRUE once items are passed: a cancelled subscription would be revived and billed.
    reactivate: false,
    change_option: "immediately" as const,
  };
}

/** Body of Product Catalog 1.0's `POST /subscriptions/{id}`. */
export function addonParams(lines: readonly WrittenLine[], replaceAll: boolean, policy: ChargePolicy) {
  return {
    addons: lines.map((line) => ({ id: line.itemPriceID, ...wireLine(line) })),
    ...(replaceAll ? { replace_addon_list: true } : {}),
    prorate: policy.prorate,
    invoice_immediately: policy.invoiceImmediately,
    reactivate: false,
  };
}

/** Throws RangeError for a quantity that Chargebee refuses, 0 among them: zero is a removal, see {@link planRemoval}. */
function wireLine(line: WrittenLine): WireLine {
  const wire: WireLine = {};
  if (line.quantity !== undefined) {
    if (!isSendable(line.quantity, line.inDecimal)) throw new RangeError(`quantity ${line.quantity} cannot be sent`);
    if (line.inDecimal) wire.quantity_in_decimal = String(line.quantity);
    else wire.quantity = line.quantity;
  }
  if (line.unitPrice !== undefined) wire.unit_price = line.unitPrice;
  if (line.billingCycles !== undefined) wire.billing_cycles = line.billingCycles;
  return wire;
}

/** Lines of others may be fractions on a decimal site; ours never is. */
function isSendable(quantity: number, inDecimal: boolean): boolean {
  return inDecimal ? Number.isFinite(quantity) && quantity > 0 : Number.isSafeInteger(quantity) && quantity >= 1;
}

/** The quantity of a line: 0 when it is absent, NaN when it has none that can be compared. */
export function quantityOf(subscription: Subscription, itemPriceID: string): number {
  const item = subscription.items.find((line) => line.itemPriceID === itemPriceID);
  if (item === undefined) return 0;
  return item.quantity ?? Number.NaN;
}

/**
 * The unit price to send along with a quantity: that of the line when it was negotiated, else none. Whether a quantity-only
 * update keeps a negotiated price is unverified [?]: sending it is right under both readings.
 */
export function echoedUnitPrice(item: SubscriptionItem | undefined, price: ItemPrice | undefined): number | undefined {
  if (item?.unitPrice === undefined || price === undefined) return undefined;
  // Of the other models, tiers say the price, and one unit price is refused.
  const priced = price.pricingModel === "per_unit" || price.pricingModel === "flat_fee";
  return priced && item.unitPrice !== price.unitPrice ? item.unitPrice : undefined;
}

export type Removal =
  /** The lines that replace the subscription's; never empty. */
  | { readonly kind: "replace"; readonly keep: readonly SubscriptionItem[] }
  /** No request is known to remove the line safely. */
  | { readonly kind: "held"; readonly message: string };

/**
 * How one addon line is taken off a subscription, quantity 0 being refused. With other addons: they alone replace the list and
 * the plan stays. As the last addon: the plan line replaces the list, as an empty list is dropped by the SDK and clears nothing.
 * Charges are never repeated, they would be charged again. That these are the right requests follows from the
 * specification's text, not from a real site [?].
 */
export function planRemoval(subscription: Subscription, itemPriceID: string, catalog: Catalog): Removal {
  const addons = subscription.items.filter((item) => item.type === "addon" && item.itemPriceID !== itemPriceID);
  if (addons.length > 0) return { kind: "replace", keep: addons };
  if (catalog === "Addons") return { kind: "held", message: "it is the last addon, and no request clears the addon list" };
  if (subscription.status === "non_renewing") {
    // Sending the plan may set the billing cycles anew and so take back the customer's cancellation [?].
    return { kind: "held", message: "it is the last addon of a subscription that ends with this term" };
  }
  const keep = subscription.items.filter((item) => item.type === "plan");
  return keep.length > 0
    ? { kind: "replace", keep }
    : { kind: "held", message: "the subscription would be left without any line" };
}

/** A line as it has to be sent to stay what it is. */
export function echoedLine(item: SubscriptionItem, price: ItemPrice | undefined): WrittenLine {
  const { itemPriceID, quantity, inDecimal, billingCycles } = item;
  return {
    itemPriceID,
    quantity: quantity !== undefined && isSendable(quantity, inDecimal) ? quantity : undefined,
    inDecimal,
    unitPrice: echoedUnitPrice(item, price),
    // Left out, the price's default number of cycles would begin anew.
    billingCycles,
  };
}
