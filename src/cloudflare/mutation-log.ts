import type { CustomHostname } from "./row.ts";

/** One attempt to change something at Cloudflare, written after it ended. */
export interface MutationRecord {
  readonly action: "create" | "edit" | "delete";
  readonly zoneID: string;
  readonly hostname: string | undefined;
  readonly id: string | undefined;
  /** `Kind/namespace/name` on whose behalf. */
  readonly subject: string;
  readonly why: string;
  /** What was sent. */
  readonly request: unknown;
  readonly before: RowSummary | undefined;
  readonly after: RowSummary | undefined;
  readonly outcome: "done" | "refused" | "unknown";
  readonly error: string | undefined;
  readonly durationMs: number;
}

export interface MutationLog {
  record(entry: MutationRecord): void;
}

/** What of a row goes into logs: no tokens that prove ownership or validate certificates. */
export interface RowSummary {
  readonly id: string;
  readonly hostname: string;
  readonly status: string;
  readonly sslStatus: string | undefined;
  readonly method: string | undefined;
  readonly settings: unknown;
  readonly originServer: string | undefined;
  readonly originSNI: string | undefined;
}

export function summarise(row: CustomHostname | undefined): RowSummary | undefined {
  if (row === undefined) return undefined;
  return {
    id: row.id,
    hostname: row.hostname,
    status: row.status,
    sslStatus: row.ssl?.status,
    method: row.ssl?.method,
    settings: row.ssl?.settings,
    originServer: row.customOriginServer,
    originSNI: row.customOriginSNI,
  };
}
