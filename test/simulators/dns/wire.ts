import {
  AUTHORITATIVE_ANSWER,
  CHECKING_DISABLED,
  type DecodedPacket,
  decode,
  encode,
  type OptAnswer,
  type Packet,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import { RCODE, type Reply } from "./authoritative.ts";

/** Size of a UDP answer to a query without EDNS0 (RFC 1035), and the largest we send with it. */
const PLAIN_UDP_BYTES = 512;
const MAX_UDP_BYTES = 4096;
const ADVERTISED_UDP_BYTES = 1232;
const RCODE_MASK = 0xf;
const OPCODE_MASK = 0x7800;
const COPIED_FLAGS = RECURSION_DESIRED | CHECKING_DISABLED | OPCODE_MASK;

export type Transport = "udp" | "tcp";

export function rcodeOf(packet: Packet): number {
  return (packet.flags ?? 0) & RCODE_MASK;
}

export function isStandardQuery(query: Packet): boolean {
  return ((query.flags ?? 0) & OPCODE_MASK) === 0;
}

/** Undefined for bytes that are not a DNS packet. */
export function parse(bytes: Buffer): DecodedPacket | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

export function optOf(packet: Packet): OptAnswer | undefined {
  return packet.additionals?.find((record) => record.type === "OPT");
}

/** FORMERR for bytes whose header at least can be read; nothing else is known of the query. */
export function formatError(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 12 || (bytes.readUInt8(2) & 0x80) !== 0) return undefined;
  return encode({ type: "response", id: bytes.readUInt16BE(0), flags: RCODE.FORMERR });
}

export interface ReplyMarks {
  readonly recursionAvailable: boolean;
  /** Send no records, only TC: over TCP the flag is never set. */
  readonly truncate?: boolean;
  readonly wrongID?: boolean;
}

/** Encodes a reply; over UDP one that does not fit the asker's buffer goes out empty with TC set, so that it asks by TCP. */
export function encodeReply(query: DecodedPacket, reply: Reply, transport: Transport, marks: ReplyMarks): Buffer {
  const opt = optOf(query);
  const flags =
    ((query.flags ?? 0) & COPIED_FLAGS) |
    reply.rcode |
    (reply.authoritative ? AUTHORITATIVE_ANSWER : 0) |
    (marks.recursionAvailable ? RECURSION_AVAILABLE : 0);
  const id = (query.id ?? 0) ^ (marks.wrongID === true ? 0x5a5a : 0);
  const edns = opt === undefined ? [] : [ownOpt()];
  const common: Packet = { type: "response", id, flags, questions: [...(query.questions ?? [])] };
  const whole = encode({
    ...common,
    answers: [...reply.answers],
    authorities: [...reply.authorities],
    additionals: [...reply.additionals, ...edns],
  });
  if (transport === "tcp") return whole;
  const limit = opt === undefined ? PLAIN_UDP_BYTES : Math.min(Math.max(opt.udpPayloadSize, PLAIN_UDP_BYTES), MAX_UDP_BYTES);
  if (whole.length <= limit && marks.truncate !== true) return whole;
  return encode({ ...common, flags: flags | TRUNCATED_RESPONSE, additionals: [...edns] });
}

export function ownOpt(): OptAnswer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: ADVERTISED_UDP_BYTES,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}
