import type { Reason } from "../api/v1/reasons.ts";
import type { EnvelopeError } from "./envelope.ts";
import { ERROR_CODES, type ErrorClass } from "./error-codes.ts";
import { clean } from "./remote-text.ts";

export interface CloudflareErrorDetails {
  readonly class: ErrorClass;
  readonly message: string;
  /** Cloudflare's error code. */
  readonly code?: number | undefined;
  /** HTTP status; absent when no answer came. */
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  /** A mutation that may have been applied all the same: look before repeating it. Never true for reads. */
  readonly ambiguous: boolean;
  /** When it is not the one of the class. */
  readonly reason?: Reason | undefined;
  readonly cause?: unknown;
}

export class CloudflareError extends Error {
  readonly class: ErrorClass;
  readonly code: number | undefined;
  readonly status: number | undefined;
  /** Milliseconds before which repeating is useless. */
  readonly retryAfterMs: number | undefined;
  readonly ambiguous: boolean;
  readonly reason: Reason;

  constructor(details: CloudflareErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "CloudflareError";
    this.class = details.class;
    this.code = details.code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.ambiguous = details.ambiguous;
    this.reason = details.reason ?? REASONS[details.class];
  }
}

const REASONS: Readonly<Record<ErrorClass, Reason>> = {
  Unauthorized: "Unauthorized",
  SaaSNotEnabled: "SaaSNotEnabled",
  QuotaExceeded: "QuotaExceeded",
  Duplicate: "HostnameConflict",
  NotFound: "DeletedUpstream",
  InvalidSpec: "InvalidSettings",
  PlanRequired: "PlanRequired",
  OriginMissing: "OriginNotReady",
  NotModifiable: "ProviderRefused",
  RateLimited: "RateLimited",
  InvalidId: "DeletedUpstream",
  ConfigWrong: "ZoneNotFound",
  Transient: "ProviderUnavailable",
  OperatorBug: "ProviderRefused",
};

/** Our sentence per class; Cloudflare's own text follows it. */
const SENTENCES: Readonly<Record<ErrorClass, string>> = {
  Unauthorized: "Cloudflare refused the API token: it needs 'SSL and Certificates: Edit' on the zone",
  SaaSNotEnabled: "Cloudflare for SaaS is not enabled on the zone",
  QuotaExceeded: "The zone's quota of custom hostnames is used up",
  Duplicate: "Cloudflare already has a custom hostname of this name",
  NotFound: "Cloudflare does not know the custom hostname",
  InvalidSpec: "Cloudflare refused the settings of the custom hostname",
  PlanRequired: "The Cloudflare plan does not include a setting that was asked for",
  OriginMissing: "The custom origin server has no A, AAAA or CNAME record in the zone yet",
  NotModifiable: "Cloudflare does not let this custom hostname be modified",
  RateLimited: "Cloudflare's rate limit is reached",
  InvalidId: "Cloudflare rejected the stored id of the custom hostname",
  ConfigWrong: "The zone id or API address of the class is wrong",
  Transient: "Cloudflare could not be asked",
  OperatorBug: "Cloudflare did not understand the operator's request",
};

/** A complete answer that is not a success. */
export interface FailedAnswer {
  readonly status: number;
  /** Cloudflare's errors, each followed by its chain; undefined when the body was not Cloudflare's JSON. */
  readonly errors: readonly EnvelopeError[] | undefined;
  readonly retryAfterMs: number | undefined;
}

export interface CallKind {
  /** True for POST, PATCH and DELETE. */
  readonly mutation: boolean;
  /** Text that must never reach a message, such as the token. */
  readonly secrets: readonly string[];
}

/** The error for an answer with a non-2xx status, `success: false`, or a body that is not what was promised. */
export function answerError(answer: FailedAnswer, call: CallKind): CloudflareError {
  const known = answer.errors?.find((error) => ERROR_CODES.has(error.code));
  const shown = known ?? answer.errors?.[0];
  const errorClass = (known === undefined ? undefined : ERROR_CODES.get(known.code)) ?? classOfStatus(answer, call);
  return new CloudflareError({
    class: errorClass,
    code: shown?.code,
    status: answer.status,
    retryAfterMs: answer.retryAfterMs,
    // Every other class is a definite refusal of this very request.
    ambiguous: call.mutation && errorClass === "Transient",
    message: `${SENTENCES[errorClass]} (${shown === undefined ? describeStatus(answer) : describeError(shown, answer.status, call.secrets)})`,
  });
}

/** Codes decide where they can; a 404 counts as "no such hostname" only in Cloudflare's own words, never from a proxy's page. */
function classOfStatus({ status, errors }: FailedAnswer, { mutation }: CallKind): ErrorClass {
  if (status === 429) return "RateLimited";
  if (status >= 500 || status === 408 || status === 409 || (status >= 200 && status < 300)) return "Transient";
  if (status >= 300 && status < 400) return "ConfigWrong";
  if (status === 401 || status === 403) return errors === undefined ? "Transient" : "Unauthorized";
  if (status === 404) return errors === undefined ? "ConfigWrong" : "NotFound";
  if ((status === 400 || status === 422) && mutation && errors !== undefined) return "InvalidSpec";
  return "OperatorBug";
}

/** No complete answer: connection, TLS, timeout, or an answer cut off. `sent` = the request may have reached Cloudflare. */
export function transportError(cause: unknown, sent: boolean, call: CallKind): CloudflareError {
  return new CloudflareError({
    class: "Transient",
    ambiguous: call.mutation && sent,
    message: `${SENTENCES.Transient} (${clean(transportText(cause), call.secrets)})`,
    cause,
  });
}

/** The operator itself holds the call back: nothing was sent. */
export function heldBack(errorClass: ErrorClass, why: string, retryAfterMs: number, reason?: Reason): CloudflareError {
  return new CloudflareError({
    class: errorClass,
    ambiguous: false,
    retryAfterMs,
    reason,
    message: `${SENTENCES[errorClass]} (${why})`,
  });
}

/** A request the operator must not send, such as one with an id that is no id. */
export function refusedLocally(
  errorClass: "InvalidId" | "ConfigWrong" | "OperatorBug" | "Unauthorized",
  why: string,
): CloudflareError {
  return new CloudflareError({ class: errorClass, ambiguous: false, message: `${SENTENCES[errorClass]} (${why})` });
}

/** Connection errors that prove that no byte of the request left. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);

export function wasNeverSent(error: unknown): boolean {
  const code = systemCode(error);
  return code !== undefined && NEVER_SENT.has(code);
}

function transportText(cause: unknown): string {
  return systemCode(cause) ?? (cause instanceof Error ? cause.message : "no answer");
}

/** The first `code` down the chain of causes: fetch wraps the socket's error. */
function systemCode(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    if ("code" in current && typeof current.code === "string") return current.code;
    current = current.cause;
  }
  return undefined;
}

function describeStatus({ status }: FailedAnswer): string {
  return status >= 200 && status < 300 ? `unreadable answer with HTTP ${status}` : `HTTP ${status}`;
}

function describeError(error: EnvelopeError, status: number, secrets: readonly string[]): string {
  const text = clean(error.message, secrets);
  return `${text === "" ? `HTTP ${status}` : text}, code ${error.code}`;
}
