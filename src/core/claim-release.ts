import type { DomainClaimSpec } from "../api/v1/domain-claim.ts";
import { iso, tenantHash } from "./claim-spec.ts";

const HOUR_MS = 3_600_000;
/** Cool-down of a name that was never proven and never had a row (rule 8). */
const UNUSED_COOLDOWN_MS = 10 * 60_000;

/**
 * Rule 8's last write, once every row is verified gone. `holder` is what a live GET of the holder said;
 * "delete" removes the claim itself.
 */
export function decideEndOfRelease(input: {
  readonly claim: DomainClaimSpec;
  readonly holder: "alive" | "deleting" | "gone";
  readonly issuer: string;
  readonly cooldownMs: number;
  readonly now: number;
}): { readonly kind: "delete" } | { readonly kind: "update"; readonly spec: DomainClaimSpec } {
  const { claim, now } = input;
  if (input.holder === "alive") {
    if (claim.provenTime === undefined) return { kind: "delete" };
    return { kind: "update", spec: { ...base(claim), state: "Pending", ...holderPart(claim), rows: [], createdTime: iso(now) } };
  }
  const unused = claim.provenTime === undefined && claim.rows.length === 0;
  const rested = now + (unused ? UNUSED_COOLDOWN_MS : input.cooldownMs);
  // A cool-down that runs already (a name that was reclaimed, a tombstone that was reopened) is never cut short.
  const running = claim.releaseAfterTime === undefined ? rested : Date.parse(claim.releaseAfterTime);
  const releaseAfterTime = iso(Math.max(rested, running));
  // The rows are gone as of now: a later one comes from a POST that is on its way still (rule 13), an earlier one is not there.
  const { id: _, ...rest } = { ...base(claim), createdTime: iso(now) };
  // Without a holder it is a tombstone that rule 13 reopened: its tenant is hashed already.
  const tenant = claim.holder === undefined ? claim.tenant : tenantHash(input.issuer, claim.domain, claim.tenant);
  return { kind: "update", spec: { ...rest, state: "Released", tenant, rows: [], releaseAfterTime } };
}

/** Rule 8, Retain: the rows stay at Cloudflare and stay billed; nobody else gets the name without a proof. */
export function retained(claim: DomainClaimSpec): DomainClaimSpec {
  const { releaseAfterTime: _, ...kept } = claim;
  return { ...kept, state: "Released" };
}

/**
 * Rule 13: a late row of a dead leader's POST, or the end of the cool-down. `lateRow` is that of an attempt which began at
 * createdTime (claim-attempt.ts); `fuseBlown`: so many at once have one that somebody restored the tombstones.
 */
export function decideTombstone(
  claim: DomainClaimSpec,
  input: { readonly lateRow: boolean; readonly fuseBlown: boolean; readonly now: number },
): "release" | "delete" | "keep" {
  const { lateRow, fuseBlown: blown, now } = input;
  if (claim.state !== "Released" || claim.rows.length > 0) return "keep";
  if (lateRow) return blown ? "keep" : "release";
  return claim.releaseAfterTime !== undefined && now >= Date.parse(claim.releaseAfterTime) ? "delete" : "keep";
}

/** Rule 12. `holder` is what a live GET said; "unknown" (a missing CRD, an outage) never counts. */
export function decideOrphan(input: {
  readonly claim: DomainClaimSpec;
  readonly holder: "present" | "gone" | "unknown";
  readonly fuseBlown: boolean;
  readonly now: number;
}):
  | { readonly kind: "update"; readonly spec: DomainClaimSpec; readonly why: "Orphaned" | "NotOrphaned" | "OrphanReleased" }
  | { readonly kind: "keep" } {
  const { claim, now } = input;
  if (claim.state !== "Pending" && claim.state !== "Proven") return { kind: "keep" };
  if (input.holder === "unknown") return { kind: "keep" };
  if (input.holder === "present") {
    if (claim.orphanedTime === undefined) return { kind: "keep" };
    const { orphanedTime: _, ...kept } = claim;
    return { kind: "update", spec: kept, why: "NotOrphaned" };
  }
  if (claim.orphanedTime === undefined) return { kind: "update", spec: { ...claim, orphanedTime: iso(now) }, why: "Orphaned" };
  if (input.fuseBlown || now - Date.parse(claim.orphanedTime) < HOUR_MS) return { kind: "keep" };
  return { kind: "update", spec: { ...claim, state: "Releasing" }, why: "OrphanReleased" };
}

/** All fuses: more than a tenth of a class's claims, and at least 20, at once is our failure or a restore, not theirs. */
export function fuseBlown(affected: number, total: number): boolean {
  return affected >= 20 && affected * 10 > total;
}

function base(claim: DomainClaimSpec) {
  const { tenant, id, className, domain, createdTime } = claim;
  return { tenant, ...(id === undefined ? {} : { id }), className, domain, createdTime };
}

function holderPart(claim: DomainClaimSpec): Pick<DomainClaimSpec, "holder"> {
  return claim.holder === undefined ? {} : { holder: claim.holder };
}
