import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import { ANNOTATION_RECHECK } from "../../api/v1/group.ts";
import { type Finding, wholeSeconds } from "../../core/conditions.ts";
import { type AspectFinding, type Summary, summarise } from "../../core/summarise.ts";
import type { Admission } from "./admit.ts";
import { billingFinding } from "./billing.ts";
import { type CheckDependencies, checkDns } from "./check.ts";
import type { ClaimOutcome } from "./claim.ts";
import { dnsFinding } from "./conclude.ts";
import type { Pass } from "./context.ts";
import { nextCheck, scheduleSince } from "./due.ts";
import type { FinaliseOutcome } from "./finalise.ts";
import { ownershipFinding, ownProof } from "./prove.ts";

type Refusal = Extract<Admission, { kind: "refused" }>;

const NOT_CLAIMED: Finding = { status: "Unknown", reason: "NotChecked", message: "Not looked at: the name is not claimed." };

/** Status of a domain that may not claim its name, or whose claim policy does not admit. What it holds already stays as it is. */
export function refusedByAdmission(domain: CustomDomain, id: string, refusal: Refusal, now: number): CustomDomainStatus {
  const { reason, message, stalled } = refusal;
  const finding: Finding = { status: "False", reason, message };
  const kept = domain.status?.hostnames ?? [];
  const rest: AspectFinding = kept.length > 0 ? "keep" : NOT_CLAIMED;
  const summary: Summary = {
    ...unchanged(domain, id),
    aspects: {
      Claimed: finding,
      OwnershipVerified: rest,
      HostnameActive: rest,
      CertificateReady: rest,
      DNSConfigured: rest,
      Routed: rest,
      BillingSynced: rest,
    },
    stalled: stalled ? finding : undefined,
    // The refusal is the answer to whoever asked.
    lastHandledRecheck: domain.metadata.annotations?.[ANNOTATION_RECHECK]?.slice(0, 256) ?? domain.status?.lastHandledRecheck,
    pendingRequests: [],
  };
  return summarise(summary, domain.status, domain.metadata.generation ?? 0, now);
}

/**
 * Status of a domain whose name somebody else holds, with the record that would change that, and a look at DNS for it when one
 * is due.
 */
export async function refusedByClaim(
  pass: Pass,
  refusal: Extract<ClaimOutcome, { kind: "refused" }>,
  dependencies: CheckDependencies,
  signal: AbortSignal,
): Promise<{ readonly status: CustomDomainStatus; readonly nextAt: number }> {
  const { domain, id, admission, claimant, due } = pass;
  const { names, class: found } = admission;
  const now = dependencies.clock.now();
  const proof = found.spec.ownership.proof === "Required" ? ownProof(found, claimant.tenant, names.name) : undefined;
  // Not shown to a second object of the same tenant: the first one's record is there already, and proves nothing against it.
  const contender = refusal.reason !== "DomainExists" && refusal.reason !== "NameReleasing" && proof !== undefined;
  const dns =
    contender && due.kind === "now"
      ? await checkDns({ names, class: found, id, proof, rows: [], answer: pass.proved.answer, before: [] }, dependencies, signal)
      : undefined;
  const ownership = contender ? ownershipFinding(pass.claim, pass.proved, domain.status) : NOT_CLAIMED;
  const since = scheduleSince(domain, { dnsChanged: false, claimedAt: undefined, now });
  const nextAt = due.kind === "now" ? nextCheck(claimant.uid, { verified: false, healthy: false, since, now }) : due.at;
  const summary: Summary = {
    ...unchanged(domain, id),
    domain: names.name,
    unicodeDomain: names.unicode === names.name ? undefined : names.unicode,
    className: found.metadata.name,
    aspects: {
      Claimed: { status: "False", reason: refusal.reason, message: refusal.message },
      OwnershipVerified: ownership,
      HostnameActive: NOT_CLAIMED,
      CertificateReady: NOT_CLAIMED,
      DNSConfigured: contender ? dnsFinding(dns, domain.status) : NOT_CLAIMED,
      Routed: NOT_CLAIMED,
      BillingSynced: billingFinding(pass, undefined),
    },
    stalled: undefined,
    // What was live and has been lost to another account is not live any more.
    verifiedAt: undefined,
    hostnames: [],
    dnsRecords: dns?.dnsRecords ?? (contender ? "keep" : []),
    verificationRecords: dns?.verificationRecords ?? (contender ? "keep" : []),
    check: undefined,
    checkedAt: due.kind === "now" ? now : pass.since?.checkedAt,
    nextCheckAt: nextAt,
    lastHandledRecheck: (due.kind === "now" ? due.token : undefined) ?? domain.status?.lastHandledRecheck,
    pendingRequests: due.waiting === undefined ? [] : [due.waiting],
    schedule: { since: wholeSeconds(since) },
  };
  return { status: summarise(summary, domain.status, domain.metadata.generation ?? 0, now), nextAt };
}

/** Status of a domain that is being deleted: what is awaited, and nothing else changes. */
export function waitingForRelease(
  domain: CustomDomain,
  { message, failing }: Extract<FinaliseOutcome, { kind: "waiting" }>,
  now: number,
): CustomDomainStatus {
  const deleting: Finding = { status: "False", reason: failing ? "DeletionStalled" : "Deleting", message };
  const summary: Summary = {
    ...unchanged(domain, domain.status?.id ?? domain.metadata.uid ?? ""),
    aspects: {
      Claimed: deleting,
      OwnershipVerified: "keep",
      HostnameActive: "keep",
      CertificateReady: "keep",
      DNSConfigured: "keep",
      Routed: "keep",
      BillingSynced: "keep",
    },
    stalled: undefined,
    suspended: false,
  };
  return summarise(summary, domain.status, domain.metadata.generation ?? 0, now);
}

function unchanged(domain: CustomDomain, id: string): Omit<Summary, "aspects" | "stalled"> {
  const { status } = domain;
  return {
    id,
    domain: status?.domain,
    unicodeDomain: status?.unicodeDomain,
    className: status?.className,
    suspended: domain.spec.suspend,
    verifiedAt: status?.verifiedAt,
    hostnames: status?.hostnames ?? [],
    dnsRecords: "keep",
    verificationRecords: "keep",
    check: "keep",
    couldNotAsk: undefined,
    checkedAt: undefined,
    nextCheckAt: undefined,
    lastHandledRecheck: status?.lastHandledRecheck,
    lastHandledRevalidate: status?.lastHandledRevalidate,
    lastRevalidatedAt: status?.lastRevalidatedAt,
    pendingRequests: status?.pendingRequests ?? [],
    failures: status?.failures,
    schedule: status?.schedule,
  };
}
