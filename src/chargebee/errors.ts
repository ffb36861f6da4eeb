import { z } from "zod";

/**
 * What a failed call means for the caller. Unknown `api_error_code`s fall back to their HTTP status: Chargebee adds codes.
 *
 * - `unavailable`: no definite answer (timeout, socket, 5xx, a body that is not JSON). A write may have been carried out.
 * - `rate-limited`: the site's request limit; every call to the site waits.
 * - `paused`: not sent at all, because the site's budget is paused or its breaker is open.
 * - `locked`: this one resource is busy (`lock_timeout`), or a gateway behind it is throttled; only this subscription waits.
 * - `credentials`: the key is refused, or the site is unknown: true of every call made with that key.
 * - `not-found`: the resource named by the call does not exist.
 * - `payment`: the change was NOT applied because collecting the money failed.
 * - `invalid-state`: the subscription's state does not allow the change.
 * - `key-conflict`: the idempotency key was used before with other parameters.
 * - `rejected`: any other 4xx; repeating it is useless until somebody edits something.
 */
export type ChargebeeErrorClass =
  | "unavailable"
  | "rate-limited"
  | "paused"
  | "locked"
  | "credentials"
  | "not-found"
  | "payment"
  | "invalid-state"
  | "key-conflict"
  | "rejected";

export interface ChargebeeErrorFields {
  readonly class: ChargebeeErrorClass;
  /** `api_error_code`, "" when there was none or it is not a plain code. */
  readonly code: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly type?: string | undefined;
  /** Name of the refused parameter; the first where Chargebee names several. */
  readonly param?: string | undefined;
  /** `error_cause_id` of a payment failure, such as `gateway.general.decline`. */
  readonly causeID?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** The only error that calls to Chargebee reject with. Its message is ours: remote texts may hold customer data. */
export class ChargebeeError extends Error {
  override readonly name = "ChargebeeError";
  readonly class: ChargebeeErrorClass;
  readonly code: string;
  readonly status: number;
  readonly type: string | undefined;
  readonly param: string | undefined;
  readonly causeID: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(fields: ChargebeeErrorFields) {
    super(describe(fields), fields.cause === undefined ? undefined : { cause: fields.cause });
    this.class = fields.class;
    this.code = fields.code;
    this.status = fields.status;
    this.type = fields.type;
    this.param = fields.param;
    this.causeID = fields.causeID;
    this.retryAfterMs = fields.retryAfterMs;
  }

  /** Whether a write that failed so may nevertheless have been carried out. */
  get ambiguous(): boolean {
    return this.class === "unavailable";
  }

  /** Whether repeating the same call is useless until somebody edits something. */
  get terminal(): boolean {
    return TERMINAL.has(this.class);
  }
}

const TERMINAL: ReadonlySet<ChargebeeErrorClass> = new Set<ChargebeeErrorClass>([
  "not-found",
  "payment",
  "invalid-state",
  "key-conflict",
  "rejected",
]);

/** An answer other than 2xx with a JSON body. `body` is the text as received. */
export function errorFromAnswer(status: number, retryAfter: string | undefined, body: string, nowMs: number): ChargebeeError {
  const parsed = parseError(body);
  const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
  if (parsed === undefined) {
    // A proxy's page says nothing about the resource: an HTML 404 must never pass for "no such subscription".
    return new ChargebeeError({ class: status === 429 ? "rate-limited" : "unavailable", code: "", status, retryAfterMs });
  }
  const code = plain(parsed.api_error_code) ?? "";
  const type = plain(parsed.type);
  return new ChargebeeError({
    class: classify(status, code, type),
    code,
    status,
    type,
    param: plain(Array.isArray(parsed.param) ? parsed.param[0] : parsed.param),
    causeID: plain(parsed.error_cause_id),
    retryAfterMs,
  });
}

/** No answer, or none that could be understood. */
export function errorFromTransport(cause: unknown, status = 0): ChargebeeError {
  return new ChargebeeError({ class: "unavailable", code: "", status, cause });
}

function classify(status: number, code: string, type: string | undefined): ChargebeeErrorClass {
  if (code === "site_not_found" || status === 401 || status === 403) return "credentials";
  if (code === "lock_timeout" || code === "third_party_api_request_limit_exceeded") return "locked";
  if (status === 429) return "rate-limited";
  if (status >= 500 || status === 408 || status < 400) return "unavailable";
  if (type === "payment" || code.startsWith("payment_") || status === 402) return "payment";
  if (status === 404) return "not-found";
  if (status === 409) return "invalid-state";
  if (status === 422) return "key-conflict";
  return "rejected";
}

/** Seconds or an HTTP date; undefined when absent, past or unreadable. */
function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function describe(fields: ChargebeeErrorFields): string {
  if (fields.class === "paused") return "Chargebee was not called: the site's calls are paused";
  if (fields.status === 0) return "Chargebee gave no answer";
  const code = fields.code === "" ? "" : ` ${fields.code}`;
  const param = fields.param === undefined ? "" : ` for parameter ${fields.param}`;
  const cause = fields.causeID === undefined ? "" : ` (${fields.causeID})`;
  return `Chargebee answered ${fields.status}${code}${param}${cause}`;
}

/** Every member may be absent or of a shape that nobody foresaw; `param` may be a list. */
const errorSchema = z.object({
  api_error_code: z.unknown().optional(),
  type: z.unknown().optional(),
  param: z.unknown().optional(),
  error_cause_id: z.unknown().optional(),
});

function parseError(body: string): z.infer<typeof errorSchema> | undefined {
  try {
    return errorSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** Only what is shaped like an identifier is repeated; anything else could be prose about a customer. */
function plain(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9_.[\]-]{1,100}$/.test(value) ? value : undefined;
}
