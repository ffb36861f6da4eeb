import type { Reason } from "../api/v1/reasons.ts";
import type { Subscription } from "../chargebee/catalog.ts";
import { quantityOf } from "../chargebee/quantity.ts";
import { type Damping, type DampingDelays, damp, dampingWaitMs } from "./billing-damping.ts";
import { isSuspiciousDrop } from "./billing-fuse.ts";
import type { LineKey } from "./billing-lines.ts";
import { type BillingMode, desiredQuantity } from "./billing-quantity.ts";
import { type CatalogView, catalogObjection, subscriptionState } from "./billing-subscription.ts";

/** A write whose answer never came; in memory only. */
export interface PendingWrite {
  readonly quantity: number;
  readonly idempotencyKey: string;
  /** Monotonic milliseconds of the first try. */
  readonly sentAt: number;
}

export interface Snapshot {
  /** undefined: Chargebee says that there is none. */
  readonly subscription: Subscription | undefined;
  /** Read in this very reconcile: only then may a write follow (V2). */
  readonly fresh: boolean;
}

/** Everything that the decision about an account's own line depends on. Times are monotonic milliseconds. */
export interface BillingInput {
  readonly now: number;
  readonly line: LineKey;
  readonly mode: BillingMode;
  readonly freeQuantity: number;
  readonly maxQuantity: number;
  readonly delays: DampingDelays;
  readonly suspend: boolean;
  /** Billable domains; undefined until the claims have been listed. */
  readonly count: number | undefined;
  /** status.domains: the count at the last sync. */
  readonly countBefore: number | undefined;
  /** The quantity in status.lines; undefined when the line is not journalled. */
  readonly journalled: number | undefined;
  /** The quantity that the status tells of, journalled or not; undefined when it tells of none for this spec. */
  readonly recorded: number | undefined;
  /** The quantity that this process wrote last, whether or not it could be journalled. */
  readonly written: number | undefined;
  /** Accounts that lay claim to the same line. */
  readonly contenders: readonly string[];
  /** Departures since the last sync that the claim protocol explains. */
  readonly explained: number;
  readonly namespaceTerminating: boolean;
  /** Value of annotation customdomains.dev/accept-quantity. */
  readonly acceptedQuantity: string | undefined;
  readonly damping: Damping | undefined;
  readonly pending: PendingWrite | undefined;
  /** A final refusal of the last write, while it is in force. */
  readonly refusal: { readonly reason: Reason; readonly message: string } | undefined;
  /** A resync, a webhook, a new spec or an unexplained status asks for a read. */
  readonly readDue: boolean;
  readonly snapshot: Snapshot | undefined;
  readonly catalog: CatalogView | undefined;
  /** How long a correction of a foreign change has to wait still. */
  readonly driftWaitMs: number;
}

export type BillingStep =
  /** The claims are not known yet: nothing may be concluded. */
  | { readonly kind: "unknown" }
  | { readonly kind: "wait"; readonly afterMs: number }
  /** GET the subscription. */
  | { readonly kind: "read" }
  /** GET what the catalogue says about the price. */
  | { readonly kind: "inspect" }
  /** `stalled`: nothing but an edit helps. */
  | { readonly kind: "hold"; readonly stalled: boolean; readonly reason: Reason; readonly message: string }
  /** A change is wanted, but the account is suspended. */
  | { readonly kind: "suspended"; readonly observed: number }
  /** Chargebee has what it should; a write without an answer is settled by that too. */
  | { readonly kind: "record"; readonly quantity: number }
  /** A write without an answer turned out to have been carried out, but another quantity is wanted by now. */
  | { readonly kind: "settle"; readonly quantity: number }
  /** Write the line into status.lines before the first POST on it. */
  | { readonly kind: "journal"; readonly quantity: number }
  /** `quantity` 0 is a removal. `repeat`: the write whose answer never came, again with its key. */
  | { readonly kind: "write"; readonly quantity: number; readonly repeat: PendingWrite | undefined; readonly drift: boolean };

export interface BillingDecision {
  readonly step: BillingStep;
  /** undefined while the count is unknown. */
  readonly desired: number | undefined;
  /** To be kept for the next decision. */
  readonly damping: Damping | undefined;
}

/** A write whose key Chargebee has forgotten (after 30 minutes) is settled by what a read shows. */
const PENDING_MS = 30 * 60_000;

/**
 * The next step towards the right quantity on the account's own line: rules 1 to 8 of the billing protocol, in their order.
 * The caller carries it out and asks again with what that showed; `wait`, `hold`, `suspended`, `record` and `unknown` end a
 * reconcile. Whatever is lost in between, asking again is safe: no write follows without a fresh read.
 */
