import { type AuditEvent, readAuditLog } from "../control-plane/audit-log.ts";
import { OPERATOR_USER } from "../harness/environment.ts";
import type { Allowance } from "../harness/evidence.ts";
import { ledgerFindings } from "../verdict/judges.ts";
import { statusesWritten, statusFindings } from "../verdict/statuses.ts";
import type { ChaosCluster } from "./chaos-cluster.ts";
import type { User } from "./user.ts";
import { subscriptionOf } from "./wanted.ts";

/** What the checks over the whole suite shall not hold against a run in which all this happens. */
export const ALLOWED: readonly Allowance[] = [
  { finding: "no answer from the API server", because: "the proxy spoils answers, and the API server is killed" },
  { finding: "said by the faulty proxy", because: "the proxy refuses requests" },
  { finding: "is forbidden: User", because: "an API server that has just been started does not know all roles yet" },
  {
    finding: "an Event without its parts: undefined",
    because: "what is refused before it is read has no parts in the audit log",
  },
  { finding: "the Lease was not renewed in time", because: "leaders are stopped, and faults strike Leases" },
  { finding: "so lastTransitionTime must not go back", because: "the operator's wall clock is set back" },
];

/** What a run is judged by, each a list of what is wrong. */
export interface Verdict {
  readonly lostChanges: readonly string[];
  readonly duplicateRows: readonly string[];
  readonly doubleCharges: readonly string[];
  readonly unhandled: readonly string[];
  readonly statuses: readonly string[];
  readonly statusesJudged: number;
}

/** Names, by what Cloudflare's simulator saw: never two rows for one, no two writes at once, no row without a CustomDomain. */
export function rowFindings({ world }: ChaosCluster, user: User): string[] {
  const cloudflare = world.cloudflare.ledger();
  const incarnations = [...user.incarnations.values()].reduce((sum, count) => sum + count, 0);
  const counters = { cloudflare, chargebee: world.chargebee.counters() };
  const findings = ledgerFindings({ counters }).filter((finding) => finding.startsWith("Cloudflare"));
  if (cloudflare.createdRows > incarnations)
    findings.push(`Cloudflare: ${cloudflare.createdRows} rows were made for ${incarnations} CustomDomains`);
  return findings;
}

/** Money, by what Chargebee's simulator saw: no write twice, and what was charged less what was credited is what there is. */
export function chargeFindings({ world }: ChaosCluster, namespaces: readonly string[]): string[] {
  const counters = { cloudflare: world.cloudflare.ledger(), chargebee: world.chargebee.counters() };
  const { itemPriceID } = world.connection;
  const { unbilledCharges, creditNotes } = world.chargebee.records();
  const sum = (lines: readonly { readonly entityID: string; readonly quantity: number | undefined }[]) =>
    lines.filter(({ entityID }) => entityID === itemPriceID).reduce((total, { quantity = 0 }) => total + quantity, 0);
  const unequal = namespaces.flatMap((namespace) => {
    const id = subscriptionOf(namespace);
    const charged = sum(unbilledCharges.filter(({ subscriptionID }) => subscriptionID === id));
    const credited = sum(creditNotes.filter(({ subscriptionID }) => subscriptionID === id).flatMap(({ lines }) => lines));
    const quantity = world.chargebee.quantity(id, itemPriceID) ?? 0;
    return charged - credited === quantity
      ? []
      : [`Chargebee: ${id} was charged ${charged}, credited ${credited}, and has ${quantity}`];
  });
  return [...ledgerFindings({ counters }).filter((finding) => finding.startsWith("Chargebee")), ...unequal];
}

/** Processes that ended by themselves, and lines that none of the operator's code wrote on purpose. */
export function processFindings({ replicas }: ChaosCluster): string[] {
  return replicas.flatMap(({ name, ends, strangeLines }) => [
    ...ends
      .filter(({ cause, code }) => cause === "by itself" || (cause === "stopped by the test" && code !== 0))
      .map(({ cause, code, signal, lastLine }) => `${name} ended (${cause}) with ${signal ?? code}: ${lastLine.slice(0, 400)}`),
    ...strangeLines.map((line) => `${name}: ${line.slice(0, 400)}`),
  ]);
}

/** Every status that the operator wrote, by the rules of the whole suite. */
export async function statusVerdict({ controlPlane }: ChaosCluster): Promise<Pick<Verdict, "statuses" | "statusesJudged">> {
  const isStatus = ({ user, objectRef, verb }: AuditEvent) =>
    user.username === OPERATOR_USER && objectRef?.subresource === "status" && (verb === "update" || verb === "patch");
  const { events } = await readAuditLog(controlPlane.auditLog, { where: isStatus });
  const evidence = { requests: events };
  const statuses = statusFindings(evidence).filter(
    (finding) => !ALLOWED.some((allowance) => finding.includes(allowance.finding)),
  );
  return { statuses, statusesJudged: statusesWritten(evidence).length };
}
