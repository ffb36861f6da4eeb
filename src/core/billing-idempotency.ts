import { createHash } from "node:crypto";
import type { ChargePolicy } from "../chargebee/quantity.ts";
import type { LineKey } from "./billing-lines.ts";

export interface KeyInput extends LineKey, ChargePolicy {
  readonly site: string;
  readonly quantity: number;
  /** The subscription's resource_version as read before the write: 3 → 4 → 3 within 30 minutes must not replay the first 3. */
  readonly resourceVersion: number;
  /** Counts final refusals: what a human has mended must not be answered with the stored refusal. */
  readonly errorEpoch: number;
}

/** Rule 8: the same write of the same observation has the same key, after a restart too. 64 hex characters. */
export function idempotencyKey(input: KeyInput): string {
  const policy = `prorate=${input.prorate},invoice_immediately=${input.invoiceImmediately}`;
  const { site, subscriptionID, itemPriceID, quantity, resourceVersion, errorEpoch } = input;
  const recipe = [site, subscriptionID, itemPriceID, quantity, resourceVersion, policy, errorEpoch].join("|");
  return createHash("sha256").update(recipe).digest("hex").slice(0, 64);
}
