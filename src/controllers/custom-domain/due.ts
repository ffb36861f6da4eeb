import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import { ANNOTATION_RECHECK } from "../../api/v1/group.ts";
import { nextCheckDelayMs } from "../../core/schedule.ts";

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

export type Due =
  /** `fresh`: somebody asked, so Cloudflare is asked for the row itself. */
  | { readonly kind: "now"; readonly fresh: boolean; readonly token: string | undefined }
  /** `at`: Unix ms. Absolute, so that a slow reconcile does not move it. */
  | { readonly kind: "later"; readonly at: number };

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
  const specChanged = domain.status?.observedGeneration !== domain.metadata.generation;
  if (asked) {
    const allowedAt = times.checkedAt + input.recheckMinMs;
    if (now >= allowedAt) return { kind: "now", fresh: true, token };
    if (!specChanged && !input.changed && now < times.nextAt) return { kind: "later", at: Math.min(allowedAt, times.nextAt) };
  }
  if (specChanged || input.changed || now >= times.nextAt) return { kind: "now", fresh: false, token: undefined };
  return { kind: "later", at: times.nextAt };
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
