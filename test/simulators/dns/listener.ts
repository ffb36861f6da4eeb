import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import type { Transport } from "./wire.ts";

/** Undefined leaves the query without an answer. */
export type PacketHandler = (bytes: Buffer, transport: Transport) => Promise<Buffer | undefined>;

const TCP_IDLE_MS = 10_000;

/** UDP and TCP on one address and port. */
export class DnsListener {
  readonly #address: string;
  readonly #handler: PacketHandler;
  readonly #udp: UdpSocket = createSocket("udp4");
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();
  #udpOpen = false;

  constructor(address: string, handler: PacketHandler) {
    this.#address = address;
    this.#handler = handler;
    this.#tcp = createServer((socket) => this.#serve(socket));
    this.#udp.on("message", (bytes, from) => void this.#reply(bytes, from));
  }

  /** Resolves with the port; rejects, with code EADDRINUSE, when UDP or TCP is taken. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once("error", reject);
      this.#tcp.listen(port, this.#address, () => {
        this.#tcp.off("error", reject);
        resolve();
      });
    });
    const bound = this.#tcp.address();
    if (bound === null || typeof bound === "string") throw new Error("the server has no TCP address");
    await new Promise<void>((resolve, reject) => {
      this.#udp.once("error", reject);
      this.#udp.bind({ address: this.#address, port: bound.port, exclusive: true }, () => {
        this.#udp.off("error", reject);
        // An ICMP error of an earlier answer's reader is nothing to this server.
        this.#udp.on("error", () => undefined);
        resolve();
      });
    });
    this.#udpOpen = true;
    return bound.port;
  }

  async close(): Promise<void> {
    this.#udpOpen = false;
    for (const socket of this.#connections) socket.destroy();
    const tcp = this.#tcp.listening ? new Promise<void>((resolve) => this.#tcp.close(() => resolve())) : undefined;
    const udp = new Promise<void>((resolve) => this.#udp.close(() => resolve()));
    await Promise.all([tcp, udp]);
  }

  async #reply(bytes: Buffer, from: { readonly address: string; readonly port: number }): Promise<void> {
    const answer = await this.#handler(bytes, "udp");
    if (answer !== undefined && this.#udpOpen) this.#udp.send(answer, from.port, from.address);
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
        const length = received.readUInt16BE(0);
        void this.#replyOn(socket, received.subarray(2, length + 2));
        received = received.subarray(length + 2);
      }
    });
  }

  async #replyOn(socket: Socket, bytes: Buffer): Promise<void> {
    const answer = await this.#handler(bytes, "tcp");
    if (answer === undefined || socket.destroyed) return;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(answer.length);
    socket.write(Buffer.concat([length, answer]));
  }
}
