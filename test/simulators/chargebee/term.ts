import type { Catalogue } from "./catalogue.ts";
import type { LedgerLine } from "./ledger.ts";
import { addPeriod, type Subscription } from "./model.ts";
import { lineAmount } from "./pricing.ts";

/** A term that ended, and what its invoice holds besides the unbilled charges. */
export interface TermEnd {
  readonly at: number;
  readonly lines: readonly LedgerLine[];
}

export interface Settled {
  readonly subscription: Subscription;
  readonly terms: readonly TermEnd[];
}

/** Lets the time pass for a subscription: terms renew or end, trials and future ones begin, scheduled changes happen. */
export function settle(subscription: Subscription, now: number, catalogue: Catalogue): Settled {
  const terms: TermEnd[] = [];
  let current = subscription;
  for (;;) {
    const scheduledAt = current.scheduled?.at;
    if (scheduledAt !== undefined && scheduledAt <= Math.min(now, current.termEnd)) {
      current = { ...current, lines: current.scheduled?.lines ?? current.lines, scheduled: undefined };
      continue;
    }
    if (current.termEnd > now) break;
    const ended = endTerm(current);
    if (ended === undefined) break;
    terms.push({ at: current.termEnd, lines: ended.status === "active" ? recurringLines(ended, catalogue) : [] });
    current = ended;
  }
  return { subscription: current, terms };
}

/** One full term of every recurring line. */
export function recurringLines(subscription: Subscription, catalogue: Catalogue): readonly LedgerLine[] {
  const { termStart: from, termEnd: to } = subscription;
  return subscription.lines.flatMap((line) => {
    const price = catalogue.price(line.itemPriceID);
    const { type } = catalogue.itemOf(price);
    if (type === "charge") return [];
    const amount = lineAmount(price, line);
    return [
      { entityID: price.id, entityType: `${type}_item_price`, description: price.id, quantity: line.quantity, amount, from, to },
    ];
  });
}

/** Undefined for a subscription whose terms do not go on. */
function endTerm(subscription: Subscription): Subscription | undefined {
  const { status, termEnd, scheduled } = subscription;
  if (status === "non_renewing") return { ...subscription, status: "cancelled", cancelledAt: termEnd, scheduled: undefined };
  if (!["active", "in_trial", "future"].includes(status)) return undefined;
  return {
    ...subscription,
    status: "active",
    lines: scheduled?.lines ?? subscription.lines,
    scheduled: undefined,
    termStart: termEnd,
    termEnd: addPeriod(termEnd, subscription.period),
    creditsBlocked: false,
  };
}
