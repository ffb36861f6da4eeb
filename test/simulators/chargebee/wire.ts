import type { Catalogue } from "./catalogue.ts";
import type { Document, Invoice, LedgerLine, UnbilledCharge } from "./ledger.ts";
import type { Catalog, Item, ItemPrice, Line, Subscription, Tier } from "./model.ts";
import { lineAmount } from "./pricing.ts";

type Resource = Readonly<Record<string, unknown>>;

export function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

export function renderSubscription(subscription: Subscription, catalogue: Catalogue, catalog: Catalog): Resource {
  const live = !["cancelled", "transferred"].includes(subscription.status);
  return {
    id: subscription.id,
    object: "subscription",
    status: subscription.status,
    currency_code: subscription.currency,
    customer_id: subscription.customerID,
    billing_period: subscription.period.count,
    billing_period_unit: subscription.period.unit,
    current_term_start: seconds(subscription.termStart),
    current_term_end: seconds(subscription.termEnd),
    ...(live ? { next_billing_at: seconds(subscription.termEnd) } : {}),
    ...(subscription.cancelledAt === undefined ? {} : { cancelled_at: seconds(subscription.cancelledAt) }),
    created_at: seconds(subscription.createdAt),
    started_at: seconds(subscription.createdAt),
    updated_at: seconds(subscription.updatedAt),
    resource_version: subscription.resourceVersion,
    has_scheduled_changes: subscription.scheduled !== undefined,
    has_scheduled_advance_invoices: false,
    deleted: subscription.status === "deleted",
    due_invoices_count: 0,
    ...(catalog === "ItemPrices" ? itemLines(subscription, catalogue) : planAndAddons(subscription, catalogue)),
  };
}

export function renderCustomer(subscription: Subscription): Resource {
  return {
    id: subscription.customerID,
    object: "customer",
    deleted: false,
    auto_collection: "on",
    card_status: subscription.paymentsFail ? "expired" : "valid",
  };
}

function itemLines(subscription: Subscription, catalogue: Catalogue): Resource {
  return {
    subscription_items: subscription.lines.map((line) => {
      const price = catalogue.price(line.itemPriceID);
      const { type } = catalogue.itemOf(price);
      const charge = type === "charge" ? { charge_once: true, charge_on_event: "subscription_creation" } : {};
      return {
        item_price_id: price.id,
        item_type: type,
        ...priced(line, price, subscription),
        ...charge,
        object: "subscription_item",
      };
    }),
  };
}

function planAndAddons(subscription: Subscription, catalogue: Catalogue): Resource {
  const lines = subscription.lines.map((line) => ({ line, price: catalogue.price(line.itemPriceID) }));
  const plan = lines.find(({ price }) => catalogue.itemOf(price).type === "plan");
  const addons = lines.filter(({ price }) => catalogue.itemOf(price).type === "addon");
  return {
    ...(plan === undefined
      ? {}
      : {
          plan_id: plan.price.id,
          plan_quantity: plan.line.quantity ?? 1,
          plan_unit_price: plan.line.unitPrice,
          plan_amount: lineAmount(plan.price, plan.line),
          plan_free_quantity: 0,
        }),
    // A subscription without addons has no such member.
    ...(addons.length === 0
      ? {}
      : { addons: addons.map(({ line, price }) => ({ id: price.id, ...priced(line, price, subscription), object: "addon" })) }),
  };
}

function priced(line: Line, price: ItemPrice, subscription: Subscription): Resource {
  const quantity = subscription.decimal ? { quantity_in_decimal: String(line.quantity) } : { quantity: line.quantity };
  return {
    ...(line.quantity === undefined ? {} : quantity),
    ...(line.unitPrice === undefined ? {} : { unit_price: line.unitPrice }),
    ...(line.prorationType === undefined ? {} : { proration_type: line.prorationType }),
    amount: lineAmount(price, line),
  };
}

