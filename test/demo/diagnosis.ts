import { z } from "zod";
import type { Condition } from "../../src/api/v1/conditions.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import type { Cluster } from "./cluster.ts";
import type { Narrator, Row } from "./narrator.ts";
import type { ShippedOperator } from "./shipped-operator.ts";

const LOG_LINES = 15;
const LINE_LIMIT = 240;
const logLineSchema = z.looseObject({ time: z.string(), level: z.string(), message: z.string() });

type WithConditions = KubeObject<unknown, { readonly conditions?: readonly Condition[] | undefined }>;

/** What a person looks at first: the conditions of everything, the records that are not right, and the end of the log. */
export async function diagnose(cluster: Cluster, operator: ShippedOperator, narrator: Narrator): Promise<void> {
  try {
    await tellConditions(cluster, narrator);
    await tellRecords(cluster, narrator);
  } catch (error) {
    narrator.say(`The API server could not be asked: ${error instanceof Error ? error.message : String(error)}`);
  }
  narrator.line();
  narrator.say("The end of the operator's log:");
  for (const line of operator.tail(LOG_LINES)) narrator.output(readable(line).slice(0, LINE_LIMIT));
}

/** A line of the log as people read it; whatever is no such line stays as it is. */
function readable(line: string): string {
  try {
    const { time, level, message, ...rest } = logLineSchema.parse(JSON.parse(line));
    return `${time.slice(11, 23)} ${level.padEnd(5)} ${message} ${JSON.stringify(rest)}`;
  } catch {
    return line;
  }
}

async function tellConditions(cluster: Cluster, narrator: Narrator): Promise<void> {
  const groups: readonly (readonly [string, readonly WithConditions[]])[] = [
    ["CustomDomainClass", await cluster.list("customdomainclasses")],
    ["BillingAccount", await cluster.list("billingaccounts")],
    ["CustomDomain", await cluster.list("customdomains")],
  ];
  for (const [kind, objects] of groups) {
    for (const { metadata, status } of objects) {
      narrator.line();
      narrator.say(`${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}:`);
      const rows = (status?.conditions ?? []).map(({ type, status, reason, message }): Row => [type, status, reason, message]);
      narrator.table(["CONDITION", "STATUS", "REASON", "MESSAGE"], rows);
    }
  }
}

async function tellRecords(cluster: Cluster, narrator: Narrator): Promise<void> {
  const domains = await cluster.list("customdomains");
  const rows = domains.flatMap(({ status }) =>
    (status?.dnsRecords ?? [])
      .filter(({ state, purpose }) => state !== "Ok" && purpose !== "Certificate")
      .map(({ type, name, state, message = "" }): Row => [type, name, state, message]),
  );
  if (rows.length === 0) return;
  narrator.line();
  narrator.say("Records that are not right (status.dnsRecords):");
  narrator.table(["TYPE", "NAME", "STATE", "MESSAGE"], rows);
}
