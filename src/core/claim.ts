import type { DomainClaimSpec } from "../api/v1/domain-claim.ts";
import { type Claimant, holderOf, isHolder, iso, tenantHash } from "./claim-spec.ts";

/**
 * The claim protocol's transitions as pure decisions (docs/designs/0002-claims.md): who may take a name and use it here, proofs
 * in claim-proof.ts, the end of a claim in claim-release.ts. Nothing here reads or writes: each function is given what a live
 * read showed and answers with the one write to make, or why there is none. A decision never
 * depends on anything a tenant can edit but the existence, name and uid of its CustomDomain.
 */

export type ClaimRefusal = "DomainExists" | "DomainAlreadyOwned" | "CompetingProof" | "NameReleasing" | "CoolingDown";

/** What the claim step of a CustomDomain's reconcile does. */
export type ClaimDecision =
  | { readonly kind: "create"; readonly spec: DomainClaimSpec }
  | {
      readonly kind: "update";
      readonly spec: DomainClaimSpec;
      readonly why: "Rebound" | "TakenOver" | "Reclaimed" | "Retenanted";
    }
  /** The claimant is the holder; nothing to write. */
  | { readonly kind: "held" }
  /** Only a live GET of the holder can tell: ask, then decide again with `holderGone`. */
  | { readonly kind: "askHolder" }
  | { readonly kind: "refused"; readonly reason: ClaimRefusal };

/** Whose namespace the holder of a claim is in now, and the TXT value of that tenant. */
export interface HolderTenant {
  readonly tenant: string;
  readonly proofValue: string;
}

/**
 * Rules 1, 2 and 5 (same tenant). `holderGone` is what a live GET of the holder said (undefined: not asked);
 * `firstInLine` is whether the claimant is the oldest CustomDomain of its tenant that could claim this name; `holderTenant` is
 * undefined where there is no holder, or nobody knows.
 */
export function decideClaim(input: {
  readonly claimant: Claimant;
  readonly domain: string;
  readonly claim: DomainClaimSpec | undefined;
  readonly issuer: string;
  readonly holderGone: boolean | undefined;
  readonly firstInLine: boolean;
  readonly holderTenant: HolderTenant | undefined;
  readonly now: number;
}): ClaimDecision {
  const { claimant, claim, domain, now, holderTenant } = input;
  if (claim === undefined) return { kind: "create", spec: freshClaim(claimant, domain, now) };
  if (claim.state === "Releasing") return { kind: "refused", reason: "NameReleasing" };
  if (claim.state === "Released") return decideReleased(claimant, claim, domain, input.issuer, now);
  const holder = claim.holder;
  const moved = holderTenant !== undefined && holderTenant.tenant !== claim.tenant ? retenanted(claim, holderTenant) : undefined;
  if (holder !== undefined && isHolder(claim, claimant))
    return moved === undefined ? { kind: "held" } : { kind: "update", spec: moved, why: "Retenanted" };
  if (claim.tenant !== claimant.tenant) {
    return { kind: "refused", reason: claim.state === "Proven" ? "DomainAlreadyOwned" : "CompetingProof" };
  }
  if (holder?.namespace === claimant.namespace && holder.name === claimant.name) {
    const { orphanedTime: _, ...kept } = claim;
    return { kind: "update", spec: { ...kept, holder: holderOf(claimant) }, why: "Rebound" };
  }
  if (input.holderGone === undefined) return { kind: "askHolder" };
  if (!input.holderGone && moved !== undefined) return { kind: "update", spec: moved, why: "Retenanted" };
  if (!input.holderGone || !input.firstInLine) return { kind: "refused", reason: "DomainExists" };
  const { orphanedTime: _, ...kept } = claim;
  const taken = { ...kept, holder: holderOf(claimant), id: claimant.id, className: claimant.className };
  return { kind: "update", spec: taken, why: "TakenOver" };
}

/**
 * The holder's namespace was given another tenant. What that one proves is asked for from now on; until then the name stays as it
 * is, for the grace period at most, and goes to whoever proves it meanwhile.
 */
function retenanted(claim: DomainClaimSpec, { tenant, proofValue }: HolderTenant): DomainClaimSpec {
  const { proofLostTime: _, ...kept } = claim;
  return { ...kept, tenant, ...(claim.proofValue === undefined ? {} : { proofValue }) };
}

function decideReleased(claimant: Claimant, claim: DomainClaimSpec, domain: string, issuer: string, now: number): ClaimDecision {
  const retained = claim.rows.length > 0;
  const sameTenant = claim.tenant === (retained ? claimant.tenant : tenantHash(issuer, domain, claimant.tenant));
  if (!sameTenant) return { kind: "refused", reason: "CoolingDown" };
  // createdTime is now for retained rows too (rule 5): the time that the tenant has for its proof counts from it.
  const fresh = { ...freshClaim(claimant, domain, now), rows: claim.rows };
  // Kept so that rule 6 knows the name is still cooling down; the first proof ends that.
  const cooling = claim.releaseAfterTime === undefined ? {} : { releaseAfterTime: claim.releaseAfterTime };
  return { kind: "update", spec: { ...fresh, ...cooling }, why: "Reclaimed" };
}

function freshClaim(claimant: Claimant, domain: string, now: number): DomainClaimSpec {
  const { tenant, id, className } = claimant;
  return { state: "Pending", holder: holderOf(claimant), tenant, id, className, domain, createdTime: iso(now), rows: [] };
}

/** Rule 6: whether the holder may have a row made at Cloudflare now. */
export function mayProvision(input: {
  readonly claim: DomainClaimSpec;
  readonly claimant: Claimant;
  readonly proof: "Required" | "ProviderOnly";
  readonly provision: "WhenSafe" | "AfterProof";
  /** Undefined = could not be found out, which is not safe. */
  readonly pointsAtUs: boolean | undefined;
  readonly contenders: number;
  readonly now: number;
}): boolean {
  const { claim } = input;
  if (!isHolder(claim, input.claimant)) return false;
  if (claim.state === "Proven") return true;
  if (claim.state !== "Pending") return false;
  if (input.proof === "ProviderOnly") return true;
  const coolingDown = claim.releaseAfterTime !== undefined && input.now < Date.parse(claim.releaseAfterTime);
  return input.provision === "WhenSafe" && input.pointsAtUs === false && input.contenders === 0 && !coolingDown;
}
