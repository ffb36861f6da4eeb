import { type Answer, CHECKING_DISABLED, type DecodedPacket, decode, encode, type Question, RECURSION_DESIRED } from "dns-packet";
import { canonicalAddress } from "../core/ip-address.ts";

export type RecordType = "A" | "AAAA" | "CNAME" | "TXT" | "NS" | "SOA" | "CAA";

export interface DnsQuestion {
  /** Lower-case, without final dot. */
  readonly name: string;
  readonly type: RecordType;
}

interface Owned {
  /** Lower-case, without final dot. */
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
}

export type DnsRecord = Owned &
  (
    | { readonly type: "A" | "AAAA" | "CNAME" | "NS"; readonly data: string }
    /** The joined character strings of one record (RFC 7208 section 3.3 joins them too). */
    | { readonly type: "TXT"; readonly data: Uint8Array }
    | { readonly type: "SOA"; readonly minimum: number }
    | { readonly type: "CAA"; readonly critical: boolean; readonly tag: string; readonly value: string }
  );

export type ResponseCode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED" | "OTHER";

export interface DnsReply {
  readonly kind: "reply";
  readonly code: ResponseCode;
  readonly authoritative: boolean;
  /** Still so after TCP was tried. */
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

export interface QueryFlags {
  readonly recursionDesired: boolean;
  /** Asks a validating resolver for data that fails DNSSEC, too (RFC 4035 section 3.2.2). */
  readonly checkingDisabled: boolean;
  /** false for servers that answer FORMERR to the OPT record. */
  readonly edns: boolean;
}

/** The UDP size that passes without fragments everywhere (DNS flag day 2020). */
const UDP_PAYLOAD = 1232;
/** RFC 1035 section 4.1.1. */
const CODES: readonly ResponseCode[] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

export function encodeQuery(id: number, question: DnsQuestion, flags: QueryFlags): Buffer {
  return encode({
    type: "query",
    id,
    flags: (flags.recursionDesired ? RECURSION_DESIRED : 0) | (flags.checkingDisabled ? CHECKING_DISABLED : 0),
    questions: [question],
    additionals: flags.edns
      ? [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: UDP_PAYLOAD,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
}

/** The reply in `bytes`, or undefined when they are no answer to this very query: not ours, forged or malformed. */
export function decodeReply(bytes: Buffer, id: number, question: DnsQuestion): DnsReply | undefined {
  const packet = decoded(bytes);
  if (packet === undefined || !packet.flag_qr || packet.id !== id || opcodeOf(packet) !== 0) return undefined;
  const code = CODES[(packet.flags ?? 0) & 0xf] ?? "OTHER";
  // RFC 6891 section 7: a server that knows no EDNS may echo nothing but the header.
  const questionless = packet.questions?.length === 0 && (code === "FORMERR" || code === "NOTIMP");
  if (!questionless && !isSame(packet.questions, question)) return undefined;
  return {
    kind: "reply",
    code,
    authoritative: packet.flag_aa,
    truncated: packet.flag_tc,
    answers: records(packet.answers),
    authorities: records(packet.authorities),
    additionals: records(packet.additionals),
  };
}

export function canonicalOwner(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function decoded(bytes: Buffer): DecodedPacket | undefined {
  try {
    return decode(bytes);
  } catch {
    // dns-packet throws on whatever a peer may have sent; there is nothing to tell apart.
    return undefined;
  }
}

function opcodeOf(packet: DecodedPacket): number {
  return ((packet.flags ?? 0) >> 11) & 0xf;
}

function isSame(questions: readonly Question[] | undefined, { name, type }: DnsQuestion): boolean {
  const [only, ...more] = questions ?? [];
  return (
    only !== undefined &&
    more.length === 0 &&
    canonicalOwner(only.name) === name &&
    only.type === type &&
    (only.class ?? "IN") === "IN"
  );
}

function records(answers: readonly Answer[] | undefined): readonly DnsRecord[] {
  return (answers ?? []).flatMap((answer) => toRecord(answer) ?? []);
}

function toRecord(answer: Answer): DnsRecord | undefined {
  if (answer.type === "OPT" || ("class" in answer && answer.class !== "IN")) return undefined;
  const owned = { name: canonicalOwner(answer.name), ttl: "ttl" in answer ? (answer.ttl ?? 0) : 0 };
  switch (answer.type) {
    case "A":
    case "AAAA":
      return { ...owned, type: answer.type, data: canonicalAddress(answer.data) ?? answer.data };
    case "CNAME":
    case "NS":
      return { ...owned, type: answer.type, data: canonicalOwner(answer.data) };
    case "TXT":
      return { ...owned, type: "TXT", data: Buffer.concat([answer.data].flat().map((part) => Buffer.from(part))) };
    case "SOA":
      return { ...owned, type: "SOA", minimum: answer.data.minimum ?? 0 };
    case "CAA":
      return {
        ...owned,
        type: "CAA",
        critical: answer.data.issuerCritical === true,
        tag: answer.data.tag.toLowerCase(),
        value: answer.data.value,
      };
    default:
      return undefined;
  }
}
