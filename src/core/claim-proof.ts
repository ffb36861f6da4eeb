import type { DomainClaimSpec } from "../api/v1/domain-claim.ts";
import { type Claimant, holderOf, isHolder, iso } from "./claim-spec.ts";

/** A transfer needs the old proof to have been missing for this long (rule 4). */
export const TRANSFER_AFTER_LOST_MS = 24 * 3_600_000;

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
  // Also for a Proven claim without this value: its class asked for none at the time.
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

/** A proof that a Proven claim lacked so far is no new life. */
function provenByHolder({ claim, ownValue, now }: ProofInput): DomainClaimSpec {
  const provenTime = claim.state === "Proven" ? (claim.provenTime ?? iso(now)) : iso(now);
  return proven(claim, { provenTime, proofValue: ownValue });
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
