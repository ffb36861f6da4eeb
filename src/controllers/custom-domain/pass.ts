import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import type { DomainClaim } from "../../api/v1/domain-claim.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { type Claimant, mayProvision } from "../../core/claim.ts";
import { type Finding, findCondition, wholeSeconds } from "../../core/conditions.ts";
import { type AspectFinding, isLive, type Summary, summarise } from "../../core/summarise.ts";
import { mayProvision as billingAllows, billingCondition } from "../billing-account/domain-billing.ts";
import { type Ledger, tenantOf } from "../ledger.ts";
import type { Admission } from "./admit.ts";
import { hostnameAspects, hostnameRows } from "./aspects.ts";
import { checkDns, checkRoute, type DnsView, type RouteView } from "./check.ts";
import { type CheckTimes, type Due, nextCheck, scheduleSince } from "./due.ts";
import { ownershipFinding, ownProof, type ProveContext } from "./prove.ts";
import { provision, type WantedRow } from "./provision.ts";
import type { CustomDomainReconcilerOptions } from "./reconciler.ts";
import { type Revalidated, restartValidation } from "./restart.ts";

/** What one reconcile has established before it serves the domain. */
export interface Pass {
  readonly domain: CustomDomain;
  readonly id: string;
  readonly admission: Extract<Admission, { kind: "admitted" }>;
  readonly claimant: Claimant;
  readonly claim: DomainClaim;
  readonly proved: ProveContext;
  readonly due: Due;
  /** The times of the last checks. */
  readonly since: CheckTimes | undefined;
}

export interface Served {
  readonly status: CustomDomainStatus;
  readonly nextAt: number;
  /** Set when a check was made. */
  readonly checkedAt: number | undefined;
  /** Something is in flight that is worth a look before the next check. */
  readonly soonerMs: number;
}

/** Claims rules 6 and 7 and the check, for the holder of the name: provision → observe → check → summarise. */
export async function serve(
  pass: Pass,
  options: CustomDomainReconcilerOptions,
  wanted: readonly WantedRow[],
  signal: AbortSignal,
): Promise<Served> {
  const { domain, due, admission } = pass;
  if (pass.claim.spec.state === "Releasing") return lapsed(pass, options.clock.now());
  const checking = due.kind === "now" && !domain.spec.suspend;
  const before = checking && needsSafetyLook(pass) ? await look(pass, [], options, signal) : undefined;
  const provisioned = await provisionRows(pass, options, wanted, before, signal);
  for (const note of provisioned.notes) options.events.event(domain, note.type, note.reason, "Provision", note.message);
  const rows = [...provisioned.rows.values()];
  const reusable = before !== undefined && rows.length === 0;
  const dns = checking ? (reusable ? before : await look(pass, rows, options, signal)) : undefined;
  const hostname = hostnameAspects({
    row: provisioned.rows.get(admission.names.name),
    problem: provisioned.problems.find((problem) => problem.hostname === admission.names.name),
    waitingFor: waitingFor(pass, options.ledger),
    previous: domain.status,
    now: options.clock.now(),
  });
  const route = checking ? await visit(pass, rows, dns, hostname, options, signal) : undefined;
  return conclude(pass, provisioned, { dns, route, hostname }, options, signal);
}

/** Before the proof a row is made only for a name that does not lead here yet, which somebody has to find out first. */
function needsSafetyLook({ claim, admission }: Pass): boolean {
  const { proof, provision: policy } = admission.class.spec.ownership;
  return claim.spec.state === "Pending" && proof === "Required" && policy === "WhenSafe" && claim.spec.rows.length === 0;
}

function look(
  pass: Pass,
  rows: readonly CustomHostname[],
  options: CustomDomainReconcilerOptions,
  signal: AbortSignal,
): Promise<DnsView> {
  return checkDns(subjectOf(pass, rows), options.check, signal);
}

function subjectOf({ admission, claimant, id, proved }: Pass, rows: readonly CustomHostname[]) {
  const { class: found, names } = admission;
  const proof = found.spec.ownership.proof === "Required" ? ownProof(found, claimant.tenant, names.name) : undefined;
  return { names, class: found, id, proof, rows, answer: proved.answer };
}

