import { z } from "zod";
import { isReason } from "../../src/api/v1/reasons.ts";
import { describeWrite, isLease } from "../harness/idle.ts";
import type { Evidence } from "./evidence.ts";

/** Of Chargebee's counters those that only a mistake of the operator moves. */
const BILLING_MISTAKES = [
  ...["overlaps", "destroyedSchedules", "reactivations", "badRequests", "emptyReplacements", "unknownParameters"],
  ...["unchangedWrites", "keyConflicts", "priceResets", "chargeItems"],
] as const;

/** Money and names: what the simulators saw being done wrong. */
export function ledgerFindings({ counters }: Pick<Evidence, "counters">): string[] {
  const { cloudflare, chargebee } = counters;
  const rows = Object.entries(cloudflare.maxRowsPerName)
    .filter(([, most]) => most > 1)
    .map(([name, most]) => `Cloudflare: ${most} rows at once for ${name}`);
  const overlaps = Object.entries(cloudflare.overlappingWrites)
    .filter(([, times]) => times > 0)
    .map(([name, times]) => `Cloudflare: ${times} overlapping writes for ${name}`);
  const mistakes = BILLING_MISTAKES.flatMap((counter) => {
    const times = chargebee[counter];
    if (times === undefined) return [`Chargebee: no counter ${counter}`];
    return times > 0 ? [`Chargebee: ${counter} is ${times}`] : [];
  });
  return [...rows, ...overlaps, ...mistakes];
}

const lineSchema = z.object({
  level: z.string(),
  message: z.string(),
  controller: z.string().optional(),
  err: z.object({ message: z.string() }).optional(),
});
type Line = z.infer<typeof lineSchema>;

/** Lines of the log that are none of the logger's (a stack trace, a warning of Node.js), and those that tell of a failure. */
export function logFindings({ log }: Pick<Evidence, "log">): string[] {
  const findings = log
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((text) => {
      const line = parseLine(text);
      if (line === undefined) return [`not a line of the logger: ${text.slice(0, 200)}`];
      if (/unhandled ?rejection|uncaught ?exception/i.test(text)) return [`not handled: ${describeLine(line)}`];
      return line.level === "error" || line.level === "fatal" ? [`${line.level}: ${describeLine(line)}`] : [];
    });
  return [...new Set(findings)];
}

/** How often each warning and error stands in the log, for people. */
export function complaints({ log }: Pick<Evidence, "log">): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of log.split("\n")) {
    const line = parseLine(text);
    if (line === undefined || !["warn", "error", "fatal"].includes(line.level)) continue;
    const key = `${line.level}: ${describeLine(line)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function parseLine(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function describeLine({ controller, message, err }: Line): string {
  return [controller, message, err?.message].filter((part) => part !== undefined).join(": ");
}

/** Secret values in anything that the operator wrote: its log, and every request that the API server recorded. */
export function secretFindings({ secrets, log, requests }: Pick<Evidence, "secrets" | "log" | "requests">): string[] {
  const recorded = requests.map((event) => JSON.stringify(event));
  return Object.entries(secrets).flatMap(([name, value]) => {
    const forms = formsOf(value);
    const places = [
      ...(forms.some((form) => log.includes(form)) ? ["operator.log"] : []),
      ...requests
        .filter((_, index) => forms.some((form) => recorded[index]?.includes(form)))
        .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource} ${objectRef?.namespace ?? ""}/${objectRef?.name ?? ""}`),
    ];
    return [...new Set(places)].map((place) => `${name} stands in ${place}`);
  });
}

/** As it is, in URLs, in Secrets and in basic authentication (with the key as user name). */
function formsOf(value: string): string[] {
  const base64 = (text: string) => Buffer.from(text).toString("base64").replace(/=+$/, "");
  return [...new Set([value, encodeURIComponent(value), base64(value), base64(`${value}:`)])];
}

const eventSchema = z.object({
  type: z.enum(["Normal", "Warning"]),
  reason: z.string(),
  note: z.string().min(1),
  regarding: z.object({ kind: z.string(), name: z.string() }),
});

/** Events are for people and for alerts: each has a sentence, and a reason that can be looked up. */
export function eventFindings({ requests }: Pick<Evidence, "requests">): string[] {
  return requests
    .filter(({ objectRef, verb }) => objectRef?.apiGroup === "events.k8s.io" && verb === "create")
    .flatMap(({ requestObject }) => {
      const event = eventSchema.safeParse(requestObject).data;
      if (event === undefined) return [`an Event without its parts: ${JSON.stringify(requestObject)?.slice(0, 200)}`];
      const { kind, name } = event.regarding;
      return isReason(event.reason) ? [] : [`Event of ${kind} ${name}: reason ${event.reason} is not in the catalogue`];
    });
}

/** Judged again from the audit log, whatever the test itself said. */
export function idleFindings({ idle }: Pick<Evidence, "idle">): string[] {
  return idle.flatMap((window, index) => {
    const name = `idle window ${index + 1}`;
    const writes = window.writes.filter((event) => !isLease(event)).map((event) => `${name}: ${describeWrite(event)}`);
    const external = [
      ...(window.cloudflareWrites > 0 ? [`${name}: ${window.cloudflareWrites} writes to Cloudflare`] : []),
      ...(window.chargebeeWrites > 0 ? [`${name}: ${window.chargebeeWrites} writes to Chargebee`] : []),
    ];
    const alive = window.writes.some(isLease) && window.cloudflareReads > 0;
    return [...writes, ...external, ...(alive ? [] : [`${name}: the operator did not renew its Lease, or read nothing`])];
  });
}
