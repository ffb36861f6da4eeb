import type { CustomDomainStatus, VerificationRecord } from "../../api/v1/custom-domain-status.ts";
import { ANNOTATION_RECHECK } from "../../api/v1/group.ts";
import { type Finding, findCondition } from "../../core/conditions.ts";
import { desiredRecords } from "../../core/desired-records.ts";
import { verificationRecords } from "../../core/records.ts";
import { type Summary, summarise } from "../../core/summarise.ts";
import type { Pass, Served } from "./context.ts";
import { ownProof } from "./prove.ts";

const LOOK_AGAIN_MS = 60_000;

/** Whether status says already that the claim is being released: only once, since what came after it must not be overwritten. */
export function knowsOfRelease(status: CustomDomainStatus | undefined): boolean {
  const reason = findCondition(status?.conditions, "Claimed")?.reason;
  return reason === "ClaimLost" || reason === "NameReleasing";
}

/** The claim was lost to a lapse or an expiry: the claim controller removes the rows. */
export function lapsed(pass: Pass, now: number): Served {
  const { domain, id, claim } = pass;
  const expired = claim.spec.provenTime === undefined;
  const reason = expired ? ("ProofExpired" as const) : ("ProofLapsed" as const);
  const message = expired
    ? "The TXT record was not published in time, so the name was given up: publish it, then edit this object or set the recheck annotation."
    : "The TXT record stayed away longer than the grace period, so the domain was disconnected: publish it again.";
  const finding: Finding = { status: "False", reason, message };
  const lost: Finding = { status: "False", reason: "ClaimLost", message };
  const previous = domain.status;
  const summary: Summary = {
    id,
    domain: claim.spec.domain,
    unicodeDomain: previous?.unicodeDomain,
    className: claim.spec.className,
    aspects: {
      Claimed: lost,
      OwnershipVerified: finding,
      HostnameActive: lost,
      CertificateReady: lost,
      DNSConfigured: "keep",
      Routed: lost,
      BillingSynced: "keep",
    },
    stalled: expired ? finding : undefined,
    suspended: false,
    verifiedAt: undefined,
    hostnames: [],
    dnsRecords: "keep",
    verificationRecords: toPublish(pass),
    check: undefined,
    couldNotAsk: undefined,
    checkedAt: now,
    // A name that was given up is looked at no more until somebody asks.
    nextCheckAt: expired ? undefined : now + LOOK_AGAIN_MS,
    lastHandledRecheck: domain.metadata.annotations?.[ANNOTATION_RECHECK]?.slice(0, 256) ?? previous?.lastHandledRecheck,
    lastHandledRevalidate: previous?.lastHandledRevalidate,
    lastRevalidatedAt: previous?.lastRevalidatedAt,
    pendingRequests: [],
    failures: undefined,
    schedule: previous?.schedule,
  };
  return {
    status: summarise(summary, previous, domain.metadata.generation ?? 0, now),
    nextAt: now + LOOK_AGAIN_MS,
    checkedAt: now,
    soonerMs: LOOK_AGAIN_MS,
  };
}

/** While it was live there was nothing to publish. Now there is: what the last look did not find right, and the TXT in any case. */
function toPublish({ admission, claimant, domain }: Pass): readonly VerificationRecord[] {
  const { class: found, names } = admission;
  const proof = found.spec.ownership.proof === "Required" ? ownProof(found, claimant.tenant, names.name) : undefined;
  const desired = desiredRecords({ hostname: names, proof, dns: found.spec.dns, rows: [] });
  const rows = (domain.status?.dnsRecords ?? []).filter(({ purpose, state }) => purpose !== "Ownership" || state !== "Ok");
  return verificationRecords(rows, desired);
}
