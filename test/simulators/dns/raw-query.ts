import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { CHECKING_DISABLED, type DecodedPacket, decode, encode, RECURSION_DESIRED, type RecordType } from "dns-packet";
import { ownOpt } from "./wire.ts";

export const RECURSIVE = "127.0.0.10";
export const NS1 = "127.0.0.11";
export const NS2 = "127.0.0.12";

export interface RawQuery {
  readonly name: string;
  readonly type: RecordType;
  readonly server: string;
  readonly port: number;
  /** RD; set for the recursive server unless given. */
  readonly recursion?: boolean;
  /** UDP size to announce by EDNS0. */
  readonly edns?: number;
  readonly checkingDisabled?: boolean;
}

const DEADLINE_MS = 3000;

/** One UDP query of the tests, decoded as it came back; rejects when nothing does. */
export function rawQuery(query: RawQuery): Promise<DecodedPacket> {
  const { name, type, server } = query;
  const recursion = (query.recursion ?? server === RECURSIVE) ? RECURSION_DESIRED : 0;
  const flags = recursion | (query.checkingDisabled === true ? CHECKING_DISABLED : 0);
  const additionals = query.edns === undefined ? [] : [{ ...ownOpt(), udpPayloadSize: query.edns }];
  const packet = encode({ type: "query", id: randomInt(65_536), flags, questions: [{ name, type }], additionals });
  return rawExchange(packet, server, query.port).then((bytes) => decode(bytes));
}

export function rawExchange(packet: Buffer, server: string, port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const timer = setTimeout(() => {
      socket.close();
      reject(new Error("no answer"));
    }, DEADLINE_MS);
    socket.on("message", (message) => {
      clearTimeout(timer);
      socket.close();
      resolve(message);
    });
    socket.send(packet, port, server);
  });
}

export function rcode(packet: DecodedPacket): number {
  return (packet.flags ?? 0) & 0xf;
}

export function nodeResolver(server: string, port: number): Resolver {
  const instance = new Resolver({ timeout: 2000, tries: 1 });
  instance.setServers([`${server}:${port}`]);
  return instance;
}
