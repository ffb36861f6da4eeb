import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type AuditEvent, readAuditLog } from "../control-plane/audit-log.ts";
import { OPERATOR_USER } from "../harness/environment.ts";
import { type Declared, EVIDENCE, evidenceRoot } from "../harness/evidence.ts";
import { type IdleWindow, operatorWrites } from "../harness/idle.ts";

/** What one control plane, its simulators and its operators left behind. */
export interface Evidence extends Declared {
  /** What the operator's ServiceAccount asked of the API server, in the order of the answers. */
  readonly requests: readonly AuditEvent[];
  readonly counters: Counters;
  /** Values by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Of all the operator's processes. */
  readonly log: string;
  readonly idle: readonly (IdleWindow & { readonly writes: readonly AuditEvent[] })[];
}

const count = z.number();
const countsSchema = z.record(z.string(), count);
const countersSchema = z.object({
  cloudflare: z.object({ maxRowsPerName: countsSchema, overlappingWrites: countsSchema }),
  chargebee: countsSchema,
});
export type Counters = z.infer<typeof countersSchema>;

const declaredSchema = z.object({ name: z.string(), allow: z.array(z.object({ finding: z.string(), because: z.string() })) });
const secretsSchema = z.record(z.string(), z.string().min(8));
const idleSchema = z.object({
  from: count,
  to: count,
  passedMs: count,
  cloudflareWrites: count,
  chargebeeWrites: count,
  cloudflareReads: count,
});

export interface EvidenceRoom {
  readonly evidence: readonly Evidence[];
  /** Directories that cannot be judged, and why. */
  readonly problems: readonly string[];
}

/** Reads every evidence directory; none at all is no error here. */
export async function readEvidenceRoom(root = evidenceRoot()): Promise<EvidenceRoom> {
  const names = await readdir(root).catch(() => []);
  const read = await Promise.all(names.sort().map((name) => readEvidence(join(root, name))));
  return {
    evidence: read.filter((result) => typeof result !== "string"),
    problems: read.filter((result) => typeof result === "string"),
  };
}

async function readEvidence(directory: string): Promise<Evidence | string> {
  const present = new Set(await readdir(directory));
  const missing = [EVIDENCE.environment, EVIDENCE.audit, EVIDENCE.counters, EVIDENCE.secrets, EVIDENCE.log].filter(
    (file) => !present.has(file),
  );
  if (missing.length > 0) return `${directory} lacks ${missing.join(", ")}: its environment was never stopped`;
  const parsed = async <T>(file: string, schema: z.ZodType<T>): Promise<T> =>
    schema.parse(JSON.parse(await readFile(join(directory, file), "utf8")));
  const auditLog = join(directory, EVIDENCE.audit);
  const { name, allow } = await parsed(EVIDENCE.environment, declaredSchema);
  const lines = present.has(EVIDENCE.idle) ? (await readFile(join(directory, EVIDENCE.idle), "utf8")).trim().split("\n") : [];
  const windows = lines.map((line) => idleSchema.parse(JSON.parse(line)));
  return {
    name,
    allow,
    requests: (await readAuditLog(auditLog, { where: ({ user }) => user.username === OPERATOR_USER })).events,
    counters: await parsed(EVIDENCE.counters, countersSchema),
    secrets: await parsed(EVIDENCE.secrets, secretsSchema),
    log: await readFile(join(directory, EVIDENCE.log), "utf8"),
    idle: await Promise.all(windows.map(async (window) => ({ ...window, writes: await operatorWrites(auditLog, window) }))),
  };
}

/** What a judge finds in each piece of evidence, with the environment's name; what was allowed on purpose is left out. */
export function heldAgainst(all: readonly Evidence[], judge: (evidence: Evidence) => readonly string[]): string[] {
  return all.flatMap((evidence) =>
    judge(evidence)
      .filter((finding) => !evidence.allow.some((allowance) => finding.includes(allowance.finding)))
      .map((finding) => `${evidence.name}: ${finding}`),
  );
}
