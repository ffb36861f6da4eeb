import type { Reason } from "../../api/v1/reasons.ts";
import type { ChargebeeError } from "../../chargebee/errors.ts";
import { jitter } from "../../core/schedule.ts";

export interface Failure {
  readonly reason: Reason;
  /** Stable while the failure lasts, so that it is written once. */
  readonly message: string;
  readonly afterMs: number;
  /** True of the whole site or credential: it says nothing about this subscription. */
  readonly shared: boolean;
}

const MINUTE_MS = 60_000;
const MAX_BACKOFF_MS = 5 * MINUTE_MS;
const MAX_LOCK_BACKOFF_MS = 30_000;
const REFUSED_READ_MS = 10 * MINUTE_MS;

/** How a call without a definite answer is waited out; `failures` counts those of the subscription in a row, this one included. */
export function failureOf(error: ChargebeeError, uid: string, failures: number): Failure {
  const spread = jitter(uid, failures);
  const exponential = 2_000 * 2 ** Math.min(failures - 1, 20);
  switch (error.class) {
    case "credentials":
      return {
        reason: "Unauthorized",
        message: "Chargebee refuses the API key of the class.",
        afterMs: (error.retryAfterMs ?? MINUTE_MS) * spread,
        shared: true,
      };
    case "rate-limited":
    case "paused":
      return unavailable("Chargebee's request limit is reached.", (error.retryAfterMs ?? MINUTE_MS) * spread + 1_000, true);
    case "locked": {
      const afterMs = error.code === "lock_timeout" ? Math.min(exponential, MAX_LOCK_BACKOFF_MS) : 2 * MINUTE_MS;
      return {
        reason: "SubscriptionLocked",
        message: "Chargebee is busy with the subscription.",
        afterMs: afterMs * spread,
        shared: false,
      };
    }
    case "unavailable":
      return unavailable(
        "Chargebee gave no clear answer; it is asked again.",
        Math.min(exponential, MAX_BACKOFF_MS) * spread,
        false,
      );
    default:
      return { reason: "BillingRejected", message: `${error.message}.`, afterMs: REFUSED_READ_MS * spread, shared: false };
  }
}

function unavailable(message: string, afterMs: number, shared: boolean): Failure {
  return { reason: "BillingUnavailable", message, afterMs, shared };
}
