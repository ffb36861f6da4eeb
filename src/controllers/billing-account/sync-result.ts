import type { Reason } from "../../api/v1/reasons.ts";
import type { BillingInput, BillingStep } from "../../core/billing.ts";

/** How a pass over the account's own line ended. */
export type SyncResult =
  | {
      readonly kind: "synced";
      readonly count: number;
      readonly desired: number;
      readonly quantity: number;
    }
  /** A change is wanted and waits; `afterMs` undefined: for the next event. */
  | { readonly kind: "waiting"; readonly reason: Reason; readonly message: string; readonly afterMs: number | undefined }
  | {
      readonly kind: "held";
      readonly stalled: boolean;
      readonly reason: Reason;
      readonly message: string;
      readonly desired: number | undefined;
    }
  /** A final refusal that just came: errorEpoch goes up with the condition, in one write. */
  | {
      readonly kind: "refused";
      readonly reason: Reason;
      readonly message: string;
      readonly desired: number;
      readonly afterMs: number;
    };

/** As many as status.lines holds. */
export const MAX_LINES = 4;

export function synced({ count = 0 }: BillingInput, desired: number): SyncResult {
  return { kind: "synced", count, desired, quantity: desired };
}

export function tooManyLines(desired: number): SyncResult {
  const message = `The account answers for ${MAX_LINES} older lines already; they have to be released first.`;
  return { kind: "held", stalled: false, reason: "OldLineHeld", message, desired };
}

export function end(
  step: Exclude<BillingStep, { kind: "record" | "read" | "inspect" | "settle" | "journal" | "write" }>,
  desired: number,
): SyncResult {
  switch (step.kind) {
    case "hold":
      // The last accepted figures stay in the status, or a restart would compare with those in doubt.
      return { ...step, kind: "held", desired: step.reason === "SuspiciousDrop" ? undefined : desired };
    case "wait":
      return {
        kind: "waiting",
        reason: "AwaitingBilling",
        message: `Quantity ${desired} is about to be written.`,
        afterMs: step.afterMs,
      };
    case "suspended": {
      const message = `Quantity ${desired} is wanted, Chargebee has ${step.observed}; the account is suspended.`;
      return { kind: "waiting", reason: "AwaitingBilling", message, afterMs: undefined };
    }
    case "unknown":
      return { kind: "waiting", reason: "CountUnknown", message: "The domains have not been counted yet.", afterMs: 1_000 };
  }
}
