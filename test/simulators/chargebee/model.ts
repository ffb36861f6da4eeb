/** Amounts are in the currency's smallest unit (cents), times in Unix milliseconds; the wire has seconds. */

export const PERIOD_UNITS = ["day", "week", "month", "year"] as const;
export const PRICING_MODELS = ["flat_fee", "per_unit", "tiered", "volume", "stairstep"] as const;
export const ITEM_TYPES = ["plan", "addon", "charge"] as const;
export const PRORATION_TYPES = ["full_term", "partial_term", "none"] as const;

export type PeriodUnit = (typeof PERIOD_UNITS)[number];
export type PricingModel = (typeof PRICING_MODELS)[number];
export type ItemType = (typeof ITEM_TYPES)[number];
export type ProrationType = (typeof PRORATION_TYPES)[number];
/** Product Catalog 2.0 or 1.0: a site has one of them, for ever. */
export type Catalog = "ItemPrices" | "Addons";

export interface Period {
  readonly count: number;
  readonly unit: PeriodUnit;
}

export interface Item {
  readonly id: string;
  readonly type: ItemType;
  readonly metered: boolean;
  /** Of a plan: the items that may be added to it; all when absent. */
  readonly applicableItemIDs: readonly string[] | undefined;
}

export interface Tier {
  readonly startingUnit: number;
  /** Absent for the last tier. */
  readonly endingUnit?: number | undefined;
  readonly price: number;
}

export interface ItemPrice {
  readonly id: string;
  readonly itemID: string;
  readonly currency: string;
  readonly period: Period;
  readonly pricingModel: PricingModel;
  /** For flat_fee and per_unit. */
  readonly price: number;
  readonly tiers: readonly Tier[];
  readonly status: "active" | "archived";
  readonly createdAt: number;
}

export interface Line {
  readonly itemPriceID: string;
  /** Undefined for flat_fee. */
  readonly quantity: number | undefined;
  /** What the subscription pays, which may differ from the catalogue; undefined where tiers say it. */
  readonly unitPrice: number | undefined;
  /** Attached as mandatory: survives a replaced list. */
  readonly mandatory: boolean;
  readonly prorationType: ProrationType | undefined;
}

export interface RequestedLine {
  readonly itemPriceID: string;
  readonly quantity: number | undefined;
  readonly unitPrice: number | undefined;
  readonly prorationType: ProrationType | undefined;
  /** Whether a charge item is charged now (the default of the API) or by its event. */
  readonly chargedNow: boolean;
  /** Position in the request, for the `param` of errors. */
  readonly index: number;
}

/** What an update asks for, in either catalogue. Undefined members were not sent. */
export interface Change {
  readonly lines: readonly RequestedLine[];
  readonly replaceList: boolean;
  /** Item ids. */
  readonly mandatoryToRemove: readonly string[];
  readonly prorate: boolean | undefined;
  readonly invoiceImmediately: boolean | undefined;
  readonly reactivate: boolean | undefined;
  readonly option: "immediately" | "end_of_term" | "specific_date";
  readonly scheduledAt: number | undefined;
}

export interface Subscription {
  readonly id: string;
  readonly customerID: string;
  readonly currency: string;
  readonly period: Period;
  /** Quantities are decimal text on the wire. */
  readonly decimal: boolean;
  /** Any text: what Chargebee does not document is kept and rendered, for tests of a tolerant reader. */
  readonly status: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly resourceVersion: number;
  readonly termStart: number;
  readonly termEnd: number;
  readonly cancelledAt: number | undefined;
  readonly lines: readonly Line[];
  /** At most one; `at` undefined means the end of the term. */
  readonly scheduled: { readonly at: number | undefined; readonly lines: readonly Line[] } | undefined;
  /** A change of this term was made with prorate=false: later ones create no credits before the next term. */
  readonly creditsBlocked: boolean;
  /** The customer's card is declined. */
  readonly paymentsFail: boolean;
}

/** Adds calendar months and years in UTC; a day that a month lacks becomes its last. */
export function addPeriod(time: number, period: Period): number {
  const date = new Date(time);
  if (period.unit === "day" || period.unit === "week") return time + period.count * (period.unit === "week" ? 7 : 1) * 86_400_000;
  const months = period.count * (period.unit === "year" ? 12 : 1);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime();
}

/** An addon's period must divide its plan's: the plan's term then holds a whole number of the addon's. */
export function dividesPeriod(part: Period, whole: Period): boolean {
  const inMonths = (period: Period) =>
    period.unit === "month" ? period.count : period.unit === "year" ? period.count * 12 : undefined;
  const inDays = (period: Period) =>
    period.unit === "day" ? period.count : period.unit === "week" ? period.count * 7 : undefined;
  const [a, b] = inMonths(part) === undefined ? [inDays(part), inDays(whole)] : [inMonths(part), inMonths(whole)];
  return a !== undefined && b !== undefined && b % a === 0;
}
