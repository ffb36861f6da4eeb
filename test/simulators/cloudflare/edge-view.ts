import type { Row } from "./row.ts";

/** What the edge knows of a hostname: whether it serves it, and with which certificate. */
export interface EdgeView {
  /** The row's own, which for a wildcard is the parent of the name asked for. */
  readonly hostname: string;
  readonly isActive: boolean;
  /** Unix milliseconds of the simulator's clock; undefined before the first certificate. */
  readonly certificate: { readonly issuedAt: number; readonly expiresAt: number } | undefined;
}

/** Of several zones with the name, the one that is active counts. */
export function viewOf(hostname: string, zones: readonly { row(hostname: string): Row | undefined }[]): EdgeView | undefined {
  const parent = hostname.slice(hostname.indexOf(".") + 1);
  const exact = zones.map((zone) => zone.row(hostname));
  const wildcards = zones.map((zone) => zone.row(parent)).filter((row) => row?.certificate?.wildcard === true);
  const rows = [...exact, ...wildcards].filter((row) => row !== undefined);
  const row = rows.find((candidate) => candidate.status === "active") ?? rows[0];
  return row && { hostname: row.hostname, isActive: row.status === "active", certificate: row.certificate?.issued };
}
