import type { APIError } from "cloudflare/error";
import type { z } from "zod";
import { type Envelope, parseEnvelope, readEnvelope } from "./envelope.ts";
import { answerError, type CallKind, type CloudflareError } from "./errors.ts";
import { retryAfterMs } from "./rate-limit-headers.ts";
import { type CustomHostname, parseRow } from "./row.ts";

/** A 2xx answer; `success: false` in it is a failure all the same. */
export async function envelopeOf(response: Response, kind: CallKind): Promise<Envelope> {
  const envelope = parseEnvelope(await response.text());
  const accepted = envelope !== undefined && (envelope.success ?? envelope.id !== undefined);
  if (accepted) return envelope;
  const retryMs = retryAfterMs(response.headers);
  throw answerError({ status: response.status, errors: envelope?.errors, retryAfterMs: retryMs }, kind);
}

/** The SDK has parsed the body of a non-2xx answer already. */
export function sdkError(error: APIError, kind: CallKind): CloudflareError {
  const errors = readEnvelope(error.error)?.errors;
  const retryMs = error.headers === undefined ? undefined : retryAfterMs(error.headers);
  return answerError({ status: error.status ?? 0, errors, retryAfterMs: retryMs }, kind);
}

/** `mutation` tells whether an unreadable row means that something may have been changed. */
export function rowOf(envelope: Envelope, mutation: boolean): CustomHostname {
  const row = parseRow(envelope.result);
  if (row === undefined) throw unreadable(mutation);
  return row;
}

export function rowsOf(envelope: Envelope): CustomHostname[] {
  if (!Array.isArray(envelope.result)) throw unreadable(false);
  return envelope.result.map(parseRow).filter((row) => row !== undefined);
}

export function resultOf<T>(envelope: Envelope, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(envelope.result);
  if (!parsed.success) throw unreadable(false);
  return parsed.data;
}

function unreadable(mutation: boolean): CloudflareError {
  return answerError({ status: 200, errors: undefined, retryAfterMs: undefined }, { mutation, secrets: [] });
}
