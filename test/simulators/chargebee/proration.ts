import type { Catalogue } from "./catalogue.ts";
import type { LedgerLine } from "./ledger.ts";
import type { ItemPrice, Line, RequestedLine, Subscription } from "./model.ts";
import { lineAmount, remainingShare } from "./pricing.ts";

export interface Proration {
  readonly charges: readonly LedgerLine[];
  readonly credits: readonly LedgerLine[];
  /** Credits that an earlier prorate=false in the same term swallowed. */
  readonly suppressedCredits: number;
  /** One-time items charged (again). */
  readonly chargeItems: number;
}

export interface ProrationContext {
  readonly catalogue: Catalogue;
  readonly now: number;
  readonly prorate: boolean;
}

/** Statuses in which a term is being paid for: in others a change costs nothing yet, or nothing any more. */
const PAYING = ["active", "non_renewing"];

/**
 * Charges for what a line gained and credits for what it lost over the rest of the term. Even with `prorate` no credits are
 * made after a change without it in the same term.
 */
export function prorate(
  before: Subscription,
  after: readonly Line[],
  requested: readonly RequestedLine[],
  context: ProrationContext,
): Proration {
  const { catalogue } = context;
  const chargedNow = requested.filter((line) => line.chargedNow && typeOf(catalogue, line.itemPriceID) === "charge");
  const oneTime = chargedNow.map((line) => {
    const price = catalogue.price(line.itemPriceID);
    return entry(price, "charge", line.quantity, lineAmount(price, line), before, context.now);
  });
  const deltas = PAYING.includes(before.status) ? changedAmounts(before, after, context) : [];
  const charges = deltas.filter(({ amount }) => amount > 0);
  const credits = deltas.filter(({ amount }) => amount < 0).map((line) => ({ ...line, amount: -line.amount }));
  return {
    charges: [...charges, ...oneTime],
    credits: before.creditsBlocked ? [] : credits,
    suppressedCredits: before.creditsBlocked ? credits.length : 0,
    chargeItems: oneTime.length,
  };
}

function changedAmounts(before: Subscription, after: readonly Line[], context: ProrationContext): readonly LedgerLine[] {
  const { catalogue, now } = context;
  const ids = new Set([...before.lines, ...after].map((line) => line.itemPriceID));
  return [...ids].flatMap((id) => {
    const type = typeOf(catalogue, id);
    if (type === "charge") return [];
    const price = catalogue.price(id);
    const [old, next] = [before.lines, after].map((lines) => lines.find((line) => line.itemPriceID === id));
    const difference = amountOf(price, next) - amountOf(price, old);
    const amount = Math.round(difference * shareOf(next ?? old, before, context));
    if (amount === 0) return [];
    const quantity = Math.abs((next?.quantity ?? 0) - (old?.quantity ?? 0));
    return [entry(price, type, quantity, amount, before, now)];
  });
}

function shareOf(line: Line | undefined, subscription: Subscription, { now, prorate }: ProrationContext): number {
  if (line?.prorationType === "full_term") return 1;
  if (line?.prorationType === "none") return 0;
  return prorate || line?.prorationType === "partial_term" ? remainingShare(subscription, now) : 0;
}

function amountOf(price: ItemPrice, line: Line | undefined): number {
  return line === undefined ? 0 : lineAmount(price, line);
}

function entry(
  price: ItemPrice,
  type: string,
  quantity: number | undefined,
  amount: number,
  of: Subscription,
  now: number,
): LedgerLine {
  const kind = type === "charge" ? "One-time Charges" : `Prorated ${amount < 0 ? "Credits" : "Charges"}`;
  return {
    entityID: price.id,
    entityType: `${type}_item_price`,
    description: `${price.id} - ${kind}`,
    quantity,
    amount,
    from: now,
    to: of.termEnd,
  };
}

function typeOf(catalogue: Catalogue, itemPriceID: string): string {
  return catalogue.itemOf(catalogue.price(itemPriceID)).type;
}
