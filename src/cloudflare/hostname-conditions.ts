import type { Reason } from "../api/v1/reasons.ts";
import { clean } from "./remote-text.ts";
import type { CustomHostname, HostnameCertificate } from "./row.ts";
import { classifyHostname, classifySSL, isTimedOut, type StatusClass } from "./status-class.ts";

export interface RowCondition {
  readonly status: "True" | "False" | "Unknown";
  readonly reason: Reason;
  /** A sentence that says who must act. */
  readonly message: string;
  readonly class: StatusClass;
}

/**
 * HostnameActive. True proves that Cloudflare accepts the hostname, not that its DNS points at us: with its own TXT a hostname
 * is active before the switch.
 */
export function hostnameCondition(row: CustomHostname): RowCondition {
  const statusClass = classifyHostname(row.status);
  const errors = row.verificationErrors.map((error) => clean(error, []));
  const verdict = hostnameVerdict(row, statusClass, errors);
  return { ...verdict, class: statusClass };
}

type Verdict = Omit<RowCondition, "class">;

function hostnameVerdict(row: CustomHostname, statusClass: StatusClass, errors: readonly string[]): Verdict {
  switch (statusClass) {
    case "ready":
      return { status: "True", reason: "Active", message: "Cloudflare serves the hostname." };
    case "progressing":
      return progressingHostname(row, errors);
    case "moved":
      return no(
        "Moved",
        `Cloudflare stopped serving the hostname because its DNS points elsewhere; point it back at us.${said(errors)}`,
      );
    case "blocked":
      return blockedHostname(errors);
    case "gone":
      return no("DeletedUpstream", "Cloudflare is deleting the hostname.");
    default:
      return {
        status: "Unknown",
        reason: "UnknownStatus",
        message: `Cloudflare reports the status '${row.status}', which the operator does not know.`,
      };
  }
}

function progressingHostname(row: CustomHostname, errors: readonly string[]): Verdict {
  if (row.status !== "" && row.status !== "pending") {
    return no("Provisioning", `Cloudflare is setting the hostname up (${row.status}); nobody has to act.`);
  }
  if (errors.some(isZoneHold)) return blockedHostname(errors);
  if (errors.some(isOrangeToOrange)) {
    return no(
      "AwaitingDNS",
      "The domain is on Cloudflare itself, so TXT records do not activate it; its owner must point it at us with a proxied CNAME.",
    );
  }
  if (errors.some((error) => /does not have a fallback origin/i.test(error))) {
    return no(
      "FallbackOriginMissing",
      "The zone has no fallback origin, so no hostname validates; an administrator must set one.",
    );
  }
  return no(
    "AwaitingDNS",
    `Cloudflare waits for the domain's DNS to point at us; its owner must publish the routing record.${said(errors)}`,
  );
}

function blockedHostname(errors: readonly string[]): Verdict {
  if (errors.some(isZoneHold)) {
    return no(
      "ZoneHold",
      "The domain belongs to a Cloudflare zone with a hold; the zone's owner must release it, then ask for revalidation.",
    );
  }
  return no("Blocked", `Cloudflare blocked the hostname; clear it with Cloudflare, then ask for revalidation.${said(errors)}`);
}

export interface CertificateContext {
  /** The certificate of this very row was active before: a renewal must not look like an outage. */
  readonly previouslyActive: boolean;
  /** Unix milliseconds. */
  readonly now: number;
  /** False only for a hostname that is meant to be without TLS. Default true. */
  readonly wanted?: boolean;
}

/** CertificateReady. A renewal, even a failing one, keeps it True while the old certificate is known to be served. */
export function certificateCondition(row: CustomHostname, context: CertificateContext): RowCondition {
  const { ssl } = row;
  if (ssl === undefined) return withoutCertificate(context.wanted ?? true);
  const statusClass = classifySSL(ssl.status);
  if (statusClass === "ready")
    return { status: "True", reason: "Issued", message: "The certificate is in use.", class: statusClass };
  const verdict = certificateVerdict(ssl, statusClass);
  if (context.previouslyActive && oldCertificateServes(ssl, statusClass, context.now)) {
    const message = `The certificate is being renewed (${ssl.status}); the old one is served meanwhile. ${verdict.message}`;
    return { status: "True", reason: "Renewing", message, class: statusClass };
  }
  return { ...verdict, class: statusClass };
}

/** The documented steps of a renewal. A row that was created anew goes through others first. */
const RENEWAL_STEPS: ReadonlySet<string> = new Set(["pending_issuance", "pending_deployment", "pending_cleanup"]);

