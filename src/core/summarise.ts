import type { Condition } from "../api/v1/conditions.ts";
import type {
  CheckResult,
  CustomDomainStatus,
  DnsRecordRow,
  HostnameRow,
  PendingRequest,
  VerificationRecord,
} from "../api/v1/custom-domain-status.ts";
import { conditionsOf, type Finding, findCondition, truncate, wholeSeconds } from "./conditions.ts";

/** The aspects that make up Ready, in the order in which a customer gets through them. */
const READY_ASPECTS = ["Claimed", "OwnershipVerified", "HostnameActive", "CertificateReady", "DNSConfigured", "Routed"] as const;
export type Aspect = (typeof READY_ASPECTS)[number] | "BillingSynced";

/** "keep": nobody could be asked (our outage, or no check was due), so the last finding stands. */
export type AspectFinding = Finding | "keep";

/** Everything that one reconcile came to; `undefined` = no value, not "as before". */
export interface Summary {
  readonly id: string;
  readonly domain: string | undefined;
  readonly unicodeDomain: string | undefined;
  readonly className: string | undefined;
  readonly aspects: Readonly<Record<Aspect, AspectFinding>>;
  /** Set when nothing but an edit helps. */
  readonly stalled: Finding | undefined;
  readonly suspended: boolean;
  /** RFC 3339, from the claim. */
  readonly verifiedAt: string | undefined;
  readonly hostnames: readonly HostnameRow[];
  readonly dnsRecords: readonly DnsRecordRow[] | "keep";
  readonly verificationRecords: readonly VerificationRecord[] | "keep";
  readonly check: CheckResult | undefined | "keep";
  /** Why a shared failure (Cloudflare, the class) kept this look from being complete. */
  readonly couldNotAsk: string | undefined;
  readonly checkedAt: number | undefined;
  readonly nextCheckAt: number | undefined;
  readonly lastHandledRecheck: string | undefined;
  readonly lastHandledRevalidate: string | undefined;
  readonly lastRevalidatedAt: string | undefined;
  /** What was asked for by annotation and has to wait. */
  readonly pendingRequests: readonly PendingRequest[];
  readonly failures: CustomDomainStatus["failures"];
  readonly schedule: CustomDomainStatus["schedule"];
}

/** Whether `Ready` is True for these aspects, given what was known before. */
export function isLive(aspects: Summary["aspects"], previous: CustomDomainStatus | undefined): boolean {
  return readyFinding(resolve(aspects, previous?.conditions ?? [])).status === "True";
}

/**
 * The status that `summary` amounts to. Pure: `previous` supplies what is kept and when conditions last changed. The result
 * obeys kstatus: Reconciling and Stalled exist only while True, never both, and never beside Ready=True.
 */
export function summarise(
  summary: Summary,
  previous: CustomDomainStatus | undefined,
  generation: number,
  now: number,
): CustomDomainStatus {
  const before = previous?.conditions ?? [];
  const aspects = resolve(summary.aspects, before);
  const ready = summary.suspended ? pausedReady(before) : (summary.stalled ?? readyFinding(aspects));
  const verified = summary.verifiedAt !== undefined;
  const conditions = conditionsOf(before, { Ready: ready, ...aspects, ...progress(summary, ready) }, generation, now);
  const records = verified ? [] : keep(summary.verificationRecords, previous?.verificationRecords ?? []);
  const checkError = ready.status === "True" ? undefined : (summary.couldNotAsk ?? checkErrorOf(summary, previous, ready));
  return compact({
    observedGeneration: generation,
    id: summary.id,
    domain: summary.domain,
    unicodeDomain: summary.unicodeDomain,
    className: summary.className,
    verified,
    verifiedAt: summary.verifiedAt,
    lastCheckedAt: summary.checkedAt === undefined ? previous?.lastCheckedAt : wholeSeconds(summary.checkedAt),
    nextCheckAt: summary.nextCheckAt === undefined ? undefined : wholeSeconds(summary.nextCheckAt),
    checkError: checkError === undefined ? undefined : truncate(checkError),
    verificationRecords: records,
    dnsRecords: keep(summary.dnsRecords, previous?.dnsRecords ?? []),
    hostnames: summary.hostnames,
    check: keep(summary.check, previous?.check),
    lastHandledRecheck: summary.lastHandledRecheck,
    lastHandledRevalidate: summary.lastHandledRevalidate,
    lastRevalidatedAt: summary.lastRevalidatedAt,
    pendingRequests: summary.pendingRequests.length === 0 ? undefined : summary.pendingRequests,
    failures: summary.failures,
    schedule: summary.schedule,
    conditions,
  });
}

