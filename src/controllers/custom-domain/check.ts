import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { CheckResult, DnsRecordRow, VerificationRecord } from "../../api/v1/custom-domain-status.ts";
import { discover } from "../../check/discover.ts";
import { probe, probeRedirect } from "../../check/probe.ts";
import type { ProofAnswer } from "../../check/proof.ts";
import type { DnsAccess } from "../../check/resolver.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import type { Finding } from "../../core/conditions.ts";
import { desiredRecords } from "../../core/desired-records.ts";
import type { Discovered } from "../../core/discovery.ts";
import { markExpiredTokens } from "../../core/expired-tokens.ts";
import type { HostnameFacts } from "../../core/hostname.ts";
import { diffRecords, dnsCondition, namesLeadingHere, verificationRecords } from "../../core/records.ts";
import type { AspectFinding } from "../../core/summarise.ts";
import type { SecretReader } from "../../kube/secrets.ts";
import type { Clock } from "../../runtime/clock.ts";

/** How the outside world is asked: the only randomness and time of a check. */
export interface CheckDependencies {
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly systemResolvers: () => readonly string[];
  /** Blocks of the cluster that no customer's name may lead into. */
  readonly deniedCIDRs: readonly string[];
  readonly secrets: SecretReader;
}

export interface CheckSubject {
  readonly names: HostnameFacts;
  readonly class: CustomDomainClass;
  /** status.id, which a signed answer may name. */
  readonly id: string;
  readonly proof: { readonly name: string; readonly value: string } | undefined;
  readonly rows: readonly CustomHostname[];
  readonly answer: ProofAnswer | undefined;
  /** What the last look came to. */
  readonly before: readonly DnsRecordRow[];
}

export interface DnsView {
  readonly dnsRecords: readonly DnsRecordRow[];
  readonly verificationRecords: readonly VerificationRecord[];
  readonly condition: Finding;
  /** Whether visitors of the name come here already; undefined when that cannot be told. */
  readonly pointsAtUs: boolean | undefined;
  /** The names, the www twin among them, of which DNS is right. */
  readonly leadingHere: ReadonlySet<string>;
  /** For a second look in the same pass. */
  readonly seen: Discovered;
}

export function dnsAccess(found: CustomDomainClass, { randomBytes, systemResolvers, deniedCIDRs }: CheckDependencies): DnsAccess {
  return { dns: found.spec.dns, deniedCIDRs, systemResolvers, randomBytes };
}

/** Desired beside discovered, for every record of the domain. */
export async function checkDns(
  subject: CheckSubject,
  dependencies: CheckDependencies,
  signal: AbortSignal,
  earlier?: DnsView,
): Promise<DnsView> {
  const { names, class: found, proof, rows, answer } = subject;
  const desired = desiredRecords({ hostname: names, proof, dns: found.spec.dns, rows });
  const seen = await discover(desired, answer, dnsAccess(found, dependencies), signal, earlier?.seen);
  const dnsRecords = markExpiredTokens(diffRecords(desired, seen), subject.before);
  return {
    dnsRecords,
    verificationRecords: verificationRecords(dnsRecords, desired),
    condition: dnsCondition(dnsRecords, desired),
    pointsAtUs: pointsAtUs(dnsRecords),
    leadingHere: namesLeadingHere(dnsRecords, desired),
    seen,
  };
}

/** A name behind somebody else's proxy, or one that some servers answer for already, may lead here: that is "cannot be told". */
function pointsAtUs(rows: readonly DnsRecordRow[]): boolean | undefined {
  const routing = rows.filter(({ purpose }) => purpose === "Routing");
  if (routing.some(({ state, desired }) => state === "Ok" && desired.length > 0)) return true;
  const unsure = routing.some(
    ({ state, reason }) => state === "Unknown" || reason === "ProxiedElsewhere" || reason === "Propagating",
  );
  return unsure ? undefined : false;
}

export interface RouteView {
  readonly check: CheckResult | undefined | "keep";
  readonly routed: AspectFinding;
}

/** TLS, then HTTP, as a visitor; and the www twin's redirect. Only sent once the edge can be expected to answer. */
export async function checkRoute(
  subject: CheckSubject,
  twin: string | undefined,
  dependencies: CheckDependencies,
  signal: AbortSignal,
): Promise<RouteView> {
  const { names, class: found, id } = subject;
  const { check, dns } = found.spec;
  const key = check.signingKeySecretRef === undefined ? undefined : dependencies.secrets.read(check.signingKeySecretRef);
  const settings = {
    ...check,
    signingKey: key?.kind === "value" ? key.value : undefined,
    domainID: id,
    edgeNames: [dns.target, ...dns.acceptedTargets],
    edgeAddresses: dns.apex.addresses,
    dns: dnsAccess(found, dependencies),
  };
  const result = await probe(names.name, settings, dependencies, signal);
  const redirect = twin === undefined ? undefined : await probeRedirect(twin, names.name, settings, dependencies, signal);
  // Nobody could be asked: what was known stands, for the domain as for its check.
  const unasked = result.routed.status === "Unknown" && result.routed.reason !== "CheckOff";
  if (unasked) return { check: "keep", routed: "keep" };
  return { check: check.egress === "Off" ? undefined : result.check, routed: withRedirect(result.routed, redirect) };
}

/** The domain is live whether its www redirects or not; but somebody has to be told. */
function withRedirect(routed: Finding, redirect: Finding | undefined): Finding {
  if (routed.status !== "True" || redirect?.status !== "False") return routed;
  return { status: "True", reason: "RedirectMissing", message: `${routed.message} But ${redirect.message}` };
}
