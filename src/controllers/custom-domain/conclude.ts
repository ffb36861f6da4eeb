import type { CustomDomainStatus, DnsRecordRow, PendingRequest } from "../../api/v1/custom-domain-status.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import { differs, type Finding, findCondition, wholeSeconds } from "../../core/conditions.ts";
import { certificateFinding } from "../../core/expired-tokens.ts";
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

const SECOND_MS = 1_000;

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
    OwnershipVerified: explained(ownershipFinding(provisioned.claim, { ...pass.proved, ledger }, domain.status), dns),
    HostnameActive: hostname.HostnameActive,
    CertificateReady: certificate(hostname.CertificateReady, pass, dns),
    DNSConfigured: dnsFinding(dns, domain.status),
    Routed: route?.routed ?? (due.kind === "now" && !domain.spec.suspend && !wasLive ? NOT_VISITED : "keep"),
    BillingSynced: billingFinding({ ...pass, claim: provisioned.claim }, provisioned.rows.get(admission.names.name), ledger),
  };
  const holds = isLive(aspects, domain.status);
  const goesLive = holds && !wasLive && !domain.spec.suspend && provisioned.claim.spec.state === "Proven";
  const claim = goesLive ? await wentLive(provisioned.claim, now, ledger, signal) : provisioned.claim;
  const verified = claim.spec.verifiedTime !== undefined;
  const checkedAt = due.kind === "now" ? now : undefined;
  const dnsChanged =
    dns !== undefined && domain.status?.dnsRecords !== undefined && findsChanged(dns.dnsRecords, domain.status.dnsRecords);
  const since = scheduleSince(domain, { dnsChanged, claimedAt: claim.spec.createdTime, now });
  const planned = nextCheck(claimant.uid, { verified, healthy: holds, since, now });
  const nextAt = due.kind === "now" ? (due.fresh ? notPutOff(planned, pass, now) : planned) : due.at;
  const shared = provisioned.problems.find(({ own }) => !own);
  const own = provisioned.problems.filter((problem) => problem.own);
  const stalled = own.find((problem) => problem.stalled) ?? admission.stalled;
  const waiting = [due.waiting, provisioned.waiting].filter((request) => request !== undefined);
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
    pendingRequests: waiting,
    failures: failuresOf(own.length > 0, due.kind === "now", domain.status, now),
    schedule: { since: wholeSeconds(since) },
  };
  const soonerMs = Math.min(...provisioned.problems.map(({ afterMs }) => afterMs), ...waiting.map((each) => dueIn(each, now)));
  return { status: summarise(summary, domain.status, domain.metadata.generation ?? 0, now), nextAt, checkedAt, soonerMs };
}

/**
 * DNSConfigured. What was right stays so while DNS cannot be read: an outage of ours, or of a name server, takes nobody's site down.
 * What was not right, or not known, is told with the cause.
 */
export function dnsFinding(dns: DnsView | undefined, previous: CustomDomainStatus | undefined): AspectFinding {
  if (dns === undefined) return "keep";
  const wasRight = findCondition(previous?.conditions, "DNSConfigured")?.status === "True";
  return dns.condition.status === "Unknown" && wasRight ? "keep" : dns.condition;
}

/** A TXT record that is there and wrong is told with what is wrong, instead of only what is awaited. */
function explained(finding: AspectFinding, dns: DnsView | undefined): AspectFinding {
  if (finding === "keep" || finding.reason !== "AwaitingProof") return finding;
  const row = dns?.dnsRecords.find(({ purpose, state }) => purpose === "Ownership" && state !== "Extra");
  const reason = SPECIFIC.find((each) => each === row?.reason);
  return reason === undefined || row?.message === undefined ? finding : { status: "False", reason, message: row.message };
}

const SPECIFIC = ["WrongRecord", "DoubledZone", "WrongName", "QuotedValue"] as const;

function certificate(finding: AspectFinding, { domain, admission }: Pass, dns: DnsView | undefined): AspectFinding {
  if (finding === "keep") return finding;
  const rows: readonly DnsRecordRow[] = dns?.dnsRecords ?? domain.status?.dnsRecords ?? [];
  const resolved = dnsFinding(dns, domain.status);
  const condition = resolved === "keep" ? findCondition(domain.status?.conditions, "DNSConfigured") : resolved;
  return certificateFinding(finding, rows, { hostname: admission.names.name, leadsHere: condition?.status === "True" });
}

/** A recheck leaves the schedule's own check where it was: only that one revives what Cloudflare gave up on. */
function notPutOff(planned: number, { since }: Pass, now: number): number {
  return since === undefined || since.nextAt <= now ? planned : Math.min(planned, since.nextAt);
}

function dueIn({ notBefore }: PendingRequest, now: number): number {
  return Math.max(SECOND_MS, Date.parse(notBefore) - now);
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

/** Whether DNS itself says something else than before. That it could not be read, or that more is looked for, is no change of it. */
function findsChanged(rows: readonly DnsRecordRow[], before: readonly DnsRecordRow[]): boolean {
  const keyOf = ({ type, name, state }: DnsRecordRow): string => `${type} ${name} ${state === "Extra"}`;
  const known = new Map(before.map((row) => [keyOf(row), row]));
  if ([...rows, ...before].some(({ state }) => state === "Unknown")) return false;
  const extras = (all: readonly DnsRecordRow[]): readonly string[] => all.filter(({ state }) => state === "Extra").map(keyOf);
  if (differs(extras(rows), extras(before))) return true;
  return rows.some((row) => {
    const earlier = known.get(keyOf(row));
    return earlier !== undefined && differs(row.found, earlier.found);
  });
}
