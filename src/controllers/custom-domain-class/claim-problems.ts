import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { fuseBlown } from "../../core/claim-release.ts";
import type { Finding } from "../../core/conditions.ts";
import type { ReleaseProgress } from "../domain-claim/progress.ts";

/** Why a class that is being deleted is still there. `accounts`: BillingAccounts that answer for lines at its site. */
export function deletionProblem(found: CustomDomainClass, claims: number, accounts: number): Finding | undefined {
  if (found.metadata.deletionTimestamp === undefined) return undefined;
  const users = [
    ...(claims === 0 ? [] : [`${claims} domain ${claims === 1 ? "claim" : "claims"}`]),
    ...(accounts === 0 ? [] : [`${accounts} ${accounts === 1 ? "BillingAccount" : "BillingAccounts"} with lines at Chargebee`]),
  ];
  const message =
    users.length === 0
      ? "It is not known yet whether the class is still needed."
      : `Still needed by ${users.join(" and ")}: the class goes when they are gone.`;
  return { status: "False", reason: "ClassInUse", message };
}

/** ProofReliable: False while claims rule 11's fuse keeps every name where it is. */
export function proofFinding(claims: readonly DomainClaim[]): Finding {
  const proven = claims.filter(({ spec }) => spec.state === "Proven");
  const lost = proven.filter(({ spec }) => spec.proofLostTime !== undefined).length;
  if (!fuseBlown(lost, proven.length)) {
    return { status: "True", reason: "ProofsPresent", message: "Proofs of ownership are found as expected." };
  }
  const message = `${lost} of ${proven.length} proofs of ownership are missing at once: nothing is taken from anybody until an administrator has looked at DNS`;
  return { status: "False", reason: "MassProofLoss", message };
}

/** Names that Cloudflare does not let go now (claims rule 10). */
export function releaseProblem(claims: readonly DomainClaim[], progress: ReleaseProgress): Finding | undefined {
  const count = progress.count(claims.map(({ metadata }) => metadata.name));
  if (count === 0) return undefined;
  const names = count === 1 ? "1 name" : `${count} names`;
  const message = `${names} cannot be released at Cloudflare now: tried again by itself`;
  return { status: "False", reason: "ReleaseFailing", message };
}

/** Claims rule 12's fuse: so many holders gone at once look like a restore or a removed CRD, not like deletions. */
export function orphanProblem(claims: readonly DomainClaim[]): Finding | undefined {
  const held = claims.filter(({ spec }) => spec.state === "Pending" || spec.state === "Proven");
  const orphaned = held.filter(({ spec }) => spec.orphanedTime !== undefined).length;
  if (!fuseBlown(orphaned, held.length)) return undefined;
  const message = `The CustomDomains of ${orphaned} of ${held.length} claims are gone without having been finalised: nothing is deleted at Cloudflare until an administrator has looked`;
  return { status: "False", reason: "MassOrphaning", message };
}