async function provisionRows(
  pass: Pass,
  { ledger, providers, clock }: CustomDomainReconcilerOptions,
  wanted: readonly WantedRow[],
  before: DnsView | undefined,
  signal: AbortSignal,
): Promise<Revalidated> {
  const { claim, claimant, admission, domain, due } = pass;
  const found = admission.class;
  const provider = providers.cloudflare(found.metadata.name);
  if (provider.kind === "unavailable") {
    const problem = {
      hostname: admission.names.name,
      reason: provider.reason,
      message: provider.message,
      afterMs: 60_000,
      own: false,
      stalled: false,
    };
    return { claim, rows: new Map(), problems: [problem], notes: [] };
  }
  const { session } = provider;
  const hostnames = [
    ...new Set([...wanted.map(({ wanted: want }) => want.hostname), ...claim.spec.rows.map((row) => row.hostname)]),
  ];
  for (const hostname of hostnames) session.snapshot.watch(hostname);
  const { proof, provision: policy } = found.spec.ownership;
  const pointsAtUs = before?.pointsAtUs;
  const allowed = mayProvision({
    claim: claim.spec,
    claimant,
    proof,
    provision: policy,
    pointsAtUs,
    contenders: contenders(pass, ledger),
    now: clock.now(),
  });
  const fresh = due.kind === "now" && due.fresh;
  const api = session.api({
    subject: `CustomDomain/${claimant.namespace}/${claimant.name}`,
    why: fresh ? "recheck" : "reconcile",
    hostnames,
    priority: fresh ? "user" : "normal",
  });
  const mayCreate = allowed && !domain.spec.suspend && isBillable(pass, ledger);
  const context = {
    ledger,
    class: found,
    api,
    snapshot: session.snapshot,
    mayCreate,
    mayChange: !domain.spec.suspend,
    fresh,
    now: clock.now(),
    createWaitMs: (hostname: string) => session.budget.waitFor({ kind: "create", priority: fresh ? "user" : "normal", key: hostname }),
  };
  const provisioned = await provision(claim, wanted, context, signal);
  return restartValidation(pass, provisioned, wanted, { api, now: clock.now() }, signal);
}

function contenders({ admission, claimant }: Pass, ledger: Ledger): number {
  return ledger.domains.store
    .byIndex("domain", admission.names.name)
    .filter(
      (other) =>
        other.metadata.deletionTimestamp === undefined && tenantOf(ledger, other.metadata.namespace ?? "") !== claimant.tenant,
    ).length;
}

/** Billing rule 11: without an account nothing NEW is provisioned beyond the free quantity; what exists goes on. */
function isBillable({ claim, claimant, admission }: Pass, ledger: Ledger): boolean {
  if (claim.spec.rows.length > 0) return true;
  const key = `${claimant.namespace}/${claimant.className}`;
  const count = ledger.claims.store.byIndex("account", key).filter(({ spec }) => spec.rows.length > 0).length;
  return billingAllows(admission.class.spec.billing, ledger.accounts.get(key), count);
}

function waitingFor(pass: Pass, ledger: Ledger): Finding {
  const { domain, admission, claim } = pass;
  if (domain.spec.suspend)
    return { status: "False", reason: "Suspended", message: "spec.suspend is true: no hostname is created." };
  if (!isBillable(pass, ledger)) {
    const message = `Namespace ${domain.metadata.namespace} has no BillingAccount ${admission.class.metadata.name}, and its free domains are used: an administrator creates one`;
    return { status: "False", reason: "NoBillingAccount", message };
  }
  if (claim.spec.state === "Pending") {
    return {
      status: "False",
      reason: "AwaitingProof",
      message: "The hostname is created at Cloudflare once ownership is proven.",
    };
  }
  return { status: "False", reason: "Provisioning", message: "The hostname is being created at Cloudflare." };
}

/** A request through the edge, when it can be expected to answer; always for a domain that has been live. */
async function visit(
  pass: Pass,
  rows: readonly CustomHostname[],
  dns: DnsView | undefined,
  hostname: ReturnType<typeof hostnameAspects>,
  options: CustomDomainReconcilerOptions,
  signal: AbortSignal,
): Promise<RouteView | undefined> {
  const expected = [dns?.condition, hostname.HostnameActive, hostname.CertificateReady].every(
    (finding) => finding !== "keep" && finding?.status === "True",
  );
  if (!expected && pass.claim.spec.verifiedTime === undefined) return undefined;
  const { wwwTwin } = pass.admission.names;
  const twin = rows.find((row) => row.hostname === wwwTwin && row.status === "active" && row.ssl?.status === "active")?.hostname;
  return checkRoute(subjectOf(pass, rows), twin, options.check, signal);
}

interface Findings {
  readonly dns: DnsView | undefined;
  readonly route: RouteView | undefined;
  readonly hostname: ReturnType<typeof hostnameAspects>;
}

const NOT_VISITED: Finding = {
  status: "Unknown",
  reason: "NotChecked",
  message: "Asked once DNS, hostname and certificate are ready.",
};

