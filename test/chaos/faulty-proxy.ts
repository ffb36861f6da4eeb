import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createAuthority } from "../control-plane/certificates.ts";
import type { Cluster } from "../control-plane/kubeconfig.ts";
import { type Drawn, FaultBook, type FaultTally } from "./fault-book.ts";
import { type Asked, askedBy } from "./fault-kinds.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { breakOff, drip, pass, REFUSALS, refuse, truncate } from "./spoiled-answers.ts";
import { Upstream } from "./upstream.ts";
import { WatchRelay } from "./watch-relay.ts";

export interface FaultyProxyOptions {
  /** The real API server. */
  readonly upstream: Cluster;
  /** Whose way to the API server this is. */
  readonly victim: string;
  readonly random: SeededRandom;
  readonly tally: FaultTally;
  /** Of these kinds it plays an API server that does not stream initial events: the operator lists them in pages then. */
  readonly listed?: readonly string[];
  /** Makes the pages of lists smaller than the operator asks for. */
  readonly pageSize?: number;
}

/** Longer than any client keeps a connection: the proxy itself never closes one that a request may be on its way to. */
const KEEP_ALIVE_MS = 120_000;

/**
 * One replica's way to the API server: a TLS server on loopback with a certificate authority of its own, which forwards
 * everything unspoiled, watches as they come, except where a rule of {@link faults} strikes.
 */
export class FaultyProxy implements AsyncDisposable {
  readonly faults: FaultBook;
  /** What goes into a kubeconfig. */
  readonly cluster: Cluster;
  readonly #options: FaultyProxyOptions;
  readonly #upstream: Upstream;
  readonly #front: Server;
  readonly #tls: HttpsServer;
  /** By the port at the other end, which names a connection on loopback. */
  readonly #sockets = new Map<number, Socket>();
  readonly #relays = new Set<WatchRelay>();
  /** Connections on which nothing will ever be said. */
  readonly #dark = new Set<Socket>();
  readonly #revoked = new Set<string>();

