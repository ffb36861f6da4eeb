import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { wholeSeconds } from "../../core/conditions.ts";
import { hostnameAspects } from "./aspects.ts";
import { checkDns, checkRoute, type DnsView, type RouteView } from "./check.ts";
import { conclude } from "./conclude.ts";
import type { CustomDomainContext, Pass, Served } from "./context.ts";
import { lapsed } from "./lapse.ts";
import { ownProof } from "./prove.ts";
import type { WantedRow } from "./provision.ts";
import { restartValidation } from "./restart.ts";
import type { ProvisionNote } from "./row-outcome.ts";
import { provisionRows, waitingFor } from "./rows.ts";

const DAY_MS = 86_400_000;
const WARNING_MS = 3 * DAY_MS;

/** Claims rules 6 and 7 and the check, for the holder of the name: provision → look at DNS → restart → visit → summarise. */
export async function serve(
  pass: Pass,
  options: CustomDomainContext,
  wanted: readonly WantedRow[],
  signal: AbortSignal,
): Promise<Served> {
  const { domain, due, admission } = pass;
  if (pass.claim.spec.state === "Releasing") return lapsed(pass, options.clock.now());
  const checking = due.kind === "now" && !domain.spec.suspend;
  const before = checking && needsSafetyLook(pass) ? await look(pass, [], options, signal) : undefined;
  const created = await provisionRows(pass, options, wanted, before, signal);
  tell(domain, created.notes, options);
  if (checking) warnOfExpiry(pass, options);
  const reusable = before !== undefined && created.rows.size === 0;
  const dns = checking ? (reusable ? before : await look(pass, [...created.rows.values()], options, signal, before)) : undefined;
  const restart = { providers: options.providers, leadingHere: dns?.leadingHere, now: options.clock.now() };
  const provisioned = await restartValidation(pass, created, wanted, restart, signal);
  tell(domain, provisioned.notes.slice(created.notes.length), options);
  const rows = [...provisioned.rows.values()];
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

function tell(domain: CustomDomain, notes: readonly ProvisionNote[], { events }: CustomDomainContext): void {
  for (const { type, reason, message } of notes) events.event(domain, type, reason, "Provision", message);
}

/** Claims rule 11: once, at the first check of the last three days. */
function warnOfExpiry({ claim, admission, domain, since }: Pass, { events, clock }: CustomDomainContext): void {
  if (claim.spec.state !== "Pending" || since === undefined) return;
  const endsAt = Date.parse(claim.spec.createdTime) + admission.class.spec.ownership.unprovenExpiryDays * DAY_MS;
  const warnAt = endsAt - WARNING_MS;
  if (since.checkedAt >= warnAt || clock.now() < warnAt) return;
  const note = `${claim.spec.domain} is given up on ${wholeSeconds(endsAt)} unless its ownership is proven: publish the TXT record in status.verificationRecords`;
  events.event(domain, "Warning", "ProofExpiring", "Prove", note);
}

/** Before the proof a row is made only for a name that does not lead here yet, which somebody has to find out first. */
function needsSafetyLook({ claim, admission }: Pass): boolean {
  const { proof, provision: policy } = admission.class.spec.ownership;
  return claim.spec.state === "Pending" && proof === "Required" && policy === "WhenSafe" && claim.spec.rows.length === 0;
}

function look(
  pass: Pass,
  rows: readonly CustomHostname[],
  options: CustomDomainContext,
  signal: AbortSignal,
  earlier?: DnsView,
): Promise<DnsView> {
  return checkDns(subjectOf(pass, rows), options.check, signal, earlier);
}

function subjectOf({ admission, claimant, domain, id, proved }: Pass, rows: readonly CustomHostname[]) {
  const { class: found, names } = admission;
  const proof = found.spec.ownership.proof === "Required" ? ownProof(found, claimant.tenant, names.name) : undefined;
  return { names, class: found, id, proof, rows, answer: proved.answer, before: domain.status?.dnsRecords ?? [] };
}

/** A request through the edge, when it can be expected to answer; always for a domain that has been live. */
async function visit(
  pass: Pass,
  rows: readonly CustomHostname[],
  dns: DnsView | undefined,
  hostname: ReturnType<typeof hostnameAspects>,
  options: CustomDomainContext,
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
