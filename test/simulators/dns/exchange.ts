import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { type DecodedPacket, encode, type Question, streamEncode } from "dns-packet";
import { canonicalName } from "./names.ts";
import { ownOpt, parse } from "./wire.ts";

export interface Destination {
  readonly address: string;
  readonly port: number;
  /** Real milliseconds, per transport. */
  readonly timeoutMs: number;
}

/** One question to one server without recursion: UDP first, TCP when the answer is truncated. Undefined when none came. */
export async function exchange(question: Question, to: Destination, signal: AbortSignal): Promise<DecodedPacket | undefined> {
  const packet = { type: "query", id: randomInt(0x10000), flags: 0, questions: [question], additionals: [ownOpt()] } as const;
  const matches = (answer: DecodedPacket): boolean => {
    const [asked] = answer.questions ?? [];
    const same = asked?.type === question.type && canonicalName(asked.name) === canonicalName(question.name);
    return answer.flag_qr && answer.id === packet.id && same;
  };
  // dns-packet fills in the packet it encodes: each transport gets its own.
  const overUDP = await askUDP(encode({ ...packet, questions: [question], additionals: [ownOpt()] }), to, matches, signal);
  if (overUDP === undefined || !overUDP.flag_tc) return overUDP;
  return askTCP(streamEncode({ ...packet, questions: [question], additionals: [ownOpt()] }), to, matches, signal);
}

type Matches = (answer: DecodedPacket) => boolean;

/** Datagrams that do not match are ignored, as a resolver must: they may be forged. */
function askUDP(bytes: Buffer, to: Destination, matches: Matches, signal: AbortSignal): Promise<DecodedPacket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(to.timeoutMs)]);
    const finish = (answer?: DecodedPacket) => {
      deadline.removeEventListener("abort", onAbort);
      socket.removeAllListeners("message");
      socket.close();
      resolve(answer);
    };
    const settle = once(finish);
    const onAbort = () => settle();
    deadline.addEventListener("abort", onAbort);
    socket.on("error", () => settle());
    socket.on("message", (message) => {
      const answer = parse(message);
      if (answer !== undefined && matches(answer)) settle(answer);
    });
    socket.connect(to.port, to.address, () => socket.send(bytes));
    if (deadline.aborted) settle();
  });
}

function askTCP(bytes: Buffer, to: Destination, matches: Matches, signal: AbortSignal): Promise<DecodedPacket | undefined> {
  return new Promise((resolve) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(to.timeoutMs)]);
    const socket = connect({ host: to.address, port: to.port });
    let received = Buffer.alloc(0);
    const settle = once((answer?: DecodedPacket) => {
      deadline.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(answer);
    });
    const onAbort = () => settle();
    deadline.addEventListener("abort", onAbort);
    socket.on("error", () => settle());
    socket.on("close", () => settle());
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return;
      const answer = parse(received.subarray(2, received.readUInt16BE(0) + 2));
      settle(answer !== undefined && matches(answer) ? answer : undefined);
    });
    if (deadline.aborted) settle();
  });
}

function once(action: (answer?: DecodedPacket) => void): (answer?: DecodedPacket) => void {
  let done = false;
  return (answer) => {
    if (done) return;
    done = true;
    action(answer);
  };
}
