import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { PendingRequest } from "../../api/v1/custom-domain-status.ts";
import { ANNOTATION_RECHECK } from "../../api/v1/group.ts";
import { wholeSeconds } from "../../core/conditions.ts";
import { nextCheckDelayMs } from "../../core/schedule.ts";

const SECOND_MS = 1_000;

/** When a domain was last looked at and is to be looked at next; Unix ms. */
export interface CheckTimes {
  readonly checkedAt: number;
  readonly nextAt: number;
}

/**
 * The times of the last checks, of which status holds an older copy: timestamps alone are written every five minutes at most.
 * In memory; after a restart status decides, and a check is at most early.
 */
export class CheckMemory {
  readonly #times = new Map<string, CheckTimes>();

  get(domain: CustomDomain): CheckTimes | undefined {
    const known = this.#times.get(domain.metadata.uid ?? "");
    if (known !== undefined) return known;
    const { lastCheckedAt, nextCheckAt } = domain.status ?? {};
    if (lastCheckedAt === undefined || nextCheckAt === undefined) return undefined;
    return { checkedAt: Date.parse(lastCheckedAt), nextAt: Date.parse(nextCheckAt) };
  }

  set(uid: string, times: CheckTimes): void {
    this.#times.set(uid, times);
  }

  forget(uid: string): void {
    this.#times.delete(uid);
  }
}

/** `waiting`: a recheck that was asked for too soon after the last check. */
export type Due = { readonly waiting?: PendingRequest | undefined } & (
  | {
      readonly kind: "now";
      /** Somebody asked, so Cloudflare is asked for the row itself. */
      readonly fresh: boolean;
      /** What is handled by this check. */
      readonly token: string | undefined;
    }
  /** `at`: Unix ms. Absolute, so that a slow reconcile does not move it. */
  | { readonly kind: "later"; readonly at: number }
);

/**
 * Whether a check is due: never made, its time has come, the spec or Cloudflare's rows changed, or somebody set the recheck
 * annotation to a new token (not more often than `recheckMinSeconds`).
 */
export function checkDue(
  domain: CustomDomain,
  input: {
    readonly times: CheckTimes | undefined;
    readonly changed: boolean;
    readonly recheckMinMs: number;
    readonly now: number;
  },
): Due {
  const { times, now } = input;
  const token = domain.metadata.annotations?.[ANNOTATION_RECHECK]?.slice(0, 256);
  const asked = token !== undefined && token !== "" && token !== domain.status?.lastHandledRecheck;
  if (times === undefined) return { kind: "now", fresh: false, token };
  const allowedAt = asked ? recheckAllowedAt(domain, times, input) : Number.POSITIVE_INFINITY;
  if (asked && now >= allowedAt) return { kind: "now", fresh: true, token };
  const waiting = asked ? tooSoon(token, allowedAt, input.recheckMinMs) : undefined;
  const specChanged = domain.status?.observedGeneration !== domain.metadata.generation;
  if (specChanged || input.changed || now >= times.nextAt) return { kind: "now", fresh: false, token: undefined, waiting };
  return { kind: "later", at: Math.min(allowedAt, times.nextAt), waiting };
}

/**
 * In whole seconds, as status holds it. Told once, it stands: the checks of the schedule in between, which may come more often
 * than rechecks may, do not put it off, and neither do further tokens.
 */
function recheckAllowedAt(
  { status }: CustomDomain,
  { checkedAt }: CheckTimes,
  { recheckMinMs, now }: { readonly recheckMinMs: number; readonly now: number },
): number {
  const told = status?.pendingRequests?.find(({ annotation }) => annotation === ANNOTATION_RECHECK);
  if (told !== undefined && Date.parse(told.notBefore) <= now + recheckMinMs) return Date.parse(told.notBefore);
  return Math.ceil((checkedAt + recheckMinMs) / SECOND_MS) * SECOND_MS;
}

function tooSoon(token: string, allowedAt: number, recheckMinMs: number): PendingRequest {
  const notBefore = wholeSeconds(allowedAt);
  const message = `The domain was checked less than ${recheckMinMs / SECOND_MS} s before: it is checked again at ${notBefore}.`;
  return { annotation: ANNOTATION_RECHECK, token, notBefore, reason: "RecheckTooSoon", message };
}

/**
 * What the intervals count from: now after a change of spec or of what DNS says, else as before. A claim that began later (the
 * first one, or one after a lapse or an expiry) begins anew.
 */
export function scheduleSince(
  domain: CustomDomain,
  input: { readonly dnsChanged: boolean; readonly claimedAt: string | undefined; readonly now: number },
): number {
  const { since } = domain.status?.schedule ?? {};
  const specChanged =
    domain.status?.observedGeneration !== undefined && domain.status.observedGeneration !== domain.metadata.generation;
  if (specChanged || input.dnsChanged) return input.now;
  const claimed = input.claimedAt === undefined ? undefined : Math.min(input.now, Date.parse(input.claimedAt));
  if (since === undefined) return claimed ?? input.now;
  return Math.max(Date.parse(since), claimed ?? 0);
}

export function nextCheck(
  uid: string,
  input: { readonly verified: boolean; readonly healthy: boolean; readonly since: number; readonly now: number },
): number {
  const { verified, healthy, since, now } = input;
  return now + nextCheckDelayMs({ uid, verified, healthy, elapsedMs: Math.max(0, now - since) });
}
