export type BillingMode = "Overage" | "Total";

/** Rule 2: the quantity that a subscription should have for `count` domains; 0 means no line. */
export function desiredQuantity(mode: BillingMode, count: number, freeQuantity: number): number {
  return mode === "Overage" ? Math.max(0, count - freeQuantity) : Math.max(1, count);
}

/**
 * The quantity at which a line that is no longer wanted bills nothing: gone under Overage; under Total 1, where the first
 * tier of the price is free, and a line that is not there stays away.
 */
export function releasedQuantity(mode: BillingMode, observed: number): number {
  return mode === "Overage" ? 0 : Math.min(1, observed);
}
