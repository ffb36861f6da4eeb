import { incompatible, incompatiblePeriod, invalidRequest, invalidState, wrongValue } from "./api-error.ts";
import type { Catalogue } from "./catalogue.ts";
import { lineParam } from "./change-parser.ts";
import {
  addPeriod,
  type Catalog,
  type Change,
  dividesPeriod,
  type ItemPrice,
  type Line,
  type RequestedLine,
  type Subscription,
} from "./model.ts";
import { type Proration, prorate } from "./proration.ts";
import { recurringLines } from "./term.ts";

export interface UpdateContext {
  readonly catalogue: Catalogue;
  readonly catalog: Catalog;
  readonly now: number;
  /** Site settings for what a request leaves out. */
  readonly defaults: { readonly prorate: boolean; readonly invoiceImmediately: boolean };
}

/** The next state and what it costs. Nothing is recorded yet. */
export interface Update extends Proration {
  readonly subscription: Subscription;
  readonly invoiceNow: boolean;
  /** Things a quantity sync should not cause, for the counters. */
  readonly destroyedSchedule: boolean;
  readonly reactivated: boolean;
  readonly unchanged: boolean;
  readonly priceResets: number;
  readonly planLines: number;
}

interface Resolved {
  readonly requested: RequestedLine;
  readonly price: ItemPrice;
  readonly line: Line;
}

/** What an update of either catalogue does. Throws ApiError 400, 404 or 409 without any effect. */
export function applyChange(subscription: Subscription, change: Change, context: UpdateContext): Update {
  refuseState(subscription, change);
  const resolved = resolveLines(subscription, change, context);
  const lines = mergeLines(subscription, change, resolved, context.catalogue);
  const common = {
    destroyedSchedule: subscription.scheduled !== undefined,
    planLines: resolved.filter(({ price }) => isPlan(price, context)).length,
    invoiceNow: change.invoiceImmediately ?? context.defaults.invoiceImmediately,
  };
  if (change.option !== "immediately") {
    const next = { ...subscription, scheduled: { at: scheduleTime(change, context.now), lines } };
    const free = { charges: [], credits: [], suppressedCredits: 0, chargeItems: 0 };
    return { ...common, ...free, subscription: next, reactivated: false, unchanged: false, priceResets: 0 };
  }
  const immediate = {
    ...common,
    priceResets: countResets(subscription, lines),
    unchanged: JSON.stringify(lines) === JSON.stringify(subscription.lines),
  };
  const next = { ...subscription, lines, scheduled: undefined };
  if (subscription.status === "cancelled" && (change.reactivate ?? change.lines.length > 0))
    return reactivate(next, immediate, context);
  const shouldProrate = change.prorate ?? context.defaults.prorate;
  const requested = change.lines;
  const proration = prorate(subscription, lines, requested, {
    catalogue: context.catalogue,
    now: context.now,
    prorate: shouldProrate,
  });
  const creditsBlocked = subscription.creditsBlocked || (!shouldProrate && !immediate.unchanged);
  const status = resumedStatus(subscription, common.planLines);
  return { ...immediate, ...proration, subscription: { ...next, status, creditsBlocked }, reactivated: false };
}

function refuseState(subscription: Subscription, change: Change): void {
  // [?] Documented only as "not allowed"; the code is that of every other wrong state.
  if (subscription.status === "paused") throw invalidState("Edit subscription is not allowed when the subscription is paused.");
  if (subscription.status === "transferred") throw invalidState("The subscription was transferred.");
  if (subscription.status === "cancelled" && change.option !== "immediately") {
    throw invalidState("Changes cannot be scheduled for a cancelled subscription.");
  }
}

function resolveLines(subscription: Subscription, change: Change, context: UpdateContext): readonly Resolved[] {
  const seen = new Set<string>();
  return change.lines.map((requested) => {
    const param = lineParam(context.catalog, "id", requested.index);
    if (seen.has(requested.itemPriceID)) throw wrongValue(param, `${requested.itemPriceID} stands twice in the list`);
    seen.add(requested.itemPriceID);
    const price = context.catalogue.price(requested.itemPriceID, param);
    checkPrice(subscription, price, param, context);
    return { requested, price, line: resolveLine(subscription, requested, price, context) };
  });
}

/** An archived price keeps renewing where it is, but cannot be added. */
function checkPrice(subscription: Subscription, price: ItemPrice, param: string, { catalogue }: UpdateContext): void {
  const item = catalogue.itemOf(price);
  const present = subscription.lines.some((line) => line.itemPriceID === price.id);
  if (price.status === "archived" && !present) throw wrongValue(param, `${price.id} is archived`);
  if (price.currency !== subscription.currency)
    throw wrongValue(param, `${price.id} is in another currency than the subscription`);
  if (item.metered) throw incompatible(`${item.id} is metered: its quantity comes from usages`);
  if (item.type !== "charge" && !dividesPeriod(price.period, subscription.period)) throw incompatiblePeriod();
  if (item.type === "plan") return;
  const plan = planOf(subscription.lines, catalogue);
  if (plan !== undefined && !present && !catalogue.isApplicable(plan, price)) {
    throw wrongValue(param, `${item.id} is not applicable to ${plan.itemID}`);
  }
}

