import type { CustomDomainStatus, HostnameRow } from "../../api/v1/custom-domain-status.ts";
import type { ClaimRow } from "../../api/v1/domain-claim.ts";
import { certificateCondition, hostnameCondition } from "../../cloudflare/hostname-conditions.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { differs, type Finding, findCondition } from "../../core/conditions.ts";
import { certificateRecords } from "../../core/desired-records.ts";
import { MAX_ROWS } from "../../core/records.ts";
import type { AspectFinding } from "../../core/summarise.ts";
import type { ProvisionProblem } from "./row-outcome.ts";

/** What is known of the primary hostname when its conditions are decided. */
export interface HostnameView {
  readonly row: CustomHostname | undefined;
  readonly problem: ProvisionProblem | undefined;
  /** Why there is no row although nothing went wrong. */
  readonly waitingFor: Finding;
  readonly previous: CustomDomainStatus | undefined;
  readonly now: number;
}

/** HostnameActive and CertificateReady. A failure of Cloudflare or of the class leaves standing what was True before. */
export function hostnameAspects(view: HostnameView): {
  readonly HostnameActive: AspectFinding;
  readonly CertificateReady: AspectFinding;
} {
  const { row, problem, previous, now } = view;
  if (row !== undefined) {
    const { status, reason, message: state } = hostnameCondition(row);
    // Visitors are served as before; that the row lacks something has no condition of its own until only an edit helps.
    const lacks = problem === undefined || !problem.own || problem.stalled ? "" : ` It was not changed: ${problem.message}.`;
    const message = `${state}${lacks}`;
    // Of this very row: a row that was made anew has to get its first certificate like any other.
    const same = previous?.hostnames?.some(({ cloudflareID }) => cloudflareID === row.id) === true;
    const previouslyActive = same && findCondition(previous?.conditions, "CertificateReady")?.status === "True";
    const certificate = certificateCondition(row, { previouslyActive, now });
    return {
      HostnameActive: { status, reason, message },
      CertificateReady: { status: certificate.status, reason: certificate.reason, message: certificate.message },
    };
  }
  const certificate: Finding = {
    status: "Unknown",
    reason: "AwaitingHostname",
    message: "The certificate is ordered with the hostname.",
  };
  if (problem === undefined) return { HostnameActive: view.waitingFor, CertificateReady: certificate };
  const before = findCondition(previous?.conditions, "HostnameActive");
  if (!problem.own && before?.status === "True") return { HostnameActive: "keep", CertificateReady: "keep" };
  const { reason, message } = problem;
  return { HostnameActive: { status: problem.own ? "False" : "Unknown", reason, message }, CertificateReady: certificate };
}

/** status.hostnames: what the claim records, with what Cloudflare said last. */
export function hostnameRows(
  recorded: readonly ClaimRow[],
  rows: ReadonlyMap<string, CustomHostname>,
  problems: readonly ProvisionProblem[],
  previous: CustomDomainStatus | undefined,
): HostnameRow[] {
  return recorded.map(({ hostname, role, zoneID, id }) => {
    const row = rows.get(hostname);
    const before = previous?.hostnames?.find((known) => known.cloudflareID === id);
    if (row === undefined) return before ?? { hostname, role, zoneID, cloudflareID: id, errors: problemsOf(hostname, problems) };
    return { hostname, role, zoneID, cloudflareID: id, ...reported(row) };
  });
}

function problemsOf(hostname: string, problems: readonly ProvisionProblem[]): string[] {
  return problems.filter((problem) => problem.hostname === hostname).map(({ message }) => message.slice(0, 512));
}

/**
 * Whether Cloudflare's rows say something else than status does (a status, an error, a validation record): a reason to check at
 * once. Rows of a claim that is somebody else's are none of this domain's business.
 */
export function rowsChanged(rows: Iterable<CustomHostname>, previous: CustomDomainStatus | undefined): boolean {
  if (previous !== undefined && findCondition(previous.conditions, "Claimed")?.status !== "True") return false;
  for (const row of rows) {
    const known = previous?.hostnames?.find(({ cloudflareID }) => cloudflareID === row.id);
    if (known === undefined || previous === undefined) return true;
    if (differs(reported(row), reportedBefore(known)) || asksForMore(row, previous)) return true;
  }
  return false;
}

/** What status shows of a row. */
function reported(row: CustomHostname): Pick<HostnameRow, "status" | "sslStatus" | "errors" | "certificateExpiresAt"> {
  const status = row.status === "" ? {} : { status: row.status };
  const sslStatus = row.ssl === undefined || row.ssl.status === "" ? {} : { sslStatus: row.ssl.status };
  const expires = row.ssl?.expiresAt === undefined ? {} : { certificateExpiresAt: row.ssl.expiresAt };
  const errors = [...row.verificationErrors, ...(row.ssl?.validationErrors ?? [])]
    .slice(0, 8)
    .map((error) => error.slice(0, 512));
  return { ...status, ...sslStatus, errors, ...expires };
}

function reportedBefore({ status, sslStatus, errors, certificateExpiresAt }: HostnameRow) {
  return { status, sslStatus, errors, certificateExpiresAt };
}

/**
 * Whether the row asks for a record that the table does not show. A suspended domain's table stands still, and a full one may
 * have no room for it.
 */
function asksForMore(row: CustomHostname, { dnsRecords = [], conditions }: CustomDomainStatus): boolean {
  if (dnsRecords.length >= MAX_ROWS || findCondition(conditions, "Paused") !== undefined) return false;
  return certificateRecords(row).some(
    ({ type, name, values }) =>
      !dnsRecords.some((shown) => shown.type === type && shown.name === name && !differs(shown.desired, values)),
  );
}
