import type { Reason } from "../api/v1/reasons.ts";
import type { Subscription } from "../chargebee/catalog.ts";
import { quantityOf } from "../chargebee/quantity.ts";
import type { PendingWrite } from "./billing.ts";
import type { LineKey } from "./billing-lines.ts";
import { type BillingMode, releasedQuantity } from "./billing-quantity.ts";
import { isReleasedByItself, subscriptionState } from "./billing-subscription.ts";

export interface ReleaseInput {
  readonly line: LineKey;
  readonly mode: BillingMode;
  /** Read in this very reconcile. */
  readonly subscription: Subscription | undefined;
  readonly pending: PendingWrite | undefined;
  readonly refusal: { readonly reason: Reason; readonly message: string } | undefined;
}

export type ReleaseStep =
  /** Nothing is billed by it any more: drop it from the journal. */
  | { readonly kind: "released" }
  | { readonly kind: "held"; readonly message: string }
  /** 0 is a removal. */
  | { readonly kind: "write"; readonly quantity: number; readonly repeat: PendingWrite | undefined };

/** Rules 9 and 10: one step of giving up a line that the account answers for but does not want any more. No damping, no fuse. */
export function decideRelease(input: ReleaseInput): ReleaseStep {
  const { subscription, line, mode, pending, refusal } = input;
  if (subscription === undefined || isReleasedByItself(subscription)) return { kind: "released" };
  const state = subscriptionState(line.subscriptionID, subscription);
  const observed = quantityOf(subscription, line.itemPriceID);
  if (Number.isNaN(observed)) return { kind: "held", message: `The quantity of ${line.itemPriceID} is not a number.` };
  const target = releasedQuantity(mode, observed);
  // A write that may still be on its way could raise the line again after it was dropped: it is settled first.
  const unsettled = pending !== undefined && pending.quantity !== observed;
  if (observed === target && !unsettled) return { kind: "released" };
  if (state.kind !== "writable") return { kind: "held", message: state.message };
  if (refusal !== undefined) return { kind: "held", message: refusal.message };
  if (unsettled) return { kind: "write", quantity: pending.quantity, repeat: pending };
  return { kind: "write", quantity: target, repeat: undefined };
}
