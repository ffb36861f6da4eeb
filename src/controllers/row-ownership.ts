import type { CustomDomain } from "../api/v1/custom-domain.ts";
import type { ClaimRow, DomainClaim } from "../api/v1/domain-claim.ts";
import { createdByUs, isGone } from "../cloudflare/hostname.ts";
import type { CustomHostname } from "../cloudflare/row.ts";
import { isAfterAttempt } from "../core/claim-attempt.ts";
import type { Ledger } from "./ledger.ts";

/** Whether a claim other than `name`'s answers for the row: two that did would delete it under each other. */
export function isRecordedElsewhere(ledger: Ledger, name: string, rowID: string): boolean {
  return ledger.claims.store.byIndex("row", rowID).some(({ metadata }) => metadata.name !== name);
}

/** Whether the row is of the age that one has which this claim's last POST made, and no other claim records it. */
export function isOfOurMaking(claim: DomainClaim, row: CustomHostname, ledger: Ledger): boolean {
  const { createdTime } = claim.spec;
  if (isRecordedElsewhere(ledger, claim.metadata.name, row.id) || row.createdAt === undefined) return false;
  return createdByUs(row, createdTime) && !isAfterAttempt(row.createdAt, createdTime);
}

/**
 * Whether the claim answers for a row that it does not record (claims rules 8 and 13): one from a POST whose answer nobody saw.
 * `www.<apex>` may be the twin of one claim and the domain of another, so a row under the name of another claim is that one's
 * affair.
 */
export function isUnrecorded(claim: DomainClaim, row: CustomHostname, ledger: Ledger): boolean {
  const { name } = claim.metadata;
  if (isGone(row) || !isOfOurMaking(claim, row, ledger)) return false;
  return row.hostname === name || ledger.claims.get(row.hostname) === undefined;
}

/**
 * Whether the name belongs to somebody for itself, so that it is no apex's twin: it is proven, or has rows that are being
 * removed or retained. Not while it is only claimed: that costs nobody anything, and would take a live redirect down.
 */
export function hasOwner(ledger: Ledger, name: string): boolean {
  const spec = ledger.claims.get(name)?.spec;
  if (spec === undefined) return false;
  return spec.state === "Proven" || (spec.state !== "Pending" && spec.rows.length > 0);
}

/**
 * The ids that status knows of a claim that was deleted by hand (claims rules 9 and 13): only under the domain's own two names,
 * and none that another claim answers for. Whoever uses an id finds out by a GET whether the row is there.
 */
export function rememberedRows(domain: CustomDomain, name: string, ledger: Ledger): ClaimRow[] {
  return (domain.status?.hostnames ?? []).flatMap(({ hostname, role, zoneID, cloudflareID: id }) => {
    const own = hostname === name || hostname === `www.${name}`;
    return own && id !== undefined && !isRecordedElsewhere(ledger, name, id) ? [{ hostname, role, zoneID, id }] : [];
  });
}