export function decideBilling(input: BillingInput): BillingDecision {
  const { count, snapshot, damping: previous } = input;
  if (count === undefined) return { step: { kind: "unknown" }, desired: undefined, damping: previous };
  const desired = desiredQuantity(input.mode, count, input.freeQuantity);
  const blocked = exclusion(input, desired);
  if (blocked !== undefined) return { step: blocked, desired, damping: previous };
  const pending = livePending(input.pending, input.now);
  const readNow = snapshot?.fresh !== true && (input.readDue || pending !== undefined);
  const current = snapshot === undefined ? input.recorded : quantityOrUndefined(snapshot.subscription, input.line);
  // A wait that a read interrupts goes on meanwhile.
  const damping = current === undefined ? undefined : damp(previous, desired, current, input.now);
  if (readNow || (snapshot === undefined && current === undefined)) return { step: { kind: "read" }, desired, damping };
  if (snapshot !== undefined) {
    const state = subscriptionState(input.line.subscriptionID, snapshot.subscription);
    if (state.kind === "gone") return { step: { ...state, kind: "hold", stalled: true }, desired, damping: undefined };
  }
  if (current === undefined) return { step: unsupported(input.line), desired, damping: undefined };
  if (pending !== undefined) {
    if (current === pending.quantity && damping !== undefined)
      return { step: { kind: "settle", quantity: current }, desired, damping };
    if (current !== pending.quantity) return { step: repeatStep(input, pending, current), desired, damping };
  }
  if (damping === undefined) return { step: { kind: "record", quantity: current }, desired, damping };
  return { step: changeStep(input, count, desired, current, damping), desired, damping };
}

export function livePending(pending: PendingWrite | undefined, now: number): PendingWrite | undefined {
  return pending !== undefined && now - pending.sentAt < PENDING_MS ? pending : undefined;
}

/** Rules 2 and 3: what forbids any write whatever Chargebee has. */
function exclusion(input: BillingInput, desired: number): BillingStep | undefined {
  if (desired > input.maxQuantity) {
    const message = `The quantity would be ${desired}, above maxQuantity ${input.maxQuantity}; nothing is written.`;
    return { kind: "hold", stalled: true, reason: "QuotaExceeded", message };
  }
  if (input.contenders.length === 0) return undefined;
  const { subscriptionID, itemPriceID } = input.line;
  // Without their names: tenants read this, and the others may be another tenant's.
  const message = `${input.contenders.length + 1} BillingAccounts name ${itemPriceID} on subscription ${subscriptionID}; none of them is written.`;
  return { kind: "hold", stalled: true, reason: "SubscriptionConflict", message };
}

/** Rules 4 to 8 for a line that differs from what it should be. */
function changeStep(input: BillingInput, count: number, desired: number, current: number, damping: Damping): BillingStep {
  if (!damping.rising && input.acceptedQuantity !== String(desired)) {
    const before = input.countBefore ?? (input.mode === "Overage" ? current + input.freeQuantity : current);
    if (isSuspiciousDrop({ before, count, explained: input.explained, namespaceTerminating: input.namespaceTerminating })) {
      const message =
        `The domains fell from ${before} to ${count} without deletions that explain it; nothing is written. ` +
        `If that is right, set annotation customdomains.dev/accept-quantity: "${desired}".`;
      return { kind: "hold", stalled: true, reason: "SuspiciousDrop", message };
    }
  }
  if (input.suspend) return { kind: "suspended", observed: current };
  const held = stateHold(input);
  if (held !== undefined) return held;
  if (input.refusal !== undefined) return { kind: "hold", stalled: true, ...input.refusal };
  const drift = input.journalled !== undefined && current !== input.journalled && current !== input.written;
  const waitMs = Math.max(dampingWaitMs(damping, input.delays, input.now), drift ? input.driftWaitMs : 0);
  if (waitMs > 0) return { kind: "wait", afterMs: waitMs };
  return writeStep(input, desired, current, drift);
}

function writeStep(input: BillingInput, desired: number, current: number, drift: boolean): BillingStep {
  const subscription = input.snapshot?.subscription;
  if (subscription === undefined || input.snapshot?.fresh !== true) return { kind: "read" };
  if (desired > 0) {
    if (input.catalog === undefined) return { kind: "inspect" };
    const objection = catalogObjection(input.line.itemPriceID, subscription, input.catalog);
    if (objection !== undefined) return { kind: "hold", stalled: true, ...objection };
  }
  if (input.journalled === undefined) return { kind: "journal", quantity: current };
  return { kind: "write", quantity: desired, repeat: undefined, drift };
}

/** Rule 8: the same quantity and key go first, even if another is wanted by now, so that at most one charge comes of them. */
function repeatStep(input: BillingInput, pending: PendingWrite, observed: number): BillingStep {
  if (input.suspend) return { kind: "suspended", observed };
  return stateHold(input) ?? { kind: "write", quantity: pending.quantity, repeat: pending, drift: false };
}

function stateHold(input: BillingInput): BillingStep | undefined {
  if (input.snapshot === undefined) return undefined;
  const state = subscriptionState(input.line.subscriptionID, input.snapshot.subscription);
  return state.kind === "hold" ? { ...state, stalled: false } : undefined;
}

function unsupported(line: LineKey): BillingStep {
  const message = `The quantity of ${line.itemPriceID} on subscription ${line.subscriptionID} is not a whole number.`;
  return { kind: "hold", stalled: true, reason: "QuantityUnsupported", message };
}

function quantityOrUndefined(subscription: Subscription | undefined, line: LineKey): number | undefined {
  const quantity = subscription === undefined ? 0 : quantityOf(subscription, line.itemPriceID);
  return Number.isSafeInteger(quantity) ? quantity : undefined;
}