export function renderItem(item: Item): Resource {
  return {
    id: item.id,
    object: "item",
    name: item.id,
    status: "active",
    type: item.type,
    metered: item.metered,
    is_giftable: false,
    is_shippable: false,
    enabled_for_checkout: true,
    enabled_in_portal: true,
    item_applicability: item.applicableItemIDs === undefined ? "all" : "restricted",
    ...(item.applicableItemIDs === undefined ? {} : { applicable_items: item.applicableItemIDs.map((id) => ({ id })) }),
    deleted: false,
  };
}

export function renderItemPrice(price: ItemPrice, item: Item): Resource {
  return {
    id: price.id,
    object: "item_price",
    name: price.id,
    item_id: price.itemID,
    item_type: item.type,
    status: price.status,
    currency_code: price.currency,
    pricing_model: price.pricingModel,
    ...(item.type === "charge" ? {} : { period: price.period.count, period_unit: price.period.unit }),
    ...amounts(price),
    free_quantity: 0,
    is_taxable: true,
    created_at: seconds(price.createdAt),
    updated_at: seconds(price.createdAt),
    resource_version: price.createdAt,
    deleted: false,
  };
}

/** `object`: "addon" or "plan" of Product Catalog 1.0. */
export function renderLegacyPrice(price: ItemPrice, object: "addon" | "plan"): Resource {
  const type = { flat_fee: "on_off", per_unit: "quantity", tiered: "tiered", volume: "volume", stairstep: "stairstep" }[
    price.pricingModel
  ];
  return {
    id: price.id,
    object,
    name: price.id,
    status: price.status,
    currency_code: price.currency,
    pricing_model: price.pricingModel,
    period: price.period.count,
    period_unit: price.period.unit,
    ...amounts(price),
    ...(object === "addon" ? { type, charge_type: "recurring" } : { free_quantity: 0 }),
    enabled_in_portal: true,
    taxable: true,
    updated_at: seconds(price.createdAt),
    resource_version: price.createdAt,
  };
}

function amounts(price: ItemPrice): Resource {
  if (price.pricingModel === "flat_fee" || price.pricingModel === "per_unit") return { price: price.price };
  return { tiers: price.tiers.map(renderTier) };
}

function renderTier(tier: Tier): Resource {
  return {
    starting_unit: tier.startingUnit,
    ...(tier.endingUnit === undefined ? {} : { ending_unit: tier.endingUnit }),
    price: tier.price,
  };
}

export function renderUnbilledCharge(charge: UnbilledCharge, subscription: Subscription): Resource {
  return {
    id: charge.id,
    object: "unbilled_charge",
    customer_id: subscription.customerID,
    subscription_id: charge.subscriptionID,
    ...renderLedgerLine(charge),
    currency_code: subscription.currency,
    is_voided: false,
    updated_at: seconds(charge.createdAt),
    deleted: false,
  };
}

export function renderInvoice(invoice: Invoice, subscription: Subscription): Resource {
  const rest = { status: "paid", recurring: true, tax: 0, term_finalized: true, is_gifted: false, amount_paid: invoice.total };
  return { ...renderDocument(invoice, subscription), object: "invoice", ...rest };
}

export function renderCreditNote(note: Document, subscription: Subscription): Resource {
  return { ...renderDocument(note, subscription), object: "credit_note", type: "refundable", status: "refund_due" };
}

function renderDocument(document: Document, subscription: Subscription): Resource {
  return {
    id: document.id,
    customer_id: subscription.customerID,
    subscription_id: document.subscriptionID,
    price_type: "tax_exclusive",
    currency_code: subscription.currency,
    date: seconds(document.createdAt),
    sub_total: document.total,
    total: document.total,
    line_items: document.lines.map((line, index) => ({
      id: `${document.id}_${index}`,
      ...renderLedgerLine(line),
      is_taxed: false,
    })),
    deleted: false,
  };
}

function renderLedgerLine(line: LedgerLine): Resource {
  return {
    entity_id: line.entityID,
    entity_type: line.entityType,
    description: line.description,
    ...(line.quantity === undefined ? {} : { quantity: line.quantity }),
    amount: line.amount,
    date_from: seconds(line.from),
    date_to: seconds(line.to),
  };
}
