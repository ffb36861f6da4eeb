import { isIPv4, isIPv6 } from "node:net";
import type { Answer, CaaData, SoaAnswer, SoaData } from "dns-packet";
import { checkedName } from "./names.ts";

export const RECORD_TYPES = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SOA", "TXT"] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/**
 * Presentation form, as in a zone file but without quotes around TXT: `203.0.113.7`, `10 mail.acme.com`,
 * `0 issue "letsencrypt.org"`, `<mname> <rname> <serial> <refresh> <retry> <expire> <minimum>`. A TXT value given as a
 * list states its chunks; given as a string it is cut into chunks of 255 bytes.
 */
export type RecordValue = string | readonly string[];

export interface RRset {
  /** Seconds. */
  readonly ttl: number;
  /** Never empty. */
  readonly values: readonly RecordValue[];
}

const MAX_CHUNK_BYTES = 255;
const CAA_TAGS = ["issue", "issuewild", "iodef"] as const;

export function isRecordType(type: string): type is RecordType {
  return RECORD_TYPES.some((known) => known === type);
}

/** The records of one set as they go on the wire, owned by `name`. Throws RangeError for a malformed value. */
export function toAnswers(name: string, type: RecordType, rrset: RRset): Answer[] {
  return rrset.values.map((value) => toAnswer(name, type, rrset.ttl, value));
}

export function toAnswer(name: string, type: RecordType, ttl: number, value: RecordValue): Answer {
  const common = { name, ttl, class: "IN" } as const;
  if (type === "TXT") return { ...common, type, data: txtChunks(value) };
  if (typeof value !== "string") throw new RangeError(`a ${type} record has no chunks`);
  switch (type) {
    case "A":
      if (!isIPv4(value)) throw new RangeError(`"${value}" is not an IPv4 address`);
      return { ...common, type, data: value };
    case "AAAA":
      if (!isIPv6(value)) throw new RangeError(`"${value}" is not an IPv6 address`);
      return { ...common, type, data: value };
    case "CNAME":
    case "NS":
      return { ...common, type, data: checkedName(value) };
    case "MX":
      return { ...common, type, data: mailExchange(value) };
    case "CAA":
      return { ...common, type, data: certificationAuthority(value) };
    case "SOA":
      return { ...common, type, data: parseSOA(value) };
  }
}

/**
 * The SOA for the authority section of a negative answer: its TTL is how long the denial may be cached, the smaller of the
 * record's own TTL and its last field (RFC 2308 section 3).
 */
export function negativeSOA(apex: string, rrset: RRset): SoaAnswer {
  const [value] = rrset.values;
  if (typeof value !== "string") throw new RangeError(`the SOA of ${apex} is malformed`);
  const data = parseSOA(value);
  return { name: apex === "" ? "." : apex, type: "SOA", class: "IN", ttl: Math.min(rrset.ttl, data.minimum), data };
}

export function parseSOA(value: string): SoaData & { readonly serial: number; readonly minimum: number } {
  const [mname, rname, ...numbers] = value.split(/\s+/);
  const [serial, refresh, retry, expire, minimum] = numbers.map(Number);
  const parsed = [serial, refresh, retry, expire, minimum];
  if (mname === undefined || rname === undefined || numbers.length !== 5 || !parsed.every(isUint32)) {
    throw new RangeError(`"${value}" is not a SOA value`);
  }
  return { mname, rname, serial: serial ?? 0, refresh, retry, expire, minimum: minimum ?? 0 };
}

function isUint32(value: number | undefined): boolean {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

function txtChunks(value: RecordValue): Buffer[] {
  if (typeof value === "string") {
    const bytes = Buffer.from(value, "utf8");
    const chunks: Buffer[] = [];
    for (let start = 0; start < bytes.length; start += MAX_CHUNK_BYTES)
      chunks.push(bytes.subarray(start, start + MAX_CHUNK_BYTES));
    return chunks.length === 0 ? [Buffer.alloc(0)] : chunks;
  }
  const chunks = value.map((chunk) => Buffer.from(chunk, "utf8"));
  if (chunks.length === 0 || chunks.some((chunk) => chunk.length > MAX_CHUNK_BYTES)) {
    throw new RangeError("a TXT record needs at least one chunk, of at most 255 bytes each");
  }
  return chunks;
}

function mailExchange(value: string): { preference: number; exchange: string } {
  const match = /^(\d{1,5})\s+(\S+)$/.exec(value);
  const preference = Number(match?.[1]);
  if (match?.[2] === undefined || preference > 65_535) throw new RangeError(`"${value}" is not an MX value`);
  return { preference, exchange: match[2] === "." ? "." : checkedName(match[2]) };
}

function certificationAuthority(value: string): CaaData {
  const match = /^(\d{1,3})\s+([a-z0-9]+)\s+"?([^"]*)"?$/i.exec(value);
  const flags = Number(match?.[1]);
  const tag = CAA_TAGS.find((known) => known === match?.[2]?.toLowerCase());
  if (match?.[3] === undefined || flags > 255 || tag === undefined) throw new RangeError(`"${value}" is not a CAA value`);
  return { flags, tag, value: match[3] };
}
