import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const ANSWER_MS = 20;

/** The external system: answers 200 after 20 ms, and counts the calls. */
export class ExternalServer implements AsyncDisposable {
  readonly #server: Server;
  #total = 0;
  #onCall: (at: number) => void = () => {};

  static async start(): Promise<ExternalServer> {
    const server = new ExternalServer();
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  private constructor() {
    this.#server = createServer((_, response) => {
      this.#total += 1;
      this.#onCall(performance.now());
      setTimeout(() => response.writeHead(200).end(), ANSWER_MS);
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/call`;
  }

  get total(): number {
    return this.#total;
  }

  /** Resolves to the time, by `performance.now()`, of the next call. */
  nextCall(): Promise<number> {
    return new Promise((resolve) => {
      this.#onCall = resolve;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
