import { isGone } from "./hostname.ts";
import type { CustomHostname } from "./row.ts";
import { classifyHostname, classifySSL } from "./status-class.ts";

/** One way to look at rows that are expected to change. */
export type PendingCall =
  | { readonly kind: "get"; readonly id: string }
  /** The rows with this status, expected on `pages` pages; `ids` are those that are looked for. */
  | { readonly kind: "list"; readonly filter: StatusFilter; readonly pages: number; readonly ids: readonly string[] };

export type StatusFilter = { readonly hostnameStatus: string } | { readonly sslStatus: string };

/** Whether Cloudflare is still working on the row or waiting for DNS, so that it may change at any time. */
function isSettling(row: CustomHostname): boolean {
  if (isGone(row)) return false;
  const ssl = row.ssl === undefined ? "ready" : classifySSL(row.ssl.status);
  return classifyHostname(row.status) === "progressing" || ssl === "progressing";
}

/**
 * The fewest calls that show every watched row which is settling: per status either one list of all rows in it, watched or not,
 * or one GET per row.
 */
export function pendingCalls(rows: Iterable<CustomHostname>, watched: ReadonlySet<string>, pageSize: number): PendingCall[] {
  const groups = new Map<string, { readonly filter: StatusFilter | undefined; readonly ids: string[]; total: number }>();
  for (const row of rows) {
    if (!isSettling(row)) continue;
    const filter = filterOf(row);
    const key = JSON.stringify(filter ?? null);
    const group = groups.get(key) ?? { filter, ids: [], total: 0 };
    groups.set(key, group);
    group.total += 1;
    if (watched.has(row.hostname)) group.ids.push(row.id);
  }
  return [...groups.values()].flatMap(({ filter, ids, total }): PendingCall[] => {
    const pages = Math.ceil(total / pageSize);
    if (filter !== undefined && pages < ids.length) return [{ kind: "list", filter, pages, ids }];
    return ids.map((id) => ({ kind: "get", id }));
  });
}

/** The filter under which the row is found while it stays as it is; a row too fresh to have a status has none. */
function filterOf(row: CustomHostname): StatusFilter | undefined {
  if (row.status === "") return undefined;
  if (classifyHostname(row.status) === "progressing") return { hostnameStatus: row.status };
  return row.ssl === undefined || row.ssl.status === "" ? undefined : { sslStatus: row.ssl.status };
}
