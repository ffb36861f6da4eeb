import type { ClaimRow, DomainClaimSpec } from "../api/v1/domain-claim.ts";
import { decideClaim, type HolderTenant } from "./claim.ts";
import { decideProof, type Presence, type ProofPolicy } from "./claim-proof.ts";
import { type Claimant, tenantHash } from "./claim-spec.ts";

/** What the tests of the claim protocol share: two tenants, one name, and a claim in each of its states. */

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const NOW = Date.parse("2026-03-10T12:00:00.000Z");
export const DOMAIN = "shop.acme.com";
export const ISSUER = "acme-production";

/** RFC 3339, `ms` before {@link NOW}. */
export function ago(ms: number): string {
  return new Date(NOW - ms).toISOString();
}

export function claimant(tenant: string, changes: Partial<Claimant> = {}): Claimant {
  const uid = changes.uid ?? `uid-of-${tenant}`;
  return { namespace: `${tenant}-ns`, name: "shop", tenant, id: uid, className: "default", ...changes, uid };
}

export const ALICE = claimant("alice");
export const BOB = claimant("bob");

export function txtOf(tenant: string): string {
  return `customdomains-verify=${tenant}`;
}

/** The holder's namespace belongs to `tenant` now. */
export function givenTo(tenant: string): HolderTenant {
  return { tenant, proofValue: txtOf(tenant) };
}

export const ROW: ClaimRow = { hostname: DOMAIN, role: "Primary", zoneID: "zone-1", id: "row-1" };

export function pending(changes: Partial<DomainClaimSpec> = {}, holder = ALICE): DomainClaimSpec {
  const { namespace, name, uid, tenant, id, className } = holder;
  return {
    state: "Pending",
    domain: DOMAIN,
    holder: { namespace, name, uid },
    tenant,
    id,
    className,
    createdTime: ago(DAY),
    rows: [],
    ...changes,
  };
}

export function proven(changes: Partial<DomainClaimSpec> = {}, holder = ALICE): DomainClaimSpec {
  const value = { state: "Proven" as const, provenTime: ago(HOUR), proofValue: txtOf(holder.tenant), rows: [ROW] };
  return pending({ ...value, ...changes }, holder);
}

/** Everything that a proof and a life may have left behind. */
export const PAST = { verifiedTime: ago(HOUR), proofLostTime: ago(2 * HOUR), orphanedTime: ago(10) } as const;

export function tombstone(changes: Partial<DomainClaimSpec> = {}): DomainClaimSpec {
  return {
    state: "Released",
    domain: DOMAIN,
    tenant: tenantHash(ISSUER, DOMAIN, ALICE.tenant),
    className: "default",
    createdTime: ago(30 * DAY),
    releaseAfterTime: ago(-DAY),
    rows: [],
    ...changes,
  };
}

export function retainedClaim(changes: Partial<DomainClaimSpec> = {}): DomainClaimSpec {
  return proven({ state: "Released", createdTime: ago(90 * DAY), verifiedTime: ago(80 * DAY), ...changes });
}

export const REQUIRED: ProofPolicy = { proof: "Required", gracePeriodMs: 7 * DAY, unprovenExpiryMs: 30 * DAY };
export const PROVIDER_ONLY: ProofPolicy = { ...REQUIRED, proof: "ProviderOnly" };

/** {@link decideClaim} for `who`, first in line unless said otherwise. */
export function claimBy(
  who: Claimant,
  claim: DomainClaimSpec | undefined,
  changes: Partial<Parameters<typeof decideClaim>[0]> = {},
) {
  const input = { claimant: who, domain: DOMAIN, claim, issuer: ISSUER, holderGone: undefined, firstInLine: true, now: NOW };
  return decideClaim({ ...input, holderTenant: undefined, ...changes });
}

/** {@link decideProof} for `who`, who finds its own value and the holder's as given. */
export function proveBy(
  who: Claimant,
  claim: DomainClaimSpec,
  found: { readonly own: Presence; readonly holders: Presence } | "unknown",
  changes: Partial<Parameters<typeof decideProof>[0]> = {},
) {
  return decideProof({
    claimant: who,
    claim,
    ownValue: txtOf(who.tenant),
    finding: found === "unknown" ? { kind: "unknown" } : { kind: "asked", ...found },
    policy: REQUIRED,
    holderPolicy: REQUIRED,
    hostnameActive: false,
    lapseAllowed: true,
    now: NOW,
    ...changes,
  });
}
