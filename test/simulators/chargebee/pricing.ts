import type { ItemPrice, Line, Subscription, Tier } from "./model.ts";

/** Cents for one full term of a line, before proration. */
export function lineAmount(price: ItemPrice, line: Pick<Line, "quantity" | "unitPrice">): number {
  const quantity = line.quantity ?? 1;
  switch (price.pricingModel) {
    case "flat_fee":
      return line.unitPrice ?? price.price;
    case "per_unit":
      return quantity * (line.unitPrice ?? price.price);
    case "tiered":
      return price.tiers.reduce((sum, tier) => sum + unitsIn(tier, quantity) * tier.price, 0);
    case "volume":
      return quantity * tierOf(price, quantity).price;
    case "stairstep":
      return tierOf(price, quantity).price;
  }
}

/** Share of the current term that is still to come, by milliseconds (the default of a site), within 0 and 1. */
export function remainingShare(subscription: Pick<Subscription, "termStart" | "termEnd">, now: number): number {
  const { termStart, termEnd } = subscription;
  return Math.min(1, Math.max(0, (termEnd - now) / (termEnd - termStart)));
}

function unitsIn(tier: Tier, quantity: number): number {
  return Math.max(0, Math.min(quantity, tier.endingUnit ?? quantity) - (tier.startingUnit - 1));
}

function tierOf(price: ItemPrice, quantity: number): Tier {
  const tier = price.tiers.find((candidate) => quantity <= (candidate.endingUnit ?? Number.POSITIVE_INFINITY));
  if (tier === undefined) throw new RangeError(`no tier of ${price.id} holds ${quantity} units`);
  return tier;
}