  static async start(options: FaultyProxyOptions): Promise<FaultyProxy> {
    const authority = createAuthority("faulty-proxy-ca");
    const tls = createHttpsServer({
      ...authority.issueServer("faulty-proxy", ["127.0.0.1"]),
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: 0,
      headersTimeout: 0,
    });
    const front = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      front.once("error", reject);
      front.listen(0, "127.0.0.1", resolve);
    });
    return new FaultyProxy(options, front, tls, authority.cert);
  }

  private constructor(options: FaultyProxyOptions, front: Server, tls: HttpsServer, caData: string) {
    this.#options = options;
    this.#upstream = new Upstream(options.upstream);
    this.#front = front;
    this.#tls = tls;
    this.faults = new FaultBook(options.victim, options.random, options.tally);
    this.cluster = { server: `https://127.0.0.1:${(front.address() as AddressInfo).port}`, caData };
    front.on("connection", (socket) => this.#accept(socket));
    // A client that gives up during the handshake is no event here.
    tls.on("tlsClientError", () => {});
    tls.on("request", (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response));
  }

  /** Black holes that the operator has not cut yet. */
  get dark(): number {
    return this.#dark.size;
  }

  /** Whether the operator lists a kind through it in pages, instead of having it streamed. */
  lists(resource: string): boolean {
    return this.#options.listed?.includes(resource) === true;
  }

  /** Watches through which events come. */
  get openWatches(): number {
    return this.openWatchesOf(() => true);
  }

  openWatchesOf(where: (asked: Asked) => boolean): number {
    return [...this.#relays].filter((relay) => !relay.isDark && where(relay.asked)).length;
  }

  /** Refuses the token from now on, and on every watch that is open with it. */
  revoke(token: string): void {
    this.#revoked.add(`Bearer ${token}`);
    this.resetConnections();
  }

  /** Ends watches as the API server does after their timeout, which is no fault: they are opened again. */
  endWatches(where: (asked: Asked) => boolean = () => true): void {
    for (const relay of this.#relays) if (where(relay.asked)) relay.end();
  }

  /** Black holes in all open watches at once. */
  darkenWatches(): void {
    for (const relay of this.#relays) {
      if (relay.isDark) continue;
      relay.darken();
      this.faults.record("black hole: watch", relay.asked);
    }
  }

  /** Every connection but the black holes ends by a RST. */
  resetConnections(): void {
    for (const socket of this.#sockets.values()) if (!this.#dark.has(socket)) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#tls.close();
    await new Promise<void>((resolve) => this.#front.close(() => resolve()));
    await this.#upstream.close();
  }

  #accept(socket: Socket): void {
    const { remotePort = 0 } = socket;
    this.#sockets.set(remotePort, socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(remotePort));
    const drawn = this.faults.draw("connection");
    if (drawn === undefined) this.#tls.emit("connection", socket);
    else {
      drawn.fired();
      this.#holdDark(socket);
      // Read, so that its end is noticed.
      socket.resume();
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => {});
    try {
      const body = await readAll(request);
      const asked = askedBy(request.method ?? "", request.url ?? "/");
      if (this.#revoked.has(request.headers.authorization ?? "")) {
        this.faults.record("401 until the token is replaced", asked);
        refuse(response, 401, "Unauthorized");
      } else if (asked.shape === "beginning" && this.lists(asked.resource)) refuse(response, 422, "Invalid");
      else await this.#answer(request, response, body, asked);
    } catch {
      // The API server is away, or the operator gave up waiting.
      response.destroy();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, body: Buffer, asked: Asked): Promise<void> {
    const drawn = this.faults.draw("request", asked);
    const refusal = drawn === undefined ? undefined : REFUSALS[drawn.kind];
    if (drawn !== undefined && refusal !== undefined) {
      drawn.fired();
      refuse(response, refusal.status, refusal.reason);
    } else if (drawn?.kind === "reset before sending") {
      drawn.fired();
      this.#reset(request);
    } else if (drawn?.kind === "black hole: watch" || drawn?.kind === "black hole: call") {
      drawn.fired();
      this.#holdDark(this.#socketOf(request));
      if (asked.shape === "write" && this.#options.random.chance(0.5)) await this.#upstream.ask(request, body).catch(() => {});
      if (drawn.kind === "black hole: watch" && this.#options.random.chance(0.5)) response.writeHead(200).flushHeaders();
    } else if (asked.shape === "watch" || asked.shape === "beginning") await this.#relay(request, response, asked);
    else await this.#call(request, response, body, drawn);
  }

  async #call(request: IncomingMessage, response: ServerResponse, body: Buffer, drawn: Drawn | undefined): Promise<void> {
    const { pageSize } = this.#options;
    if (pageSize !== undefined) request.url = request.url?.replace(/([?&]limit=)\d+/, `$1${pageSize}`) ?? "/";
    let answer: Awaited<ReturnType<Upstream["ask"]>>;
    try {
      answer = await this.#upstream.ask(request, body);
    } catch (error) {
      drawn?.spared();
      throw error;
    }
    if (response.destroyed) return drawn?.spared();
    drawn?.fired();
    switch (drawn?.kind) {
      case undefined:
        return pass(response, answer);
      case "reset after applying":
        return this.#reset(request);
      case "slow answer":
        return drip(response, answer);
      default:
        return this.#options.random.chance(0.5) ? truncate(response, answer) : breakOff(response, answer);
    }
  }

  async #relay(request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const answer = await this.#upstream.stream(request, Buffer.alloc(0), gone.signal);
    const relay = new WatchRelay({
      asked,
      response,
      faults: this.faults,
      reset: () => this.#reset(request),
      onDark: () => this.#holdDark(this.#socketOf(request)),
      onExpired: () => {
        this.#options.tally.expiredByServer += 1;
      },
    });
    this.#relays.add(relay);
    try {
      await relay.run(answer);
    } finally {
      this.#relays.delete(relay);
    }
  }

  #holdDark(socket: Socket | undefined): void {
    if (socket === undefined || socket.destroyed || this.#dark.has(socket)) return;
    this.#dark.add(socket);
    const lit = this.#options.tally.darkened();
    socket.once("close", () => {
      this.#dark.delete(socket);
      lit();
    });
  }

  #reset(request: IncomingMessage): void {
    this.#socketOf(request)?.resetAndDestroy();
  }

  #socketOf(request: IncomingMessage): Socket | undefined {
    return this.#sockets.get(request.socket.remotePort ?? 0);
  }
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}
