import { z } from "zod";
import type { Catalogue } from "./catalogue.ts";
import { addPeriod, ITEM_TYPES, type Item, type ItemPrice, PERIOD_UNITS, PRICING_MODELS, type Subscription } from "./model.ts";

/** What tests and the admin endpoints write to set a site up. Times are Unix milliseconds, amounts cents. */
export const itemSeed = z.strictObject({
  id: z.string().min(1).max(100),
  type: z.enum(ITEM_TYPES),
  metered: z.boolean().optional(),
  /** Of a plan: the only items that may be added to it. */
  applicableItemIDs: z.array(z.string()).optional(),
});

export const itemPriceSeed = z.strictObject({
  id: z.string().min(1).max(100),
  itemID: z.string(),
  currency: z.string().optional(),
  period: z.strictObject({ count: z.number().int().positive(), unit: z.enum(PERIOD_UNITS) }).optional(),
  pricingModel: z.enum(PRICING_MODELS).optional(),
  price: z.number().int().nonnegative().optional(),
  tiers: z
    .array(
      z.strictObject({
        startingUnit: z.number().int().positive(),
        endingUnit: z.number().int().positive().optional(),
        price: z.number().int(),
      }),
    )
    .optional(),
  status: z.enum(["active", "archived"]).optional(),
});

export const subscriptionSeed = z.strictObject({
  id: z.string().min(1).max(50),
  customerID: z.string().optional(),
  /** `active` unless given; any text is taken. */
  status: z.string().optional(),
  /** Quantities as decimal text. */
  decimal: z.boolean().optional(),
  /** Now unless given. */
  termStart: z.number().optional(),
  /** One period of the plan after the start unless given. */
  termEnd: z.number().optional(),
  /** Currency and period are those of the first, the plan's. */
  items: z
    .array(
      z.strictObject({
        itemPriceID: z.string(),
        quantity: z.number().positive().optional(),
        unitPrice: z.number().int().nonnegative().optional(),
        mandatory: z.boolean().optional(),
      }),
    )
    .min(1),
});

export type ItemSeed = z.input<typeof itemSeed>;
export type ItemPriceSeed = z.input<typeof itemPriceSeed>;
export type SubscriptionSeed = z.input<typeof subscriptionSeed>;

export function itemFrom(seed: ItemSeed): Item {
  return { id: seed.id, type: seed.type, metered: seed.metered ?? false, applicableItemIDs: seed.applicableItemIDs };
}

export function itemPriceFrom(seed: ItemPriceSeed, now: number): ItemPrice {
  return {
    id: seed.id,
    itemID: seed.itemID,
    currency: seed.currency ?? "USD",
    period: seed.period ?? { count: 1, unit: "month" },
    pricingModel: seed.pricingModel ?? "per_unit",
    price: seed.price ?? 0,
    tiers: seed.tiers ?? [],
    status: seed.status ?? "active",
    createdAt: now,
  };
}

/** Throws ApiError 404 for an unknown price. */
export function subscriptionFrom(seed: SubscriptionSeed, catalogue: Catalogue, now: number): Subscription {
  const [first] = seed.items;
  if (first === undefined) throw new RangeError(`subscription ${seed.id} needs a plan`);
  const plan = catalogue.price(first.itemPriceID);
  const termStart = seed.termStart ?? now;
  const status = seed.status ?? "active";
  return {
    id: seed.id,
    customerID: seed.customerID ?? `customer-of-${seed.id}`,
    currency: plan.currency,
    period: plan.period,
    decimal: seed.decimal ?? false,
    status,
    createdAt: now,
    updatedAt: now,
    resourceVersion: 0,
    termStart,
    termEnd: seed.termEnd ?? addPeriod(termStart, plan.period),
    cancelledAt: status === "cancelled" ? now : undefined,
    lines: seed.items.map((item) => {
      const price = catalogue.price(item.itemPriceID);
      const hasUnitPrice = price.pricingModel === "per_unit" || price.pricingModel === "flat_fee";
      return {
        itemPriceID: price.id,
        quantity: price.pricingModel === "flat_fee" ? undefined : (item.quantity ?? 1),
        unitPrice: hasUnitPrice ? (item.unitPrice ?? price.price) : undefined,
        mandatory: item.mandatory ?? false,
        prorationType: undefined,
      };
    }),
    scheduled: undefined,
    creditsBlocked: false,
    paymentsFail: false,
  };
}
