import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

const conditionSchema = z.object({ type: z.string(), status: z.string(), reason: z.string() });
const statusSchema = z.object({
  id: z.string().optional(),
  domain: z.string().optional(),
  verified: z.boolean().optional(),
  verifiedAt: z.string().optional(),
  lastCheckedAt: z.string().optional(),
  checkError: z.string().optional(),
  lastHandledRecheck: z.string().optional(),
  verificationRecords: z.array(z.unknown()).default([]),
  conditions: z.array(conditionSchema).default([]),
});
type Status = z.infer<typeof statusSchema>;
type Condition = z.infer<typeof conditionSchema>;

/** What Ready of a CustomDomain is made of. */
const ASPECTS = ["Claimed", "OwnershipVerified", "HostnameActive", "CertificateReady", "DNSConfigured", "Routed"] as const;
const TIMESTAMPS = ["lastCheckedAt", "nextCheckAt"] as const;
const MEASURED = ["checkTimestamp", "responseTimeMs", "timings"] as const;
const TIMESTAMPS_EVERY_MS = 300_000;

/** What this project promises of every status, beyond kstatus: who is not ready says who is at work on it, with the same reason. */
export function houseProblems(kind: string, raw: unknown): string[] {
  const status = statusSchema.parse(raw);
  const found = (type: string) => status.conditions.find((condition) => condition.type === type);
  const ready = found("Ready");
  const work = found("Reconciling") ?? found("Stalled");
  const problems: string[] = [];
  if (ready?.status !== "True" && work === undefined && found("Paused") === undefined)
    problems.push("Ready is not True, so Reconciling, Stalled or Paused must be present");
  if (ready !== undefined && work !== undefined && ready.reason !== work.reason)
    problems.push(`Ready says ${ready.reason}, so ${work.type} must not say ${work.reason}`);
  return kind === "CustomDomain" ? [...problems, ...domainProblems(status, found)] : problems;
}

function domainProblems(status: Status, found: (type: string) => Condition | undefined): string[] {
  const problems: string[] = [];
  const verified = status.verifiedAt !== undefined;
  const ready = found("Ready")?.status === "True";
  const open = ASPECTS.filter((type) => found(type)?.status !== "True" && found(type)?.reason !== "CheckOff");
  if ((status.verified ?? false) !== verified) problems.push("verified must say whether verifiedAt is set");
  if (verified && status.verificationRecords.length > 0) problems.push("verificationRecords must be empty once verified");
  if (found("Paused") === undefined) {
    if (ready && open.length > 0) problems.push(`Ready must not be True while ${open.join(", ")} is not`);
    if (!ready && open.length === 0 && found("Stalled") === undefined) problems.push("Ready must be True when all of it holds");
    if (ready && !verified) problems.push("a domain that is Ready must be verified");
  }
  if (ready && status.checkError !== undefined) problems.push("checkError must be absent from a domain that is Ready");
  return problems;
}

/** What is wrong from one status of an object to the next, both as they were sent. */
export function stepProblems(kind: string, before: unknown, after: unknown): string[] {
  if (isDeepStrictEqual(before, after)) return ["a status that says nothing new must not be written"];
  if (kind !== "CustomDomain") return [];
  const [old, now] = [statusSchema.parse(before), statusSchema.parse(after)];
  const problems: string[] = [];
  if (old.id !== undefined && now.id !== old.id) problems.push(`id ${old.id} must not become ${now.id}`);
  if (old.domain !== undefined && now.domain !== old.domain) problems.push(`domain ${old.domain} must not become ${now.domain}`);
  if (old.verifiedAt !== undefined && now.verifiedAt !== undefined && old.verifiedAt !== now.verifiedAt)
    problems.push(`verifiedAt ${old.verifiedAt} must not become ${now.verifiedAt}`);
  const elapsedMs = Date.parse(now.lastCheckedAt ?? "") - Date.parse(old.lastCheckedAt ?? "");
  if (elapsedMs < TIMESTAMPS_EVERY_MS && isDeepStrictEqual(withoutTimestamps(before), withoutTimestamps(after)))
    problems.push(`timestamps alone must not be written after ${elapsedMs / 1_000} s`);
  return problems;
}

function withoutTimestamps(raw: unknown): unknown {
  const { check, ...status } = z.looseObject({ check: z.looseObject({}).optional() }).parse(raw);
  return { ...omit(status, TIMESTAMPS), check: check === undefined ? undefined : omit(check, MEASURED) };
}

function omit(object: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
