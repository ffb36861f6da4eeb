import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { DomainClaimSpec } from "../../api/v1/domain-claim.ts";
import { proofRecord } from "../../check/proof.ts";
import type { HolderTenant } from "../../core/claim.ts";
import { findCondition } from "../../core/conditions.ts";
import { unpacked } from "../../kube/status-packing.ts";
import { knownTenant, type Ledger } from "../ledger.ts";
import { admit } from "./admit.ts";

/** Whose namespace the holder is in now: an administrator may have given it another tenant since. */
export function holderTenant({ holder, domain }: DomainClaimSpec, issuer: string, ledger: Ledger): HolderTenant | undefined {
  const tenant = holder === undefined ? undefined : knownTenant(ledger, holder.namespace);
  return tenant === undefined ? undefined : { tenant, proofValue: proofRecord({ issuer, tenant, hostname: domain }).value };
}

/** Of the living domains of one tenant that could claim the name, the oldest goes first. */
export function isFirstInLine(self: CustomDomain, tenant: string, name: string, ledger: Ledger): boolean {
  const others = ledger.domains.store.byIndex("domain", name).filter(({ metadata }) => metadata.uid !== self.metadata.uid);
  return others.every((other) => age(self) < age(other) || !isRival(other, tenant, name, ledger));
}

/** One that can never claim the name would keep the others waiting for ever. What is not known of it yet counts for it. */
function isRival(other: CustomDomain, tenant: string, name: string, ledger: Ledger): boolean {
  if (other.metadata.deletionTimestamp !== undefined) return false;
  const theirs = knownTenant(ledger, other.metadata.namespace ?? "");
  if (theirs === undefined) return true;
  if (theirs !== tenant) return false;
  const { status, metadata } = unpacked(other);
  // Given up for want of a proof: only an edit or a recheck claims the name again.
  const expired = findCondition(status?.conditions, "Stalled")?.reason === "ProofExpired";
  if (expired && status?.observedGeneration === metadata.generation) return false;
  const admission = admit(other, ledger);
  return admission.kind === "admitted" && admission.names.name === name;
}

function age({ metadata }: CustomDomain): string {
  return `${metadata.creationTimestamp ?? ""} ${metadata.uid ?? ""}`;
}
