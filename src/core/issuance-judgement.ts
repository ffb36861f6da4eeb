import type { DnsRecordRow } from "../api/v1/custom-domain-status.ts";
import type { DesiredRecord } from "./desired-records.ts";
import type { CAARecord, Discovered } from "./discovery.ts";
import { toRow, unknown } from "./record-row.ts";

/** RFC 8659 section 4: properties that everyone must understand; RFC 9495 and 8657 add further ones. */
const KNOWN_TAGS = ["issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"] as const;

/** A row only where CAA forbids the certificate, at the name whose record does so, or where CAA cannot be read. */
export function judgeIssuance(
  record: DesiredRecord,
  issuers: readonly string[],
  { issuance }: Discovered,
): readonly DnsRecordRow[] {
  const view = issuance.get(record.name);
  if (view === undefined || view.kind === "unrestricted") return [];
  if (view.kind === "unknown") return [toRow(record, record.values, unknown("CAAUnreachable", view.message))];
  const found = view.records.map(({ critical, tag, value }) => `${critical ? 128 : 0} ${tag} "${value}"`);
  if (mayIssue(view.records, issuers)) return [];
  const line = record.values.map((value) => `'${value}'`).join(" or ");
  const message = `The CAA records of ${view.name} forbid the certificate: add CAA ${view.name} ${line}.`;
  return [
    toRow({ ...record, name: view.name }, record.values, {
      state: "Mismatch",
      action: "Add",
      found,
      reason: "CAAForbids",
      message,
    }),
  ];
}

function mayIssue(records: readonly CAARecord[], issuers: readonly string[]): boolean {
  if (records.some(({ critical, tag }) => critical && !KNOWN_TAGS.some((known) => known === tag))) return false;
  const issue = records.filter(({ tag }) => tag === "issue");
  return issue.length === 0 || issue.some(({ value }) => issuers.includes(value.split(";")[0]?.trim().toLowerCase() ?? ""));
}
