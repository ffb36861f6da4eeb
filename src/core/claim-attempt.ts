import type { DomainClaimSpec } from "../api/v1/domain-claim.ts";
import { iso } from "./claim-spec.ts";

/**
 * A claim's createdTime is when the name was last known to have no row that nobody recorded. From there a POST may be on its way
 * whose answer nobody saw, so a row of about that age is ours, and no other unrecorded one is: not one that an administrator made
 * later, nor one that is younger than a claim out of a backup.
 */

/**
 * How long after createdTime a row may appear at Cloudflare for all that: a call ends after seconds, a process that lost its
 * Lease sends none, and the rest is for clocks that differ.
 */
const LATE_MS = 10 * 60_000;
/** A POST counts for a createdTime of this age at most; an older one is renewed first. */
const POST_WITHIN_MS = 5 * 60_000;

/** Whether a row created at `createdAt` (RFC 3339) is too young to come from an attempt that began at createdTime. */
export function isAfterAttempt(createdAt: string, createdTime: string): boolean {
  return Date.parse(createdAt) - Date.parse(createdTime) > LATE_MS;
}

/**
 * The claim as it must be written before a POST is sent, right after a look-up found no row; undefined: it is so already. A claim
 * out of the future (a clock that was set back) is renewed too.
 */
export function beginAttempt(claim: DomainClaimSpec, now: number): DomainClaimSpec | undefined {
  const age = now - Date.parse(claim.createdTime);
  return age >= 0 && age < POST_WITHIN_MS ? undefined : { ...claim, createdTime: iso(now) };
}
