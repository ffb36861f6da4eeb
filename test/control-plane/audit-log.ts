import { createReadStream } from "node:fs";

export type AuditVerb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** The parts of an `audit.k8s.io/v1` Event that tests ask for; audit-policy.ts says which requests have which parts. */
export interface AuditEvent {
  readonly auditID: string;
  readonly level: "Metadata" | "Request" | "RequestResponse";
  /** A watch gives `ResponseStarted`, and `ResponseComplete` when it ends; every other request only the latter, or `Panic`. */
  readonly stage: "ResponseStarted" | "ResponseComplete" | "Panic";
  readonly requestURI: string;
  readonly verb: AuditVerb | (string & {});
  readonly user: { readonly username: string; readonly groups?: readonly string[] };
  readonly userAgent?: string;
  readonly objectRef?: AuditObjectRef;
  readonly responseStatus?: { readonly code?: number; readonly reason?: string; readonly message?: string };
  /** For a patch, the patch itself. */
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface AuditObjectRef {
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
}

export interface AuditLogPart {
  readonly events: readonly AuditEvent[];
  /** Where the next part starts: after the last complete line. */
  readonly offset: number;
}

const WRITES: ReadonlySet<string> = new Set(["create", "update", "patch", "delete", "deletecollection"]);
const EVENT_START = '{"kind":"Event","apiVersion":"audit.k8s.io/v1"';
const NEWLINE = 0x0a;

export function isWrite(event: AuditEvent): boolean {
  return WRITES.has(event.verb);
}

/**
 * Reads the events from a byte offset on, up to `end` (exclusive). `where` keeps the memory small when few events of a long log are wanted.
 *
 * The API server writes a request's event when its answer has been handed to the network, so the client may know the answer a moment
 * before the line stands here: wait for an event, never assume it. A line without its end is left for the next read.
 */
export async function readAuditLog(
  path: string,
  options: { readonly offset?: number; readonly end?: number; readonly where?: (event: AuditEvent) => boolean } = {},
): Promise<AuditLogPart> {
  const events: AuditEvent[] = [];
  const where = options.where ?? (() => true);
  let offset = options.offset ?? 0;
  let pieces: Buffer[] = [];
  const endLine = (last: Buffer): void => {
    const line = Buffer.concat([...pieces, last]);
    pieces = [];
    offset += line.length + 1;
    const event = parseLine(line.toString("utf8"));
    if (event !== undefined && where(event)) {
      events.push(event);
    }
  };
  const range = { start: offset, end: (options.end ?? Number.POSITIVE_INFINITY) - 1 };
  if (range.end < range.start) return { events, offset };
  for await (const chunk of createReadStream(path, { ...range, highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      endLine(chunk.subarray(start, end));
      start = end + 1;
    }
    pieces.push(chunk.subarray(start));
  }
  return { events, offset };
}

/** An API server killed while it wrote leaves half a line, which the next one continues with a whole event. That one is not lost. */
function parseLine(line: string): AuditEvent | undefined {
  for (let start = 0; start !== -1; start = line.indexOf(EVENT_START, start + 1)) {
    try {
      return JSON.parse(line.slice(start)) as AuditEvent;
    } catch {
      // Try from the next start of an event.
    }
  }
  return undefined;
}
