import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { type Finding, wholeSeconds } from "../../core/conditions.ts";
import { type AspectFinding, isLive, type Summary, summarise } from "../../core/summarise.ts";
import type { Ledger } from "../ledger.ts";
import { type hostnameAspects, hostnameRows } from "./aspects.ts";
import { billingFinding } from "./billing.ts";
import type { DnsView, RouteView } from "./check.ts";
import type { CustomDomainContext, Pass, Served } from "./context.ts";
import { nextCheck, scheduleSince } from "./due.ts";
import { ownershipFinding } from "./prove.ts";
import type { Revalidated } from "./restart.ts";

/** What a pass saw of the outside; undefined where it did not look. */
export interface Findings {
  readonly dns: DnsView | undefined;
  readonly route: RouteView | undefined;
  readonly hostname: ReturnType<typeof hostnameAspects>;
}

const NOT_VISITED: Finding = {
  status: "Unknown",
  reason: "NotChecked",
  message: "Asked once DNS, hostname and certificate are ready.",
};

/** Puts together what the pass came to: the status, when to look again, and the claim's verifiedTime when it went live. */
export async function conclude(
  pass: Pass,
  provisioned: Revalidated,
  { dns, route, hostname }: Findings,
  options: CustomDomainContext,
  signal: AbortSignal,
): Promise<Served> {
  const { domain, due, admission, claimant, id } = pass;
  const { clock, ledger } = options;
  const now = clock.now();
  const wasLive = provisioned.claim.spec.verifiedTime !== undefined;
  const aspects: Record<keyof Summary["aspects"], AspectFinding> = {
    Claimed: { status: "True", reason: "Claimed", message: `${admission.names.name} is held by this CustomDomain.` },
    OwnershipVerified: ownershipFinding(provisioned.claim, { ...pass.proved, ledger }, domain.status),
    ...hostname,
    DNSConfigured: dns === undefined || dns.condition.status === "Unknown" ? "keep" : dns.condition,
    Routed: route?.routed ?? (due.kind === "now" && !domain.spec.suspend && !wasLive ? NOT_VISITED : "keep"),
    BillingSynced: billingFinding({ ...pass, claim: provisioned.claim }, provisioned.rows.get(admission.names.name), ledger),
  };
  const holds = isLive(aspects, domain.status);
  const goesLive = holds && !wasLive && !domain.spec.suspend && provisioned.claim.spec.state === "Proven";
  const claim = goesLive ? await wentLive(provisioned.claim, now, ledger, signal) : provisioned.claim;
  const verified = claim.spec.verifiedTime !== undefined;
  const checkedAt = due.kind === "now" ? now : undefined;
  const dnsChanged =
    dns !== undefined &&
    domain.status?.dnsRecords !== undefined &&
    foundValues(dns.dnsRecords) !== foundValues(domain.status.dnsRecords);
  const since = scheduleSince(domain, { dnsChanged, claimedAt: claim.spec.createdTime, now });
  const nextAt = due.kind === "now" ? nextCheck(claimant.uid, { verified, healthy: holds, since, now }) : due.at;
  const shared = provisioned.problems.find(({ own }) => !own);
  const own = provisioned.problems.filter((problem) => problem.own);
  const stalled = own.find((problem) => problem.stalled) ?? admission.stalled;
  const summary: Summary = {
    id: claim.spec.id ?? id,
    domain: admission.names.name,
    unicodeDomain: admission.names.unicode === admission.names.name ? undefined : admission.names.unicode,
    className: admission.class.metadata.name,
    aspects,
    stalled: stalled === undefined ? undefined : { status: "False", reason: stalled.reason, message: stalled.message },
    suspended: domain.spec.suspend,
    verifiedAt: claim.spec.verifiedTime === undefined ? undefined : wholeSeconds(Date.parse(claim.spec.verifiedTime)),
    hostnames: hostnameRows(claim.spec.rows, provisioned.rows, provisioned.problems, domain.status),
    dnsRecords: dns?.dnsRecords ?? "keep",
    verificationRecords: dns?.verificationRecords ?? "keep",
    check: route?.check ?? "keep",
    couldNotAsk: shared?.message,
    checkedAt: checkedAt ?? pass.since?.checkedAt,
    nextCheckAt: nextAt,
    lastHandledRecheck: (due.kind === "now" ? due.token : undefined) ?? domain.status?.lastHandledRecheck,
    lastHandledRevalidate: provisioned.revalidated?.token ?? domain.status?.lastHandledRevalidate,
    lastRevalidatedAt: provisioned.revalidated?.at ?? domain.status?.lastRevalidatedAt,
    failures: failuresOf(own.length > 0, due.kind === "now", domain.status, now),
    schedule: { since: wholeSeconds(since) },
  };
  const soonerMs = Math.min(Number.POSITIVE_INFINITY, ...provisioned.problems.map(({ afterMs }) => afterMs));
  return { status: summarise(summary, domain.status, domain.metadata.generation ?? 0, now), nextAt, checkedAt, soonerMs };
}

/** Claims rule 7: the first time that everything holds is recorded in the claim, from where a restore brings it back. */
function wentLive(claim: DomainClaim, now: number, ledger: Ledger, signal: AbortSignal): Promise<DomainClaim> {
  return ledger.claims.replace({ ...claim, spec: { ...claim.spec, verifiedTime: new Date(now).toISOString() } }, signal);
}

/** Counted per check: how often events bring the domain back says nothing about it. */
function failuresOf(
  failed: boolean,
  checked: boolean,
  previous: CustomDomainStatus | undefined,
  now: number,
): CustomDomainStatus["failures"] {
  if (!failed) return undefined;
  const { count = 0 } = previous?.failures ?? {};
  return { count: checked || count === 0 ? count + 1 : count, since: previous?.failures?.since ?? wholeSeconds(now) };
}

function foundValues(records: DnsView["dnsRecords"]): string {
  return JSON.stringify(records.map(({ type, name, found }) => [type, name, found]));
}
