import { createHash } from "node:crypto";
import type { ClaimRow, DomainClaimSpec } from "../api/v1/domain-claim.ts";

/** A CustomDomain as the protocol sees it. */
export interface Claimant {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly tenant: string;
  /** The id it would have: an accepted label, else its uid. The claim's own id wins once there is one. */
  readonly id: string;
  readonly className: string;
}

/** As many rows as a claim can record. */
export const MAX_ROWS = 4;

/** Whether exactly this CustomDomain (by uid) holds the claim. */
export function isHolder(claim: DomainClaimSpec, claimant: Pick<Claimant, "namespace" | "name" | "uid">): boolean {
  const holder = claim.holder;
  return holder?.uid === claimant.uid && holder.namespace === claimant.namespace && holder.name === claimant.name;
}

/** Rules 6 and 7: the ids of a provisioning pass, or the first time live. */
export function withRows(claim: DomainClaimSpec, rows: readonly ClaimRow[]): DomainClaimSpec {
  return { ...claim, rows: [...rows] };
}

/** Stands in for the tenant's name on a released claim: equal for the same tenant, telling nobody which one it was. */
export function tenantHash(issuer: string, domain: string, tenant: string): string {
  return `sha256-${createHash("sha256").update(`${issuer}|released|${domain}|${tenant}`).digest("hex").slice(0, 40)}`;
}

export function holderOf({ namespace, name, uid }: Claimant): NonNullable<DomainClaimSpec["holder"]> {
  return { namespace, name, uid };
}

/** RFC 3339, in UTC. */
export function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
