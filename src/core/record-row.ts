import type { DnsRecordRow } from "../api/v1/custom-domain-status.ts";
import type { Reason } from "../api/v1/reasons.ts";
import type { DesiredRecord } from "./desired-records.ts";

/** What was found out about one record, before it is bounded and made printable. */
export interface Verdict {
  readonly state: DnsRecordRow["state"];
  readonly action: DnsRecordRow["action"];
  /** Raw values; strangers wrote them. */
  readonly found: readonly string[];
  readonly reason: Reason | undefined;
  readonly message: string | undefined;
}

const MAX_FOUND = 8;
const MAX_TEXT = 128;
const MAX_MESSAGE = 1024;

/** What DNS answers besides is left alone. `reason`: where there is something to know about how it is right. */
export function ok(found: readonly string[], message?: string, reason?: Reason): Verdict {
  return { state: "Ok", action: "None", found, reason, message };
}

export function unknown(reason: Reason, message: string): Verdict {
  return { state: "Unknown", action: "None", found: [], reason, message };
}

/** Sorted, since servers rotate their answers, and a status that only rotates must not be written. */
export function toRow(
  record: Pick<DesiredRecord, "type" | "name" | "purpose">,
  desired: readonly string[],
  verdict: Verdict,
): DnsRecordRow {
  const found = [...new Set(verdict.found)].sort().slice(0, MAX_FOUND);
  return {
    type: record.type,
    name: record.name,
    desired: [...desired],
    found: found.map((value) => (record.type === "TXT" ? printableText(value) : printableValue(value))),
    state: verdict.state,
    action: verdict.action,
    purpose: record.purpose,
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict.message === undefined ? {} : { message: verdict.message.slice(0, MAX_MESSAGE) }),
  };
}

/** A record that must go, because it stands in the way of a right one. */
export function extraRow(
  type: DesiredRecord["type"],
  record: Pick<DesiredRecord, "name" | "purpose">,
  found: readonly string[],
  reason: Reason,
  message: string,
): DnsRecordRow {
  return toRow({ ...record, type }, [], { state: "Extra", action: "Remove", found, reason, message });
}

/** TXT of strangers goes to terminals and web pages: printable ASCII or only its size. */
export function printableText(value: string): string {
  return value.length <= MAX_TEXT && /^[\x20-\x7e]*$/.test(value) ? value : `<${value.length} bytes>`;
}

/** A name or an address; labels may hold any byte. */
export function printableValue(value: string): string {
  return /^[a-z0-9_.:;="* -]{1,253}$/i.test(value) ? value : `<${Buffer.byteLength(value)} bytes>`;
}

/** "TXT _customdomains-challenge.acme.com with value '…'": what to type at the DNS provider. */
export function recipe({ type, name, values }: Pick<DesiredRecord, "type" | "name" | "values">): string {
  const each = values.map((value) => `'${value}'`).join(" and ");
  return `${type} ${name} with value ${each}`;
}

export function listed(values: readonly string[]): string {
  return [...new Set(values)].sort().slice(0, MAX_FOUND).map(printableValue).join(", ");
}

/** How long resolvers go on saying that a record does not exist after they were told so once. */
export function rememberedAbsence(seconds: number | undefined): string {
  return seconds === undefined || seconds === 0
    ? ""
    : ` Resolvers that asked before may remember for up to ${seconds} s that it is missing.`;
}

/** The record that stands in the wrong place, as a row of its own: what was found, and where. */
export function misplacedRow(
  { type, purpose }: Pick<DesiredRecord, "type" | "purpose">,
  { question, values }: { readonly question: { readonly name: string }; readonly values: readonly string[] },
  reason: Reason,
  to: string,
): DnsRecordRow {
  const message = `Remove ${type} ${question.name} once it stands at ${to}.`;
  return extraRow(type, { name: question.name, purpose }, values, reason, message);
}
