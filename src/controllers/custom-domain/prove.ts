import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { disagreement, everyServerHas, everyServerLacks, type ProofAnswer, proofRecord } from "../../check/proof.ts";
import { decideProof, type Presence, type ProofDecision, type ProofFinding, type ProofPolicy } from "../../core/claim-proof.ts";
import { fuseBlown } from "../../core/claim-release.ts";
import { type Claimant, isHolder } from "../../core/claim-spec.ts";
import { type Finding, findCondition } from "../../core/conditions.ts";
import type { Ledger } from "../ledger.ts";

const HOUR_MS = 3_600_000;

export interface ProveContext {
  readonly ledger: Ledger;
  readonly class: CustomDomainClass;
  readonly claimant: Claimant;
  /** Undefined: not asked in this reconcile. */
  readonly answer: ProofAnswer | undefined;
  /** Whether Cloudflare has accepted the hostname; undefined: there is a row, and it was not seen. */
  readonly hostnameActive: boolean | undefined;
  readonly now: number;
}

export interface Proved {
  readonly claim: DomainClaim;
  readonly why: Extract<ProofDecision, { kind: "update" }>["why"] | undefined;
}

/** The TXT record that this tenant proves the name with. */
export function ownProof(
  found: CustomDomainClass,
  tenant: string,
  hostname: string,
): { readonly name: string; readonly value: string } {
  return proofRecord({ issuer: found.spec.ownership.issuer, tenant, hostname });
}

/** Claims rules 3, 4, 5 and 11: at most one write, decided on the copy of the claim that is given. */
export async function prove(claim: DomainClaim, context: ProveContext, signal: AbortSignal): Promise<Proved> {
  const { ledger, claimant, answer } = context;
  const own = ownProof(context.class, claimant.tenant, claim.metadata.name);
  const decision = decideProof({
    claimant,
    claim: claim.spec,
    ownValue: own.value,
    finding: findingOf(answer, own.value, claim.spec.proofValue),
    policy: policyOf(context.class),
    holderPolicy: holderPolicy(claim, ledger),
    hostnameActive: context.hostnameActive,
    lapseAllowed: !lossFuse(claim, ledger),
    now: context.now,
  });
  if (decision.kind === "keep") return { claim, why: undefined };
  return { claim: await ledger.claims.replace({ ...claim, spec: decision.spec }, signal), why: decision.why };
}

function findingOf(answer: ProofAnswer | undefined, own: string, holders: string | undefined): ProofFinding {
  // The registry knows no such domain: nothing is proven, nothing is lost, but a claim that waits for a proof may run out.
  if (answer?.kind === "incomplete" && answer.reason === "NXDomain") return { kind: "asked", own: "some", holders: "some" };
  if (answer === undefined || answer.kind === "incomplete") return { kind: "unknown" };
  return { kind: "asked", own: presence(answer, own), holders: holders === undefined ? "some" : presence(answer, holders) };
}

function presence(answer: ProofAnswer, value: string): Presence {
  if (everyServerHas(answer, value)) return "all";
  return everyServerLacks(answer, value) ? "none" : "some";
}

function policyOf({ spec }: CustomDomainClass): ProofPolicy {
  const { proof, gracePeriodHours, unprovenExpiryDays } = spec.ownership;
  return { proof, gracePeriodMs: gracePeriodHours * HOUR_MS, unprovenExpiryMs: unprovenExpiryDays * 24 * HOUR_MS };
}

function holderPolicy(claim: DomainClaim, ledger: Ledger): ProofPolicy | undefined {
  const found = ledger.classes.get(claim.spec.className ?? "");
  return found === undefined ? undefined : policyOf(found);
}

function lossFuse(claim: DomainClaim, ledger: Ledger): boolean {
  const proven = ledger.claims.store.byIndex("class", claim.spec.className ?? "").filter(({ spec }) => spec.state === "Proven");
  return fuseBlown(proven.filter(({ spec }) => spec.proofLostTime !== undefined).length, proven.length);
}

/** A domain that does not exist is a fact about it; everything else is only not known. */
function unread(
  { reason, message }: Extract<ProofAnswer, { readonly kind: "incomplete" }>,
  own: { readonly name: string; readonly value: string },
): Finding {
  const status = reason === "NXDomain" ? "False" : "Unknown";
  return { status, reason, message: `${message}. Ownership is proven by a TXT record at ${own.name} with value ${own.value}` };
}

/**
 * OwnershipVerified. "keep" when it was not asked. But what `previous` says of an earlier claim does not make one proven that is
 * not, and one that is proven stays so while DNS cannot be read: an outage proves nothing, for or against.
 */
export function ownershipFinding(
  claim: DomainClaim,
  context: ProveContext,
  previous: CustomDomainStatus | undefined,
): Finding | "keep" {
  const { answer, claimant } = context;
  const own = ownProof(context.class, claimant.tenant, claim.metadata.name);
  const proven = claim.spec.state === "Proven" && isHolder(claim.spec, claimant);
  if (context.class.spec.ownership.proof === "ProviderOnly") {
    if (proven && context.hostnameActive === undefined) return "keep";
    return proven && context.hostnameActive === true
      ? {
          status: "True",
          reason: "ProviderOnly",
          message: "Cloudflare has accepted the hostname; the class asks for no other proof.",
        }
      : { status: "False", reason: "AwaitingDNS", message: "Cloudflare has not accepted the hostname yet." };
  }
  if (proven && claim.spec.proofLostTime === undefined) {
    return {
      status: "True",
      reason: "Proven",
      message: `The TXT record at ${own.name} proves that the domain is yours. Keep it.`,
    };
  }
  if (proven) {
    const message = `The TXT record at ${own.name} is gone since ${claim.spec.proofLostTime}: publish it again, with value ${own.value}, or the domain is disconnected`;
    return { status: "False", reason: "ProofLost", message };
  }
  const awaiting: Finding = {
    status: "False",
    reason: "AwaitingProof",
    message: `Publish a TXT record at ${own.name} with value ${own.value}`,
  };
  const wasTrue = findCondition(previous?.conditions, "OwnershipVerified")?.status === "True";
  if (answer === undefined) return wasTrue ? awaiting : "keep";
  // Not a failure of the proof, but what keeps it from being made: the owner has to know.
  if (answer.kind === "incomplete") return unread(answer, own);
  if (answer.kind === "refused") return { status: "False", reason: answer.reason, message: answer.message };
  const split = disagreement(answer, own.value);
  if (split !== undefined) {
    const message = `${split}: ownership is proven once all name servers of the domain have the TXT record at ${own.name}`;
    return { status: "False", reason: "Propagating", message };
  }
  return awaiting;
}
