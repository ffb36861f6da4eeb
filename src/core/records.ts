import type { DnsRecordRow, VerificationRecord } from "../api/v1/custom-domain-status.ts";
import { isReason, type Reason } from "../api/v1/reasons.ts";
import type { Finding } from "./conditions.ts";
import type { DesiredRecord } from "./desired-records.ts";
import type { Discovered } from "./discovery.ts";
import { judgeIssuance } from "./issuance-judgement.ts";
import { recipe } from "./record-row.ts";
import { judgeRouting } from "./routing-judgement.ts";
import { judgeChallenge, judgeDelegation, judgeProof } from "./text-judgement.ts";

/** The bound of status.dnsRecords and status.verificationRecords. */
export const MAX_ROWS = 32;

/** The desired-versus-discovered table. Rows that must go follow the row they are in the way of. */
export function diffRecords(desired: readonly DesiredRecord[], discovered: Discovered): readonly DnsRecordRow[] {
  return withoutRepeats(desired.flatMap((record) => judge(record, desired, discovered))).slice(0, MAX_ROWS);
}

function judge(record: DesiredRecord, desired: readonly DesiredRecord[], discovered: Discovered): readonly DnsRecordRow[] {
  const { judgement } = record;
  switch (judgement.kind) {
    case "Proof":
      return judgeProof(record, discovered);
    case "Alias":
    case "Addresses":
      return judgeRouting({ ...record, judgement }, discovered);
    case "Challenge":
      return judgeChallenge(record, judgement, discovered);
    case "Delegation":
      return judgeDelegation(record, desired, discovered);
    case "Issuance":
      return judgeIssuance(record, judgement.issuers, discovered);
  }
}

/** A and AAAA rows of one apex both see the same stray addresses. */
function withoutRepeats(rows: readonly DnsRecordRow[]): readonly DnsRecordRow[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = `${row.type} ${row.name} ${row.state === "Extra" ? "Extra" : row.desired.join(" ")}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** What the owner must still publish; everything, while nothing is known (`rows` empty). */
export function verificationRecords(
  rows: readonly DnsRecordRow[],
  desired: readonly DesiredRecord[],
): readonly VerificationRecord[] {
  return desired
    .flatMap((record) => {
      const row = rowOf(record, rows);
      // A certificate authority is named in CAA only where a CAA set forbids it.
      if (row?.state === "Ok" || (record.judgement.kind === "Issuance" && row === undefined)) return [];
      const { type, purpose, required } = record;
      const name = row?.name ?? record.name;
      const values = record.judgement.kind === "Issuance" ? record.values.slice(0, 1) : record.values;
      return values.map((value) => ({
        type,
        name,
        value,
        purpose,
        required,
        reason: row?.message ?? `Add ${recipe(record)} ${record.why}.`,
      }));
    })
    .slice(0, MAX_ROWS);
}

/** DNSConfigured: whether visitors of the primary name are led here, and only here. */
export function dnsCondition(rows: readonly DnsRecordRow[], desired: readonly DesiredRecord[]): Finding {
  return routingFinding(
    rows,
    desired.filter(({ purpose, required }) => purpose === "Routing" && required),
  );
}

/** The names, the www twin among them, whose visitors are led here, and only here. */
export function namesLeadingHere(rows: readonly DnsRecordRow[], desired: readonly DesiredRecord[]): ReadonlySet<string> {
  const routing = desired.filter(({ purpose, type, required }) => purpose === "Routing" && (required || type === "CNAME"));
  const right = (name: string): boolean =>
    routingFinding(
      rows,
      routing.filter((record) => record.name === name),
    ).status === "True";
  return new Set(routing.map(({ name }) => name).filter(right));
}

function routingFinding(rows: readonly DnsRecordRow[], routing: readonly DesiredRecord[]): Finding {
  const relevant = rows.filter(
    (row) => row.purpose === "Routing" && routing.some(({ name }) => name === row.name) && concerns(row, routing),
  );
  const wrong = relevant.filter(({ state }) => state !== "Ok" && state !== "Unknown");
  const [first] = wrong;
  if (first !== undefined) {
    const more = wrong.length > 1 ? ` ${wrong.length - 1} more in status.dnsRecords.` : "";
    return { status: "False", reason: reasonOf(first, "WrongRecord"), message: `${first.message ?? ""}${more}` };
  }
  const unsure = relevant.find(({ state }) => state === "Unknown");
  if (unsure !== undefined)
    return { status: "Unknown", reason: reasonOf(unsure, "AuthoritativeUnreachable"), message: unsure.message ?? "" };
  const forgotten = relevant.find(({ reason }) => reason === "NegativeCached");
  if (forgotten !== undefined) return { status: "False", reason: "NegativeCached", message: forgotten.message ?? "" };
  if (relevant.length === 0) return { status: "Unknown", reason: "NotChecked", message: "Not looked at yet." };
  const told = relevant.find(({ state, message }) => state === "Ok" && message !== undefined);
  return { status: "True", reason: "RecordsCorrect", message: told?.message ?? "DNS points here." };
}

/** The IPv6 addresses of an apex are welcome, not awaited; records in the way always count. */
function concerns(row: DnsRecordRow, routing: readonly DesiredRecord[]): boolean {
  return row.state === "Extra" || routing.some(({ type }) => type === row.type);
}

function rowOf(record: DesiredRecord, rows: readonly DnsRecordRow[]): DnsRecordRow | undefined {
  return rows.find(
    (row) =>
      row.type === record.type &&
      row.state !== "Extra" &&
      (row.name === record.name || record.judgement.kind === "Issuance") &&
      row.purpose === record.purpose,
  );
}

function reasonOf(row: DnsRecordRow, otherwise: Reason): Reason {
  return row.reason !== undefined && isReason(row.reason) ? row.reason : otherwise;
}
