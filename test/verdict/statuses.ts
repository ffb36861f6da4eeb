import { z } from "zod";
import { CUSTOM_DOMAINS } from "../../src/api/v1/group.ts";
import type { AuditEvent } from "../control-plane/audit-log.ts";
import { kstatusProblems, kstatusSequenceProblems, type ReportedObject } from "../kstatus.ts";
import type { Evidence } from "./evidence.ts";
import { houseProblems, stepProblems } from "./status-rules.ts";

const storedSchema = z.object({
  kind: z.string(),
  metadata: z.object({
    uid: z.string(),
    name: z.string(),
    namespace: z.string().optional(),
    generation: z.number(),
    resourceVersion: z.string(),
  }),
  status: z.record(z.string(), z.unknown()),
});
type Stored = z.infer<typeof storedSchema>;

/** A status that the operator wrote and the API server stored. */
export interface StatusWritten {
  readonly stored: Stored;
  /** As it was sent. */
  readonly sent: unknown;
  readonly at: number;
}

/** All of them, oldest first for each object. */
export function statusesWritten({ requests }: Pick<Evidence, "requests">): StatusWritten[] {
  return requests
    .filter(isStatusWrite)
    .map((event) => ({
      stored: storedSchema.parse(event.responseObject),
      sent: z.object({ status: z.unknown() }).parse(event.requestObject).status,
      at: Date.parse(event.requestReceivedTimestamp),
    }))
    .sort((a, b) => Number(a.stored.metadata.resourceVersion) - Number(b.stored.metadata.resourceVersion));
}

function isStatusWrite({ verb, objectRef, responseStatus }: AuditEvent): boolean {
  const ours = objectRef?.apiGroup === CUSTOM_DOMAINS.group && objectRef.subresource === "status";
  return ours && (verb === "update" || verb === "patch") && responseStatus?.code === 200;
}

/** Every status by itself, and every object's statuses one after the other. */
export function statusFindings(evidence: Pick<Evidence, "requests">): string[] {
  const written = statusesWritten(evidence);
  const single = written.flatMap(({ stored }) =>
    [...kstatusProblems(reported(stored)), ...houseProblems(stored.kind, stored.status)].map(
      (problem) => `${nameOf(stored)}: ${problem}`,
    ),
  );
  const sequences = [...Map.groupBy(written, ({ stored }) => stored.metadata.uid).values()];
  return [...new Set([...single, ...sequences.flatMap(sequenceFindings)])];
}

function sequenceFindings(writes: readonly StatusWritten[]): string[] {
  const [first] = writes;
  if (first === undefined) return [];
  const name = nameOf(first.stored);
  const transitions = kstatusSequenceProblems(writes.map(({ stored, sent, at }) => ({ ...reported(stored), status: sent, at })));
  const steps = writes.flatMap(({ stored, sent }, index) => {
    const before = writes[index - 1];
    return before === undefined
      ? []
      : stepProblems(stored.kind, before.sent, sent).map((problem) => `write ${index + 1}: ${problem}`);
  });
  return [...transitions, ...steps].map((problem) => `${name}: ${problem}`);
}

function reported({ kind, metadata, status }: Stored): ReportedObject {
  return { kind, metadata: { generation: metadata.generation }, status };
}

function nameOf({ kind, metadata }: Stored): string {
  return `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
}
