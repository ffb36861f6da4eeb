import type { Reason } from "../../api/v1/reasons.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";

/** What stands between a wanted hostname and its row. */
export interface ProvisionProblem {
  readonly hostname: string;
  readonly reason: Reason;
  readonly message: string;
  readonly afterMs: number;
  /** An error of this domain alone, which counts as its failure; else of the zone, the credential or the budget. */
  readonly own: boolean;
  /** Only an edit of the CustomDomain helps. */
  readonly stalled: boolean;
}

export interface ProvisionNote {
  readonly type: "Normal" | "Warning";
  readonly reason: Reason;
  readonly message: string;
}

/** A problem of whichever hostname was asked about. */
export type Refusal = Omit<ProvisionProblem, "hostname">;

/** What came of making sure of one row. */
export type Found =
  | {
      readonly kind: "row";
      readonly row: CustomHostname;
      readonly note?: ProvisionNote;
      /** Why the row lacks a setting of the spec: the class does not allow it, or Cloudflare did not take the edit. */
      readonly refused?: Refusal;
      /** The row is not what it is to be: it has to be compared again. */
      readonly unedited?: true;
    }
  | { readonly kind: "none" }
  | ({ readonly kind: "problem" } & Refusal);

/** How long a name that somebody else holds at Cloudflare is left alone. */
export const CONFLICT_AFTER_MS = 600_000;

/** Whatever an answer says, a reconcile is not repeated at once. */
const MIN_RETRY_MS = 1_000;

const OWN_ERRORS: ReadonlySet<string> = new Set([
  "InvalidSpec",
  "PlanRequired",
  "OriginMissing",
  "NotModifiable",
  "Duplicate",
  "InvalidId",
  "NotFound",
]);
const RETRY_MS: Readonly<Record<string, number>> = {
  Unauthorized: 300_000,
  SaaSNotEnabled: 300_000,
  QuotaExceeded: 300_000,
  ConfigWrong: 300_000,
  InvalidSpec: 3_600_000,
  PlanRequired: 3_600_000,
};

/** A refusal by Cloudflare is an outcome of one hostname, not an error of the whole reconcile. */
export async function catching(step: () => Promise<Found>, signal: AbortSignal): Promise<Found> {
  try {
    return await step();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CloudflareError)) throw error;
    return { kind: "problem", ...refusalOf(error) };
  }
}

export function refusalOf(error: CloudflareError): Refusal {
  return {
    reason: error.reason,
    message: error.message,
    afterMs: Math.max(MIN_RETRY_MS, error.retryAfterMs ?? RETRY_MS[error.class] ?? 30_000),
    own: OWN_ERRORS.has(error.class),
    stalled: error.class === "InvalidSpec",
  };
}

export function created(hostname: string): ProvisionNote {
  return { type: "Normal", reason: "Created", message: `Custom hostname ${hostname} was created at Cloudflare` };
}
