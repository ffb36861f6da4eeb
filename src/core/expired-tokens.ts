import type { DnsRecordRow } from "../api/v1/custom-domain-status.ts";
import type { Finding } from "./conditions.ts";
import { listed } from "./record-row.ts";

/**
 * Cloudflare makes new validation values when the old ones have run out, and an owner who published those has to be told that
 * they are worth nothing any more. `rows` with reason TokensExpired where DNS still has a value that `before` asked for.
 */
export function markExpiredTokens(rows: readonly DnsRecordRow[], before: readonly DnsRecordRow[]): readonly DnsRecordRow[] {
  return rows.map((row) => {
    if (row.purpose !== "Certificate" || row.type !== "TXT" || row.reason !== "WrongRecord") return row;
    const known = before.find(({ type, name, state }) => type === row.type && name === row.name && state !== "Extra");
    const stale = row.found.filter((value) => !row.desired.includes(value));
    // Asked for until now, or found to be stale before: what was asked for at that time is not remembered.
    const wasAsked = stale.some((value) => known?.desired.includes(value) === true);
    const wasStale = known?.reason === "TokensExpired" && stale.some((value) => known.found.includes(value));
    return wasAsked || wasStale ? expired(row, stale) : row;
  });
}

function expired(row: DnsRecordRow, stale: readonly string[]): DnsRecordRow {
  const wanted = row.desired.map((value) => `'${value}'`).join(" and ");
  const message = `The validation record expired and a new one was made: replace ${listed(stale)} in TXT ${row.name} by ${wanted}, or point the name here.`;
  return { ...row, reason: "TokensExpired", message };
}

/** CertificateReady, where it waits for a TXT record of which the owner has published an expired one. */
export function certificateFinding(
  finding: Finding,
  rows: readonly DnsRecordRow[],
  { hostname, leadsHere }: { readonly hostname: string; readonly leadsHere: boolean },
): Finding {
  if (finding.status !== "False" || finding.reason !== "AwaitingDNS" || leadsHere) return finding;
  const row = rows.find(({ reason, name }) => reason === "TokensExpired" && name === `_acme-challenge.${hostname}`);
  return row?.message === undefined ? finding : { status: "False", reason: "TokensExpired", message: row.message };
}
