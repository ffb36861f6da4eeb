import type { Reason } from "../api/v1/reasons.ts";

/**
 * What a step of a reconcile came to. Errors are thrown only for the unexpected (they cost a backoff and a log line);
 * everything a user could be told is an outcome.
 */
export type Outcome =
  | { readonly kind: "done" }
  /** Nothing is wrong that time or the customer cannot mend: look again after `afterMs`. */
  | { readonly kind: "waiting"; readonly afterMs: number; readonly reason: Reason; readonly message: string }
  /** Retrying is useless until somebody edits something. */
  | { readonly kind: "stalled"; readonly reason: Reason; readonly message: string };
