import type { CustomDomain } from "../api/v1/custom-domain.ts";
import type { ClaimRow, DomainClaim } from "../api/v1/domain-claim.ts";
import { createdByUs, isGone } from "../cloudflare/hostname.ts";
import type { CustomHostname } from "../cloudflare/row.ts";
import type { Ledger } from "./ledger.ts";

/** Whether a claim other than `name`'s answers for the row: two that did would delete it under each other. */
export function isRecordedElsewhere(ledger: Ledger, name: string, rowID: string): boolean {
  return ledger.claims.store.byIndex("row", rowID).some(({ metadata }) => metadata.name !== name);
}

/**
 * Whether the claim answers for a row that it does not record (claims rules 8 and 13): one that is younger than its createdTime,
 * from a POST whose answer nobody saw. `www.<apex>` may be the twin of one claim and the domain of another, so a row under the
 * name of another claim is that one's affair.
 */
export function isUnrecorded(claim: DomainClaim, row: CustomHostname, ledger: Ledger): boolean {
  const { name } = claim.metadata;
  if (isGone(row) || !createdByUs(row, claim.spec.createdTime) || isRecordedElsewhere(ledger, name, row.id)) return false;
  return row.hostname === name || ledger.claims.get(row.hostname) === undefined;
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
