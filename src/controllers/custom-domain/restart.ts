import type { PendingRequest } from "../../api/v1/custom-domain-status.ts";
import { ANNOTATION_REVALIDATE } from "../../api/v1/group.ts";
import type { CloudflareApi } from "../../cloudflare/api.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import { restartable, restartInput } from "../../cloudflare/hostname.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { wholeSeconds } from "../../core/conditions.ts";
import type { Providers } from "../providers.ts";
import type { Pass } from "./context.ts";
import type { Provisioned, WantedRow } from "./provision.ts";

const SECOND_MS = 1_000;
const AUTOMATIC_EVERY_MS = 6 * 3_600_000;
/** The least distance of a restart that was asked for from the last one: Cloudflare's budget is shared by all domains. */
const REQUESTED_EVERY_MS = 300_000;

/** The rows after a restart, and what status records of it. */
export type Revalidated = Provisioned & {
  readonly revalidated?: { readonly token: string | undefined; readonly at: string | undefined };
  /** A restart that was asked for too soon after the last one. */
  readonly waiting?: PendingRequest;
};

export interface RestartContext {
  readonly providers: Providers;
  /** Names whose DNS is right by this very pass's own look; undefined where it did not look. */
  readonly leadingHere: ReadonlySet<string> | undefined;
  readonly now: number;
}

/**
 * The one PATCH that only restarts Cloudflare's validation: by itself for a row that Cloudflare gave up on (moved, timed out)
 * once DNS is right, at most every six hours; once per token of the revalidate annotation, also for a blocked one, at most
 * every five minutes. A pass that answers a recheck never sends the former (requirement S37).
 */
export async function restartValidation(
  pass: Pass,
  provisioned: Provisioned,
  wanted: readonly WantedRow[],
  { providers, leadingHere, now }: RestartContext,
  signal: AbortSignal,
): Promise<Revalidated> {
  const { domain, admission, due } = pass;
  if (domain.spec.suspend) return provisioned;
  const token = requested(pass);
  const last = Date.parse(domain.status?.lastRevalidatedAt ?? "");
  const sinceMs = Number.isNaN(last) ? Number.POSITIVE_INFINITY : now - last;
  const answersRecheck = due.kind === "now" && due.fresh;
  const automatic =
    admission.class.spec.cloudflare.autoRestartValidation && !answersRecheck && sinceMs >= AUTOMATIC_EVERY_MS
      ? leadingHere
      : undefined;
  const mayRestart = (row: CustomHostname | undefined): row is CustomHostname => {
    const kind = row === undefined ? undefined : restartable(row);
    if (row === undefined || kind === undefined) return false;
    return token !== undefined || (kind === "Automatic" && automatic?.has(row.hostname) === true);
  };
  const stuck = wanted.filter(({ wanted: want }) => mayRestart(provisioned.rows.get(want.hostname)));
  // A token that finds nothing to restart is handled, but no PATCH was sent that the next would have to keep away from.
  const untouched = token === undefined ? provisioned : { ...provisioned, revalidated: { token, at: undefined } };
  if (stuck.length === 0) return untouched;
  if (token !== undefined && sinceMs < REQUESTED_EVERY_MS)
    return { ...provisioned, waiting: tooSoon(token, last + REQUESTED_EVERY_MS) };
  const provider = providers.cloudflare(admission.class.metadata.name);
  if (provider.kind === "unavailable") return provisioned;
  const api = provider.session.api(callsOf(pass, stuck, token));
  const { restarted, problem } = await restartRows(provisioned.rows, stuck, { pass, api, mayRestart }, signal);
  const rows = new Map([...provisioned.rows, ...restarted.rows]);
  const message = "Cloudflare was asked to validate again";
  const note = { type: "Normal", reason: "ValidationRestarted", message } as const;
  const notes = restarted.rows.size > 0 ? [...provisioned.notes, note] : provisioned.notes;
  const revalidated = { token: token ?? domain.status?.lastHandledRevalidate, at: wholeSeconds(now) };
  if (problem !== undefined) {
    const failed = { ...provisioned, rows, notes, problems: [...provisioned.problems, problem] };
    return restarted.sent ? { ...failed, revalidated } : failed;
  }
  return restarted.sent ? { ...provisioned, rows, notes, revalidated } : { ...untouched, rows };
}

/** The token of the revalidate annotation that was not handled yet. */
function requested({ domain }: Pass): string | undefined {
  const token = domain.metadata.annotations?.[ANNOTATION_REVALIDATE]?.slice(0, 256);
  return token === "" || token === domain.status?.lastHandledRevalidate ? undefined : token;
}

function tooSoon(token: string, allowedAt: number): PendingRequest {
  const notBefore = wholeSeconds(allowedAt);
  const message = `Cloudflare's validation was restarted less than ${REQUESTED_EVERY_MS / SECOND_MS} s before: it is restarted again at ${notBefore}.`;
  return { annotation: ANNOTATION_REVALIDATE, token, notBefore, reason: "RevalidateTooSoon", message };
}

function callsOf({ claimant }: Pass, stuck: readonly WantedRow[], token: string | undefined) {
  return {
    subject: `CustomDomain/${claimant.namespace}/${claimant.name}`,
    why: token === undefined ? "restart of validation" : "revalidate",
    hostnames: stuck.map(({ wanted: want }) => want.hostname),
    priority: token === undefined ? "normal" : "user",
  } as const;
}

interface Restarted {
  readonly rows: ReadonlyMap<string, CustomHostname>;
  /** Whether a PATCH may have been carried out; one without an answer counts, so that it is not sent every minute. */
  readonly sent: boolean;
}

async function restartRows(
  known: Provisioned["rows"],
  stuck: readonly WantedRow[],
  context: {
    readonly pass: Pass;
    readonly api: CloudflareApi;
    readonly mayRestart: (row: CustomHostname | undefined) => row is CustomHostname;
  },
  signal: AbortSignal,
): Promise<{ readonly restarted: Restarted; readonly problem?: Provisioned["problems"][number] }> {
  const { pass, api, mayRestart } = context;
  const { zoneID } = pass.admission.class.spec.cloudflare;
  const rows = new Map<string, CustomHostname>();
  for (const { wanted: want } of stuck) {
    const { hostname } = want;
    try {
      // The edit is allowed only for a row that this reconcile has seen, and must not rest on an old snapshot.
      const current = await api.get(zoneID, known.get(hostname)?.id ?? "", signal);
      if (!mayRestart(current)) continue;
      rows.set(hostname, await api.edit(zoneID, current.id, restartInput(current, want), signal));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CloudflareError)) throw error;
      const { reason, message, ambiguous, retryAfterMs = 60_000 } = error;
      const problem = { hostname, reason, message, afterMs: Math.max(SECOND_MS, retryAfterMs), own: true, stalled: false };
      return { restarted: { rows, sent: ambiguous || rows.size > 0 }, problem };
    }
  }
  return { restarted: { rows, sent: rows.size > 0 } };
}