async function conclude(
  pass: Pass,
  provisioned: Revalidated,
  { dns, route, hostname }: Findings,
  options: CustomDomainReconcilerOptions,
  signal: AbortSignal,
): Promise<Served> {
  const { domain, due, admission, claimant, id } = pass;
  const { clock, ledger } = options;
  const now = clock.now();
  const wasLive = provisioned.claim.spec.verifiedTime !== undefined;
  const aspects: Record<keyof Summary["aspects"], AspectFinding> = {
    Claimed: { status: "True", reason: "Claimed", message: `${admission.names.name} is held by this CustomDomain.` },
    OwnershipVerified: ownershipFinding(provisioned.claim, { ...pass.proved, ledger }),
    ...hostname,
    DNSConfigured: dns === undefined || dns.condition.status === "Unknown" ? "keep" : dns.condition,
    Routed: route?.routed ?? (due.kind === "now" && !domain.spec.suspend && !wasLive ? NOT_VISITED : "keep"),
    BillingSynced: billingFinding({ ...pass, claim: provisioned.claim }, provisioned.rows.get(admission.names.name), ledger),
  };
  const live = isLive(aspects, domain.status) && !domain.spec.suspend;
  const claim = live && !wasLive ? await wentLive(provisioned.claim, now, ledger, signal) : provisioned.claim;
  const verified = claim.spec.verifiedTime !== undefined;
  const checkedAt = due.kind === "now" ? now : undefined;
  const dnsChanged =
    dns !== undefined &&
    domain.status?.dnsRecords !== undefined &&
    foundValues(dns.dnsRecords) !== foundValues(domain.status.dnsRecords);
  const since = scheduleSince(domain, { dnsChanged, claimedAt: claim.spec.createdTime, now });
  const nextAt = due.kind === "now" ? nextCheck(claimant.uid, { verified, healthy: live, since, now }) : now + due.afterMs;
  const shared = provisioned.problems.find(({ own }) => !own);
  const own = provisioned.problems.filter((problem) => problem.own);
  const stalled = own.find((problem) => problem.stalled);
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
    failures: failuresOf(own.length > 0, domain.status, now),
    schedule: { since: wholeSeconds(since) },
  };
  const soonerMs = Math.min(Number.POSITIVE_INFINITY, ...provisioned.problems.map(({ afterMs }) => afterMs));
  return { status: summarise(summary, domain.status, domain.metadata.generation ?? 0, now), nextAt, checkedAt, soonerMs };
}

/** Claims rule 7: the first time that everything holds is recorded in the claim, from where a restore brings it back. */
function wentLive(claim: DomainClaim, now: number, ledger: Ledger, signal: AbortSignal): Promise<DomainClaim> {
  return ledger.claims.replace({ ...claim, spec: { ...claim.spec, verifiedTime: new Date(now).toISOString() } }, signal);
}

function failuresOf(failed: boolean, previous: CustomDomainStatus | undefined, now: number): CustomDomainStatus["failures"] {
  if (!failed) return undefined;
  return { count: (previous?.failures?.count ?? 0) + 1, since: previous?.failures?.since ?? wholeSeconds(now) };
}

function foundValues(records: DnsView["dnsRecords"]): string {
  return JSON.stringify(records.map(({ type, name, found }) => [type, name, found]));
}

/** BillingSynced of a domain: covered once the account synced after its row was created. */
export function billingFinding(pass: Pass, row: CustomHostname | undefined, ledger?: Ledger): Finding {
  const { admission, claimant, claim, domain } = pass;
  const account = (ledger ?? pass.proved.ledger).accounts.get(`${claimant.namespace}/${claimant.className}`);
  const counted = claim.spec.holder?.uid === claimant.uid && claim.spec.rows.length > 0;
  const created = [claim.spec.createdTime, row?.createdAt ?? ""].sort().at(-1);
  return billingCondition({
    billing: admission.class.spec.billing,
    className: claimant.className,
    namespace: claimant.namespace,
    account,
    claimCreatedTime: counted ? created : undefined,
    previous: findCondition(domain.status?.conditions, "BillingSynced")?.status,
  });
}

/** The claim was lost to a lapse or an expiry in this reconcile: the claim controller removes the rows. */
function lapsed(pass: Pass, now: number): Served {
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
    verificationRecords: "keep",
    check: undefined,
    couldNotAsk: undefined,
    checkedAt: now,
    nextCheckAt: now + 60_000,
    lastHandledRecheck: domain.metadata.annotations?.["customdomains.dev/recheck"] ?? previous?.lastHandledRecheck,
    lastHandledRevalidate: previous?.lastHandledRevalidate,
    lastRevalidatedAt: previous?.lastRevalidatedAt,
    failures: undefined,
    schedule: previous?.schedule,
  };
  return {
    status: summarise(summary, previous, domain.metadata.generation ?? 0, now),
    nextAt: now + 60_000,
    checkedAt: now,
    soonerMs: 60_000,
  };
}
