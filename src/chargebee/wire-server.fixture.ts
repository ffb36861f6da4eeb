import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Agent } from "undici";
import { systemClock } from "../runtime/clock.ts";
import { Timers } from "../runtime/timers.ts";
import { CredentialBreaker } from "./breaker.ts";
import type { Catalog } from "./catalog.ts";
import { ChargebeeClient } from "./client.ts";
import type { QuantityMutation } from "./mutation-log.ts";
import { SiteBudget } from "./site-budget.ts";

export interface Received {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface ClientChanges {
  readonly path?: string;
  readonly catalog?: Catalog;
  readonly timeoutMs?: number;
  readonly assertMayWrite?: () => void;
}

export const SUBSCRIPTION = { id: "sub_A", status: "active", currency_code: "USD", resource_version: 7, subscription_items: [] };

export const UPDATE = {
  subscriptionID: "sub_A",
  itemPriceID: "domains-USD-Monthly",
  quantity: 3,
  inDecimal: false,
  prorate: true,
  invoiceImmediately: false,
  idempotencyKey: "k1",
};

/** A server that keeps what it received to the byte and answers as it is told: what a simulator would not do. */
export class WireServer {
  readonly received: Received[] = [];
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) =>
    json(response, 200, { subscription: SUBSCRIPTION });
  readonly #agent = new Agent();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        this.received.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
        this.answer(request, response);
      });
    });
  }

  static async start(): Promise<WireServer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new WireServer(server);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** What the clients recorded. */
  readonly mutations: QuantityMutation[] = [];

  get origin(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  client(changes: ClientChanges = {}): ChargebeeClient {
    const clock = systemClock;
    return new ChargebeeClient({
      apiURL: `${this.origin}${changes.path ?? ""}`,
      apiKey: "test_key",
      catalog: changes.catalog ?? "ItemPrices",
      dispatcher: this.#agent,
      clock,
      budget: new SiteBudget({ clock, timers: new Timers(clock), requestsPerMinute: 6_000 }),
      breaker: new CredentialBreaker(clock),
      timeoutMs: changes.timeoutMs ?? 5_000,
      assertMayWrite: changes.assertMayWrite ?? (() => {}),
      log: { record: (entry) => void this.mutations.push(entry) },
    });
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
