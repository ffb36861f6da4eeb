import { createHash } from "node:crypto";
import type { ClaimRow, DomainClaimSpec } from "../api/v1/domain-claim.ts";

/**
 * The claim protocol's transitions as pure decisions (docs/designs/0002-claims.md). Nothing here reads or writes: each
 * function is given what a live read showed and answers with the one write to make, or why there is none. A decision never
 * depends on anything a tenant can edit but the existence, name and uid of its CustomDomain.
 */

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

export type ClaimRefusal = "DomainExists" | "DomainAlreadyOwned" | "CompetingProof" | "NameReleasing" | "CoolingDown";

/** What the claim step of a CustomDomain's reconcile does. */
export type ClaimDecision =
  | { readonly kind: "create"; readonly spec: DomainClaimSpec }
  | { readonly kind: "update"; readonly spec: DomainClaimSpec; readonly why: "Rebound" | "TakenOver" | "Reclaimed" }
  /** The claimant is the holder; nothing to write. */
  | { readonly kind: "held" }
  /** Only a live GET of the holder can tell: ask, then decide again with `holderGone`. */
  | { readonly kind: "askHolder" }
  | { readonly kind: "refused"; readonly reason: ClaimRefusal };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A transfer needs the old proof to have been missing for this long (rule 4). */
export const TRANSFER_AFTER_LOST_MS = DAY_MS;
/** Cool-down of a name that was never proven and never had a row (rule 8). */
const UNUSED_COOLDOWN_MS = 10 * 60_000;

/**
 * Rules 1, 2 and 5 (same tenant). `holderGone` is what a live GET of the holder said (undefined: not asked);
 * `firstInLine` is whether the claimant is the oldest live CustomDomain of its tenant for this name.
 */
