import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy on loopback of whose connections one can go silent: it stays open, and not a byte or a FIN passes. */
export class StallingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #lastUsed: readonly [Socket, Socket] | undefined;

  static async start(target: string): Promise<StallingProxy> {
    const proxy = new StallingProxy(Number(new URL(target).port));
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      const upstream = connect(targetPort, "127.0.0.1");
      const pair = [client, upstream] as const;
      this.#pairs.add(pair);
      client.on("data", () => {
        this.#lastUsed = pair;
      });
      client.pipe(upstream);
      upstream.pipe(client);
      for (const socket of pair) {
        socket.setNoDelay(true);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#pairs.delete(pair);
          for (const side of pair) side.destroy();
        });
      }
    });
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Stalls the connection that carried a request last. @throws Error when there was none. */
  stallOne(): void {
    if (this.#lastUsed === undefined) throw new Error("no connection carried anything yet");
    const [client, upstream] = this.#lastUsed;
    client.unpipe(upstream);
    upstream.unpipe(client);
    client.on("data", () => {});
    upstream.on("data", () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) for (const side of pair) side.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