const NOT_KNOWN: Finding = { status: "Unknown", reason: "NotChecked", message: "Not looked at yet." };

function resolve(aspects: Summary["aspects"], before: readonly Condition[]): Record<Aspect, Finding> {
  const kept = (type: Aspect): Finding => {
    const finding = aspects[type];
    if (finding !== "keep") return finding;
    const condition = findCondition(before, type);
    // A condition's reason came from the same closed list when it was written.
    return condition === undefined ? NOT_KNOWN : (condition as Finding);
  };
  return {
    Claimed: kept("Claimed"),
    OwnershipVerified: kept("OwnershipVerified"),
    HostnameActive: kept("HostnameActive"),
    CertificateReady: kept("CertificateReady"),
    DNSConfigured: kept("DNSConfigured"),
    Routed: kept("Routed"),
    BillingSynced: kept("BillingSynced"),
  };
}

/** Ready says the first thing that is missing, with its reason and sentence. */
function readyFinding(aspects: Readonly<Record<Aspect, Finding>>): Finding {
  // A False tells the customer more than an earlier Unknown; the order decides among equals.
  const open = READY_ASPECTS.filter((type) => !holds(type, aspects[type]));
  const first = open.find((type) => aspects[type].status === "False") ?? open[0];
  if (first === undefined) return { status: "True", reason: "Live", message: "The domain is live." };
  const { reason, message } = aspects[causeOf(first, aspects)];
  return { status: "False", reason, message };
}

/**
 * That Cloudflare waits for DNS, or the hostname for the proof, is a consequence: which record is wrong, and how, or why DNS
 * cannot be read, is what the owner has to know.
 */
function causeOf(first: Aspect, aspects: Readonly<Record<Aspect, Finding>>): Aspect {
  const behind = { AwaitingDNS: "DNSConfigured", AwaitingProof: "OwnershipVerified" } as const;
  const { reason } = aspects[first];
  if (first === "OwnershipVerified" || (reason !== "AwaitingDNS" && reason !== "AwaitingProof")) return first;
  const cause = behind[reason];
  return aspects[cause].status !== "True" && aspects[cause].reason !== "NotChecked" ? cause : first;
}

function holds(type: Aspect, finding: Finding): boolean {
  return finding.status === "True" || (type === "Routed" && finding.reason === "CheckOff");
}

function pausedReady(before: readonly Condition[]): Finding {
  const ready = findCondition(before, "Ready");
  if (ready !== undefined && ready.status !== "Unknown") return ready as Finding;
  return { status: "False", reason: "Suspended", message: "spec.suspend is true: nothing is created or checked." };
}

function progress(summary: Summary, ready: Finding): Record<string, Finding | undefined> {
  if (summary.suspended) {
    const message = "spec.suspend is true: nothing is created, changed or checked; proof of ownership and billing go on.";
    return { Paused: { status: "True", reason: "Suspended", message } };
  }
  if (ready.status === "True") return {};
  const { reason, message } = ready;
  return summary.stalled === undefined
    ? { Reconciling: { status: "True", reason, message } }
    : { Stalled: { status: "True", reason, message } };
}

function checkErrorOf(summary: Summary, previous: CustomDomainStatus | undefined, ready: Finding): string | undefined {
  const looked = summary.checkedAt !== undefined || summary.stalled !== undefined;
  return looked || previous?.lastCheckedAt !== undefined ? ready.message : undefined;
}

function keep<T>(value: T | "keep", before: T): T {
  return value === "keep" ? before : value;
}

/** Absent, not undefined: what is compared and sent holds only members with a value. */
function compact(
  status: { readonly [Name in keyof CustomDomainStatus]: CustomDomainStatus[Name] | undefined },
): CustomDomainStatus {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined)) as CustomDomainStatus;
}

/** Members whose change alone is not worth a write before five minutes have passed. */
export const TIMESTAMPS: ReadonlySet<string> = new Set([
  "lastCheckedAt",
  "nextCheckAt",
  "checkTimestamp",
  "responseTimeMs",
  "timings",
]);