/**
 * [?] Without `unit_price` the catalogue's is taken, also where the subscription had its own: the worst reading of "the
 * value set for the item price is used when not provided".
 */
function resolveLine(subscription: Subscription, requested: RequestedLine, price: ItemPrice, context: UpdateContext): Line {
  const present = subscription.lines.find((line) => line.itemPriceID === price.id);
  const hasUnitPrice = price.pricingModel === "per_unit" || price.pricingModel === "flat_fee";
  const isFlat = price.pricingModel === "flat_fee";
  if (isFlat && requested.quantity !== undefined) {
    throw wrongValue(lineParam(context.catalog, "quantity", requested.index), "a flat fee takes no quantity");
  }
  if (!hasUnitPrice && requested.unitPrice !== undefined)
    throw invalidRequest("unit_price needs the pricing model per_unit or flat_fee");
  return {
    itemPriceID: price.id,
    quantity: isFlat ? undefined : (requested.quantity ?? present?.quantity ?? 1),
    unitPrice: hasUnitPrice ? (requested.unitPrice ?? price.price) : undefined,
    mandatory: present?.mandatory ?? false,
    prorationType: present?.prorationType ?? requested.prorationType,
  };
}

/** "Add or update", or with replaceList the documented replacements; a charge that is made now leaves no line. */
function mergeLines(
  subscription: Subscription,
  change: Change,
  resolved: readonly Resolved[],
  catalogue: Catalogue,
): readonly Line[] {
  const typeOf = (line: Line) => catalogue.itemOf(catalogue.price(line.itemPriceID)).type;
  const plan = resolved.find(({ line }) => typeOf(line) === "plan");
  const kept = subscription.lines.filter((line) => {
    const type = typeOf(line);
    if (type === "plan" && plan !== undefined && plan.line.itemPriceID !== line.itemPriceID) return false;
    if (!change.replaceList || resolved.some((other) => other.line.itemPriceID === line.itemPriceID)) return true;
    if (type === "addon") return line.mandatory && !change.mandatoryToRemove.includes(catalogue.price(line.itemPriceID).itemID);
    return plan === undefined;
  });
  const stays = resolved.filter(({ line, requested }) => typeOf(line) !== "charge" || !requested.chargedNow);
  const updated = kept.map((line) => stays.find((other) => other.line.itemPriceID === line.itemPriceID)?.line ?? line);
  const added = stays.filter(({ line }) => !kept.some((other) => other.itemPriceID === line.itemPriceID));
  return [...updated, ...added.map(({ line }) => line)];
}

function reactivate(
  next: Subscription,
  common: Pick<Update, "destroyedSchedule" | "planLines" | "priceResets" | "unchanged">,
  { now, catalogue }: UpdateContext,
): Update {
  const termEnd = addPeriod(now, next.period);
  const subscription = { ...next, status: "active", cancelledAt: undefined, termStart: now, termEnd, creditsBlocked: false };
  const charges = recurringLines(subscription, catalogue);
  return {
    ...common,
    subscription,
    charges,
    credits: [],
    suppressedCredits: 0,
    chargeItems: 0,
    invoiceNow: true,
    reactivated: true,
  };
}

/** [?] Clearing the billing cycles, which a plan line does, is the documented way back from non_renewing. */
function resumedStatus(subscription: Subscription, planLines: number): string {
  return subscription.status === "non_renewing" && planLines > 0 ? "active" : subscription.status;
}

function scheduleTime(change: Change, now: number): number | undefined {
  if (change.option === "end_of_term") return undefined;
  if (change.scheduledAt === undefined || change.scheduledAt <= now) {
    throw wrongValue("changes_scheduled_at", "changes_scheduled_at : the simulator takes only future dates");
  }
  return change.scheduledAt;
}

function countResets(subscription: Subscription, lines: readonly Line[]): number {
  return subscription.lines.filter((before) => {
    const after = lines.find((line) => line.itemPriceID === before.itemPriceID);
    return after !== undefined && before.unitPrice !== after.unitPrice;
  }).length;
}

function planOf(lines: readonly Line[], catalogue: Catalogue): ItemPrice | undefined {
  return lines.map((line) => catalogue.price(line.itemPriceID)).find((price) => catalogue.itemOf(price).type === "plan");
}

function isPlan(price: ItemPrice, { catalogue }: UpdateContext): boolean {
  return catalogue.itemOf(price).type === "plan";
}
