import { z } from "zod";

/** Product Catalog 2.0 (item prices) or 1.0 (plans and addons); a site has one of them, never both. */
export type Catalog = "ItemPrices" | "Addons";

/**
 * Ids of configuration that may stand in a URL. The SDK un-escapes `%2F` on purpose, so an id with a slash or of dots only would reach another
 * endpoint with the site's key.
 */
export function isChargebeeID(id: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9_.~-]{0,49}$/.test(id);
}

/** Whether an id that Chargebee gave (item prices may have 100 characters) can stand in a URL without leaving its place. */
export function isPathSafe(id: string): boolean {
  return /^[A-Za-z0-9_@+ -][A-Za-z0-9_@+ .~-]{0,99}$/.test(id);
}

/** One line of a subscription, in the words of Product Catalog 2.0 for both catalogs. */
export interface SubscriptionItem {
  /** Item price id, or the plan's or addon's id under Product Catalog 1.0. */
  readonly itemPriceID: string;
  /** `plan`, `addon`, `charge`, or what Chargebee adds later. */
  readonly type: string;
  /** undefined for lines that have none (flat fee); NaN when it is not a number. */
  readonly quantity: number | undefined;
  /** The site counts in decimals and the line must be written so too. */
  readonly inDecimal: boolean;
  /** Minor units of the currency. */
  readonly unitPrice: number | undefined;
  readonly billingCycles: number | undefined;
}

export interface Subscription {
  readonly id: string;
  /** `active`, `in_trial`, `cancelled`, …; unknown values pass. */
  readonly status: string;
  readonly deleted: boolean;
  readonly currencyCode: string;
  /** Milliseconds of the last change; a hint, not a lock. */
  readonly resourceVersion: number;
  readonly billingPeriod: number | undefined;
  readonly billingPeriodUnit: string | undefined;
  readonly hasScheduledChanges: boolean;
  readonly items: readonly SubscriptionItem[];
}

/** A price point: `/item_prices/{id}`, or `/addons/{id}` under Product Catalog 1.0. */
export interface ItemPrice {
  readonly id: string;
  /** undefined under Product Catalog 1.0, where nothing stands behind an addon. */
  readonly itemID: string | undefined;
  readonly type: string;
  readonly status: string;
  readonly currencyCode: string;
  readonly pricingModel: string;
  readonly period: number | undefined;
  readonly periodUnit: string | undefined;
  readonly unitPrice: number | undefined;
}

export interface Item {
  readonly id: string;
  /** Metered items are billed by usage records: their quantity bills nothing. */
  readonly metered: boolean;
}

const count = z.number().optional();
const text = z.string().optional();

const lineFields = {
  quantity: count,
  quantity_in_decimal: text,
  unit_price: count,
};

const subscriptionSchema = z.object({
  id: z.string(),
  status: z.string(),
  deleted: z.boolean().optional(),
  decommissioned: z.boolean().optional(),
  currency_code: z.string(),
  resource_version: count,
  billing_period: count,
  billing_period_unit: text,
  has_scheduled_changes: z.boolean().optional(),
  subscription_items: z
    .array(z.object({ item_price_id: z.string(), item_type: z.string(), billing_cycles: count, ...lineFields }))
    .optional(),
  plan_id: text,
  plan_quantity: count,
  plan_unit_price: count,
  addons: z.array(z.object({ id: z.string(), remaining_billing_cycles: count, ...lineFields })).optional(),
});

/** Parses `subscription` of an answer of either catalog; throws ZodError on a shape that cannot be decided on. */
export function parseSubscription(value: unknown): Subscription {
  const raw = subscriptionSchema.parse(value);
  return {
    id: raw.id,
    status: raw.status,
    deleted: raw.deleted === true || raw.decommissioned === true,
    currencyCode: raw.currency_code,
    resourceVersion: raw.resource_version ?? 0,
    billingPeriod: raw.billing_period,
    billingPeriodUnit: raw.billing_period_unit,
    hasScheduledChanges: raw.has_scheduled_changes === true,
    items:
      raw.subscription_items === undefined
        ? planAndAddons(raw)
        : raw.subscription_items.map((item) => toItem(item, item.item_price_id, item.item_type, item.billing_cycles)),
  };
}

function planAndAddons(raw: z.infer<typeof subscriptionSchema>): SubscriptionItem[] {
  const addons = (raw.addons ?? []).map((addon) => toItem(addon, addon.id, "addon", addon.remaining_billing_cycles));
  if (raw.plan_id === undefined) return addons;
  return [toItem({ quantity: raw.plan_quantity, unit_price: raw.plan_unit_price }, raw.plan_id, "plan", undefined), ...addons];
}

function toItem(
  line: { quantity?: number | undefined; quantity_in_decimal?: string | undefined; unit_price?: number | undefined },
  itemPriceID: string,
  type: string,
  billingCycles: number | undefined,
): SubscriptionItem {
  const inDecimal = line.quantity === undefined && line.quantity_in_decimal !== undefined;
  const quantity = inDecimal ? Number(line.quantity_in_decimal) : line.quantity;
  return { itemPriceID, type, quantity, inDecimal, unitPrice: line.unit_price, billingCycles };
}

const itemPriceSchema = z.object({
  id: z.string(),
  item_id: text,
  item_type: text,
  status: text,
  currency_code: z.string(),
  pricing_model: text,
  period: count,
  period_unit: text,
  price: count,
});

export function parseItemPrice(value: unknown): ItemPrice {
  const raw = itemPriceSchema.parse(value);
  return {
    id: raw.id,
    itemID: raw.item_id,
    type: raw.item_type ?? "",
    status: raw.status ?? "active",
    currencyCode: raw.currency_code,
    pricingModel: raw.pricing_model ?? "",
    period: raw.period,
    periodUnit: raw.period_unit,
    unitPrice: raw.price,
  };
}

const addonSchema = z.object({
  id: z.string(),
  type: text,
  charge_type: text,
  pricing_model: text,
  status: text,
  currency_code: z.string(),
  period: count,
  period_unit: text,
  price: count,
});

/** A Product Catalog 1.0 addon in the words of an item price. */
export function parseAddon(value: unknown): ItemPrice {
  const raw = addonSchema.parse(value);
  return {
    id: raw.id,
    itemID: undefined,
    type: raw.charge_type === "non_recurring" ? "charge" : "addon",
    status: raw.status ?? "active",
    currencyCode: raw.currency_code,
    pricingModel:
      raw.type === "on_off" ? "flat_fee" : (raw.pricing_model ?? (raw.type === "quantity" ? "per_unit" : (raw.type ?? ""))),
    period: raw.period,
    periodUnit: raw.period_unit === "not_applicable" ? undefined : raw.period_unit,
    unitPrice: raw.price,
  };
}

export function parseItem(value: unknown): Item {
  const raw = z.object({ id: z.string(), metered: z.boolean().optional() }).parse(value);
  return { id: raw.id, metered: raw.metered === true };
}