/** With a known end the old certificate counts up to it; without one, only in the ordinary steps of a renewal. */
function oldCertificateServes(ssl: HostnameCertificate, statusClass: StatusClass, now: number): boolean {
  if (statusClass === "gone" || ssl.status === "expired") return false;
  return ssl.expiresAt === undefined ? RENEWAL_STEPS.has(ssl.status) : Date.parse(ssl.expiresAt) > now;
}

function withoutCertificate(wanted: boolean): RowCondition {
  if (!wanted) return { status: "True", reason: "NoCertificate", message: "No certificate was asked for.", class: "ready" };
  return { ...no("Initializing", "The hostname has no certificate yet; nobody has to act."), class: "progressing" };
}

function certificateVerdict(ssl: HostnameCertificate, statusClass: StatusClass): Verdict {
  const errors = ssl.validationErrors.map((error) => clean(error, []));
  if (statusClass !== "gone" && statusClass !== "unknown") {
    const failure = validationFailure(errors);
    if (failure !== undefined) return failure;
  }
  switch (statusClass) {
    case "progressing":
      return progressingCertificate(ssl, errors);
    case "failed":
      return failedCertificate(ssl, errors);
    case "gone":
      return no("CertificateInactive", `Cloudflare withdrew the certificate (${ssl.status}).${said(errors)}`);
    default:
      return {
        status: "Unknown",
        reason: "UnknownStatus",
        message: `Cloudflare reports the certificate status '${ssl.status}', which the operator does not know.`,
      };
  }
}

/** Cloudflare hands the certificate authority's words through: these are the known ones. */
const VALIDATION_FAILURES: readonly (readonly [RegExp, Reason, string])[] = [
  [
    /CAA records block issuance|caa_error/i,
    "CAAForbids",
    "The domain's CAA records forbid the certificate authority; its owner must allow it.",
  ],
  [
    /rate limited/i,
    "CARateLimited",
    "The certificate authority's limit for this domain is reached; it is tried again by itself.",
  ],
  [
    /high.risk/i,
    "HighRiskReview",
    "The certificate authority holds the name back for review; an administrator must ask Cloudflare.",
  ],
  [
    /SERVFAIL|NXDOMAIN|REFUSED|dnssec/i,
    "CAAUnreachable",
    "The certificate authority could not read the domain's DNS; its owner must check name servers and DNSSEC.",
  ],
];

function validationFailure(errors: readonly string[]): Verdict | undefined {
  for (const [pattern, reason, message] of VALIDATION_FAILURES) {
    if (errors.some((error) => pattern.test(error))) return no(reason, message + said(errors));
  }
  return undefined;
}

function progressingCertificate(ssl: HostnameCertificate, errors: readonly string[]): Verdict {
  switch (ssl.status) {
    case "":
    case "initializing":
      return no("Initializing", "Cloudflare is preparing the certificate; nobody has to act.");
    case "pending_validation":
      return no(
        "AwaitingDNS",
        ssl.method === "txt"
          ? `The certificate waits for its DNS validation; it is issued once the domain points at us, or earlier with the TXT records.${said(errors)}`
          : `The certificate waits for its validation; it is issued once the domain points at us.${said(errors)}`,
      );
    case "pending_deployment":
    case "staging_deployment":
    case "staging_active":
    case "holding_deployment":
      return no("Deploying", `The certificate is being brought to the edge (${ssl.status}); nobody has to act.${said(errors)}`);
    default:
      return no("Issuing", `The certificate is being issued (${ssl.status}); nobody has to act.${said(errors)}`);
  }
}

function failedCertificate(ssl: HostnameCertificate, errors: readonly string[]): Verdict {
  if (isTimedOut(ssl.status)) {
    return no(
      "ValidationTimedOut",
      `Cloudflare gave up on the certificate (${ssl.status}); validation is restarted once DNS is right.${said(errors)}`,
    );
  }
  const tense = ssl.status === "expired" ? "has expired" : "is about to expire";
  return no("CertificateExpired", `The certificate ${tense} and was not renewed.${said(errors)}`);
}

/** Cloudflare answers so for a domain on its own network: only a proxied CNAME to the platform's zone counts then. */
function isOrangeToOrange(error: string): boolean {
  return /is using Cloudflare and cannot be activated/i.test(error);
}

function isZoneHold(error: string): boolean {
  return /held zone/i.test(error);
}

function no(reason: Reason, message: string): Verdict {
  return { status: "False", reason, message };
}

function said(errors: readonly string[]): string {
  return errors.length === 0 ? "" : ` Cloudflare says: ${errors.slice(0, 2).join("; ")}`;
}
