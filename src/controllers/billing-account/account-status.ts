import type { BillingAccount, BillingAccountStatus } from "../../api/v1/billing-account.ts";
import type { Condition } from "../../api/v1/conditions.ts";
import { isReason, type Reason } from "../../api/v1/reasons.ts";
import type { LineKey } from "../../core/billing-lines.ts";
import { conditionsOf, differs, type Finding, findCondition, wholeSeconds } from "../../core/conditions.ts";
import { errorEpochOf, journalled, journalOf, withEntry } from "./account-run.ts";
import type { HeldLine } from "./line-release.ts";
import type { SyncResult } from "./sync-result.ts";

/** What alone is no reason for a write. */
const INCIDENTAL: ReadonlySet<string> = new Set(["lastSyncedTime", "resourceVersion"]);

interface Findings {
  readonly Ready: Finding | undefined;
  readonly Synced: Finding | undefined;
  readonly Reconciling?: Finding | undefined;
  readonly Stalled?: Finding | undefined;
}

/** The status to PUT for what a pass came to, or undefined when the one there is good enough (V2). */
export function syncedStatus(input: {
  readonly account: BillingAccount;
  readonly line: LineKey;
  readonly result: SyncResult;
  readonly heldLines: readonly HeldLine[];
  /** A sync that covers another domain than the last one is put on record even if the figures are the same. */
  readonly coversNew: boolean;
  readonly now: number;
}): BillingAccountStatus | undefined {
  const { account, line, result, heldLines, now } = input;
  const before = account.status ?? {};
  if (result.kind === "synced") {
    const { count, desired, quantity } = result;
    const entry = journalled(account, line);
    const message = `Quantity at Chargebee: ${quantity}. Billable domains: ${count}.`;
    const next: BillingAccountStatus = {
      ...before,
      domains: count,
      desiredQuantity: desired,
      lastSyncedTime: wholeSeconds(now),
      ...(entry === undefined ? {} : { lines: withEntry(journalOf(account), { ...entry, quantity }) }),
    };
    return changed(account, next, withHeldLines(heldLines, finding("True", "Synced", message)), now, input.coversNew);
  }
  if (result.kind === "waiting") return waitingStatus(account, result, now);
  const { reason, message, desired } = result;
  const next: BillingAccountStatus = {
    ...before,
    ...(desired === undefined ? {} : { desiredQuantity: desired }),
    ...(result.kind === "refused" ? { errorEpoch: errorEpochOf(account) + 1 } : {}),
  };
  const stalled = result.kind === "refused" || result.stalled;
  return changed(account, next, heldFindings(reason, message, stalled), now);
}

/** Damping is over in seconds: it is worth a write only where the status says something that is no longer true. */
function waitingStatus(
  account: BillingAccount,
  result: Extract<SyncResult, { kind: "waiting" }>,
  now: number,
): BillingAccountStatus | undefined {
  const { reason, message } = result;
  if (account.spec.suspend) {
    const ready = asFinding(findCondition(account.status?.conditions, "Ready")) ?? finding("False", "Suspended", message);
    return changed(account, account.status ?? {}, { Ready: ready, Synced: finding("False", reason, message) }, now);
  }
  const synced = findCondition(account.status?.conditions, "Synced");
  if (synced === undefined || synced.status === "True" || synced.reason === reason) return undefined;
  return changed(account, account.status ?? {}, heldFindings(reason, message, false), now);
}

/**
 * The status to PUT in the middle of a run, where only the journal has news. What was said of an older generation is not left
 * standing beside a newer one, or Ready=True would speak for a spec that was never synced.
 */
export function journalStatus(
  account: BillingAccount,
  news: Pick<BillingAccountStatus, "lines" | "errorEpoch">,
  now: number,
): BillingAccountStatus {
  const next = { ...account.status, ...news };
  if (account.status?.observedGeneration === account.metadata.generation) return next;
  const findings =
    account.metadata.deletionTimestamp === undefined
      ? heldFindings("AwaitingBilling", "The quantity is about to be written.", false)
      : heldFindings("ReleasePending", "The account is being deleted: its lines are being released at Chargebee.", false);
  return withFindings(account, next, findings, now);
}

/** For a state that no pass over a line led to: no class, a class that bills nothing, no answer, a deletion that waits. */
export function plainStatus(account: BillingAccount, state: PlainState, now: number): BillingAccountStatus | undefined {
  const { reason, message } = state;
  if (state.kind === "ready") {
    const fine = finding("True", reason, message);
    return changed(account, account.status ?? {}, { Ready: fine, Synced: fine }, now);
  }
  return changed(account, account.status ?? {}, heldFindings(reason, message, state.kind === "stalled"), now);
}

export interface PlainState {
  readonly kind: "ready" | "waiting" | "stalled";
  readonly reason: Reason;
  readonly message: string;
}

function withHeldLines(heldLines: readonly HeldLine[], synced: Finding): Findings {
  const [first] = heldLines;
  if (first === undefined) return { Ready: synced, Synced: synced };
  const { subscriptionID, itemPriceID } = first.line;
  const message = `${itemPriceID} on subscription ${subscriptionID} is not released yet: ${first.message}`;
  return {
    Ready: finding("False", "OldLineHeld", message),
    Synced: synced,
    Reconciling: finding("True", "OldLineHeld", message),
  };
}

function heldFindings(reason: Reason, message: string, stalled: boolean): Findings {
  const not = finding("False", reason, message);
  return { Ready: not, Synced: not, [stalled ? "Stalled" : "Reconciling"]: finding("True", reason, message) };
}

function changed(
  account: BillingAccount,
  next: BillingAccountStatus,
  findings: Findings,
  now: number,
  always = false,
): BillingAccountStatus | undefined {
  const status = withFindings(account, next, findings, now);
  return always || differs(account.status ?? {}, status, INCIDENTAL) ? status : undefined;
}

function withFindings(
  account: BillingAccount,
  next: BillingAccountStatus,
  findings: Findings,
  now: number,
): BillingAccountStatus {
  const generation = account.metadata.generation ?? 0;
  const paused = account.spec.suspend
    ? finding("True", "Suspended", "spec.suspend is true: nothing is written to Chargebee.")
    : undefined;
  const conditions = conditionsOf(account.status?.conditions ?? [], { ...findings, Paused: paused }, generation, now);
  return { ...next, observedGeneration: generation, conditions };
}

function finding(status: Finding["status"], reason: Reason, message: string): Finding {
  return { status, reason, message };
}

function asFinding(condition: Condition | undefined): Finding | undefined {
  if (condition === undefined || !isReason(condition.reason)) return undefined;
  return { status: condition.status, reason: condition.reason, message: condition.message };
}