export function decideClaim(input: {
  readonly claimant: Claimant;
  readonly domain: string;
  readonly claim: DomainClaimSpec | undefined;
  readonly issuer: string;
  readonly holderGone: boolean | undefined;
  readonly firstInLine: boolean;
  readonly now: number;
}): ClaimDecision {
  const { claimant, claim, domain, now } = input;
  if (claim === undefined) return { kind: "create", spec: freshClaim(claimant, domain, now) };
  if (claim.state === "Releasing") return { kind: "refused", reason: "NameReleasing" };
  if (claim.state === "Released") return decideReleased(claimant, claim, domain, input.issuer, now);
  const holder = claim.holder;
  if (holder !== undefined && isHolder(claim, claimant)) return { kind: "held" };
  if (claim.tenant !== claimant.tenant) {
    return { kind: "refused", reason: claim.state === "Proven" ? "DomainAlreadyOwned" : "CompetingProof" };
  }
  if (holder?.namespace === claimant.namespace && holder.name === claimant.name) {
    const { orphanedTime: _, ...kept } = claim;
    return { kind: "update", spec: { ...kept, holder: holderOf(claimant) }, why: "Rebound" };
  }
  if (input.holderGone === undefined) return { kind: "askHolder" };
  if (!input.holderGone || !input.firstInLine) return { kind: "refused", reason: "DomainExists" };
  const { orphanedTime: _, ...kept } = claim;
  const taken = { ...kept, holder: holderOf(claimant), id: claimant.id, className: claimant.className };
  return { kind: "update", spec: taken, why: "TakenOver" };
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

/** What a complete DNS answer says of one value; "some" = the servers disagree. */
export type Presence = "all" | "none" | "some";

/** What a prove step found, or that it could not ask (never a failure: W6). */
export type ProofFinding =
  | { readonly kind: "asked"; readonly own: Presence; readonly holders: Presence }
  | { readonly kind: "unknown" };

export type ProofDecision =
  | {
      readonly kind: "update";
      readonly spec: DomainClaimSpec;
      readonly why: "Proven" | "TakenOverByProof" | "Transferred" | "ProofLost" | "ProofRestored" | "Lapsed" | "Expired";
    }
  | { readonly kind: "keep" };

export interface ProofPolicy {
  readonly proof: "Required" | "ProviderOnly";
  readonly gracePeriodMs: number;
  readonly unprovenExpiryMs: number;
}

/**
 * Rules 3, 4, 5 (other tenant) and 11, for the holder or a contender. `holderPolicy` is that of the class that the claim
 * names (undefined when it is gone: no transfer). `hostnameActive` counts for `ProviderOnly` only; undefined = the row was not
 * seen. `lapseAllowed` is false while the class's fuse is blown.
 */
export function decideProof(input: {
  readonly claimant: Claimant;
  readonly claim: DomainClaimSpec;
  readonly ownValue: string;
  readonly finding: ProofFinding;
  readonly policy: ProofPolicy;
  readonly holderPolicy: ProofPolicy | undefined;
  readonly hostnameActive: boolean | undefined;
  readonly lapseAllowed: boolean;
  readonly now: number;
}): ProofDecision {
  const { claim, claimant } = input;
  if (claim.state === "Releasing") return { kind: "keep" };
  if (claim.state !== "Released" && isHolder(claim, claimant)) return decideHolderProof(input);
  if (claim.state !== "Released" && claim.tenant === claimant.tenant) return { kind: "keep" };
  return decideContenderProof(input);
}

type ProofInput = Parameters<typeof decideProof>[0];

function decideHolderProof(input: ProofInput): ProofDecision {
  const { claim, finding, policy } = input;
  if (policy.proof === "ProviderOnly") return claim.state === "Pending" ? decideByProvider(input) : { kind: "keep" };
  if (finding.kind === "unknown") return { kind: "keep" };
  // Also for a Proven claim without this value: its class asked for none at the time, or its namespace was given another tenant.
  const newValue = claim.state === "Pending" || claim.proofValue !== input.ownValue;
  if (newValue && finding.own === "all") return { kind: "update", spec: provenByHolder(input), why: "Proven" };
  if (claim.state === "Pending") return expire(input);
  if (claim.proofValue === undefined) return lose(input, finding.own);
  if (finding.holders === "all" && claim.proofLostTime !== undefined) {
    const { proofLostTime: _, ...kept } = claim;
    return { kind: "update", spec: kept, why: "ProofRestored" };
  }
  return lose(input, finding.holders);
}

function decideByProvider(input: ProofInput): ProofDecision {
  if (input.hostnameActive === undefined) return { kind: "keep" };
  if (!input.hostnameActive) return expire(input);
  return { kind: "update", spec: proven(input.claim, { provenTime: iso(input.now) }), why: "Proven" };
}

/** What another tenant had made live is not live for this one; a proof that a Proven claim lacked so far is no new life. */
function provenByHolder({ claim, claimant, ownValue, now }: ProofInput): DomainClaimSpec {
  const provenTime = claim.state === "Proven" ? (claim.provenTime ?? iso(now)) : iso(now);
  const spec = { ...proven(claim, { provenTime, proofValue: ownValue }), tenant: claimant.tenant };
  if (claim.tenant === claimant.tenant) return spec;
  const { verifiedTime: _, ...fresh } = spec;
  return fresh;
}

/** Rule 11, for a Proven claim: note the loss once; after the grace period release the name. */
function lose(input: ProofInput, presence: Presence): ProofDecision {
  const { claim, policy, now } = input;
  if (presence !== "none") return { kind: "keep" };
  if (claim.proofLostTime === undefined) return { kind: "update", spec: { ...claim, proofLostTime: iso(now) }, why: "ProofLost" };
  const overdue = now - Date.parse(claim.proofLostTime) >= policy.gracePeriodMs;
  if (!overdue || !input.lapseAllowed) return { kind: "keep" };
  return { kind: "update", spec: { ...claim, state: "Releasing" }, why: "Lapsed" };
}

/** Rule 11, for a Pending claim whose proof was just looked for: an operator that was away or blind takes nothing from anybody. */
function expire(input: ProofInput): ProofDecision {
  const { claim, policy, now } = input;
  if (now - Date.parse(claim.createdTime) < policy.unprovenExpiryMs) return { kind: "keep" };
  return { kind: "update", spec: { ...claim, state: "Releasing" }, why: "Expired" };
}

function decideContenderProof(input: ProofInput): ProofDecision {
  const { claim, claimant, finding, policy, holderPolicy, now } = input;
  if (policy.proof !== "Required" || finding.kind === "unknown") return { kind: "keep" };
  const value = { provenTime: iso(now), proofValue: input.ownValue };
  if (claim.state === "Released") {
    if (finding.own !== "all") return { kind: "keep" };
    const spec = { ...handedOver(claim, claimant, value), createdTime: iso(now) };
    return { kind: "update", spec, why: "TakenOverByProof" };
  }
  if (claim.state === "Pending") {
    if (finding.own !== "all") return { kind: "keep" };
    return { kind: "update", spec: handedOver(claim, claimant, value), why: "TakenOverByProof" };
  }
  // Proven by another tenant. What the contender's look shows of the holder's proof is as good as the holder's own look.
  if (holderPolicy?.proof !== "Required" || claim.proofValue === undefined || finding.holders !== "none") return { kind: "keep" };
  if (claim.proofLostTime === undefined) return { kind: "update", spec: { ...claim, proofLostTime: iso(now) }, why: "ProofLost" };
  const lostLongEnough = now - Date.parse(claim.proofLostTime) >= TRANSFER_AFTER_LOST_MS;
  if (finding.own !== "all" || !lostLongEnough) return { kind: "keep" };
  return { kind: "update", spec: handedOver(claim, claimant, value), why: "Transferred" };
}

/**
 * Rule 8's last write, once every row is verified gone. `holder` is what a live GET of the holder said;
 * "delete" removes the claim itself.
 */
export function decideReleased8(input: {
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
  const { id: _, ...rest } = base(claim);
  // Without a holder it is a tombstone that rule 13 reopened: its tenant is hashed already.
  const tenant = claim.holder === undefined ? claim.tenant : tenantHash(input.issuer, claim.domain, claim.tenant);
  return { kind: "update", spec: { ...rest, state: "Released", tenant, rows: [], releaseAfterTime } };
}

/** Rule 8, Retain: the rows stay at Cloudflare and stay billed; nobody else gets the name without a proof. */
export function retained(claim: DomainClaimSpec): DomainClaimSpec {
  const { releaseAfterTime: _, ...kept } = claim;
  return { ...kept, state: "Released" };
}

/** Rule 13: a late row of a dead leader's POST, or the end of the cool-down. `lateRow`: created after createdTime − 60 s. */
export function decideTombstone(claim: DomainClaimSpec, lateRow: boolean, now: number): "release" | "delete" | "keep" {
  if (claim.state !== "Released" || claim.rows.length > 0) return "keep";
  if (lateRow) return "release";
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

/** Both fuses: more than a tenth of a class's claims, and at least 20, at once is our failure or a restore, not theirs. */
export function fuseBlown(affected: number, total: number): boolean {
  return affected >= 20 && affected * 10 > total;
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

function freshClaim(claimant: Claimant, domain: string, now: number): DomainClaimSpec {
  const { tenant, id, className } = claimant;
  return { state: "Pending", holder: holderOf(claimant), tenant, id, className, domain, createdTime: iso(now), rows: [] };
}

function holderOf({ namespace, name, uid }: Claimant): NonNullable<DomainClaimSpec["holder"]> {
  return { namespace, name, uid };
}

function proven(claim: DomainClaimSpec, value: { readonly provenTime?: string; readonly proofValue?: string }): DomainClaimSpec {
  const { releaseAfterTime: _, proofLostTime: __, ...kept } = claim;
  return { ...kept, state: "Proven", ...value };
}

/**
 * The row is handed over, never deleted: rows and createdTime stay; what was the old holder's is cleared. The mark on the rows
 * makes the next pass compare all their settings, since the old holder's choices must not survive (rule 6).
 */
function handedOver(
  claim: DomainClaimSpec,
  claimant: Claimant,
  value: { provenTime: string; proofValue: string },
): DomainClaimSpec {
  const { tenant, id, className } = claimant;
  const { domain, createdTime } = claim;
  const rows = claim.rows.map((row) => ({ ...row, handedOver: true }));
  return { state: "Proven", holder: holderOf(claimant), tenant, id, className, domain, createdTime, rows, ...value };
}

function base(claim: DomainClaimSpec) {
  const { tenant, id, className, domain, createdTime } = claim;
  return { tenant, ...(id === undefined ? {} : { id }), className, domain, createdTime };
}

function holderPart(claim: DomainClaimSpec): Pick<DomainClaimSpec, "holder"> {
  return claim.holder === undefined ? {} : { holder: claim.holder };
}

function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
