import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { Deadline } from "./deadline.ts";
import { type DnsQuestion, type DnsReply, decodeReply, encodeQuery, type QueryFlags } from "./dns-message.ts";

/** `address` is an IP address: this client never looks a name up to find a server. */
export interface DnsServer {
  readonly address: string;
  readonly port: number;
}

export interface DnsFailure {
  readonly kind: "failure";
  readonly reason: "Timeout" | "Unreachable" | "Malformed" | "NotAsked";
  /** A sentence fragment of our own, after the name of the server: "did not answer". */
  readonly message: string;
}

export interface QueryOptions {
  readonly recursionDesired: boolean;
  readonly checkingDisabled?: boolean;
  /** Real milliseconds for each packet sent. */
  readonly timeoutMs: number;
  /** UDP packets are lost without notice: how often one is sent at most. */
  readonly attempts: number;
  readonly randomBytes: RandomBytes;
}

export type RandomBytes = (size: number) => Uint8Array;

type Accept = (bytes: Buffer) => DnsReply | undefined;

/** More than any honest RRset; a larger one would only cost the time of decoding it. */
const MAX_MESSAGE = 16_384;

const TIMEOUT: DnsFailure = { kind: "failure", reason: "Timeout", message: "did not answer" };
const UNREACHABLE: DnsFailure = { kind: "failure", reason: "Unreachable", message: "cannot be reached" };
const MALFORMED: DnsFailure = { kind: "failure", reason: "Malformed", message: "sent an answer that is no DNS message" };

/**
 * Asks one server one question: UDP from a random port with a random id, TCP when the answer was truncated, without EDNS
 * when the server does not know it. Never rejects; an aborted `signal` looks like a timeout, so callers look at it first.
 */
export async function query(
  server: DnsServer,
  question: DnsQuestion,
  options: QueryOptions,
  signal: AbortSignal,
): Promise<DnsReply | DnsFailure> {
  const flags = { recursionDesired: options.recursionDesired, checkingDisabled: options.checkingDisabled ?? false };
  const reply = await ask(server, question, { ...flags, edns: true }, options, signal);
  const ignorant = reply.kind === "reply" && (reply.code === "FORMERR" || reply.code === "NOTIMP");
  return ignorant ? ask(server, question, { ...flags, edns: false }, options, signal) : reply;
}

async function ask(
  server: DnsServer,
  question: DnsQuestion,
  flags: QueryFlags,
  options: QueryOptions,
  signal: AbortSignal,
): Promise<DnsReply | DnsFailure> {
  const newQuery = (): { packet: Buffer; accept: Accept } => {
    const [high = 0, low = 0] = options.randomBytes(2);
    const id = high * 256 + low;
    return { packet: encodeQuery(id, question, flags), accept: (bytes) => decodeReply(bytes, id, question) };
  };
  let last: DnsReply | DnsFailure = TIMEOUT;
  for (let attempt = 0; attempt < options.attempts && !signal.aborted; attempt++) {
    const { packet, accept } = newQuery();
    last = await within(options.timeoutMs, signal, (deadline) => exchangeUDP(server, packet, accept, deadline));
    if (last.kind === "reply" || last.reason !== "Timeout") break;
  }
  if (last.kind === "failure" || !last.truncated) return last;
  const { packet, accept } = newQuery();
  const whole = await within(options.timeoutMs, signal, (deadline) => exchangeTCP(server, packet, accept, deadline));
  // Without TCP the truncated answer stands: it proves that the server answered, and that nothing can be read from it.
  return whole.kind === "reply" ? whole : { ...last, answers: [], authorities: [], additionals: [] };
}

async function within<T>(ms: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  using deadline = new Deadline(ms, signal);
  return await work(deadline.signal);
}

/** The socket is connected, so that the kernel drops packets from any other address or port and reports a closed one. */
function exchangeUDP(
  { address, port }: DnsServer,
  packet: Buffer,
  accept: Accept,
  signal: AbortSignal,
): Promise<DnsReply | DnsFailure> {
  const family = isIPv6(address) ? 6 : 4;
  // dgram looks up even addresses; this answers itself instead of the system.
  const socket = createSocket({ type: `udp${family}`, lookup: (_host, _options, callback) => callback(null, address, family) });
  return new Promise((resolve) => {
    const settle = (result: DnsReply | DnsFailure): void => {
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners().on("error", () => {});
      socket.close();
      resolve(result);
    };
    const onAbort = (): void => settle(TIMEOUT);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", () => settle(UNREACHABLE));
    socket.on("message", (bytes) => {
      const reply = bytes.length > MAX_MESSAGE ? undefined : accept(bytes);
      // A packet that does not fit may be forged: the true answer can still come.
      if (reply !== undefined) settle(reply);
    });
    socket.on("connect", () => socket.send(packet));
    socket.connect(port, address);
  });
}

function exchangeTCP(
  { address, port }: DnsServer,
  packet: Buffer,
  accept: Accept,
  signal: AbortSignal,
): Promise<DnsReply | DnsFailure> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(TIMEOUT);
    const socket = connect({ host: address, port });
    const settle = (result: DnsReply | DnsFailure): void => {
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners().on("error", () => {});
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => settle(TIMEOUT);
    signal.addEventListener("abort", onAbort, { once: true });
    let received = Buffer.alloc(0);
    socket.on("error", () => settle(UNREACHABLE));
    socket.on("end", () => settle(MALFORMED));
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes]);
      const length = received.length < 2 ? undefined : received.readUInt16BE(0);
      if (length !== undefined && length > MAX_MESSAGE) return settle(MALFORMED);
      if (length !== undefined && received.length >= length + 2) settle(accept(received.subarray(2, length + 2)) ?? MALFORMED);
    });
    socket.on("connect", () => {
      const prefix = Buffer.alloc(2);
      prefix.writeUInt16BE(packet.length);
      socket.write(Buffer.concat([prefix, packet]));
    });
  });
}
