import { createServer, type Server, type ServerResponse } from "node:http";
import type { Metrics } from "./metrics.ts";

/** Undefined when all is well, else a sentence. */
export type HealthCheck = () => string | undefined;

/**
 * `/livez` (also `/healthz`), `/readyz` and `/metrics` on one address. A failing check answers 500 with the names and
 * sentences of all checks, which hold no object names and no secrets.
 */
export class HealthServer {
  readonly #metrics: Metrics;
  readonly #live = new Map<string, HealthCheck>();
  readonly #ready = new Map<string, HealthCheck>();
  readonly #server: Server;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 8_192 }, (request, response) => {
      const path = (request.url ?? "/").split("?", 1)[0];
      if (request.method !== "GET") answer(response, 405, "GET only\n");
      else if (path === "/livez" || path === "/healthz") report(response, this.#live);
      else if (path === "/readyz") report(response, this.#ready);
      else if (path === "/metrics") void this.#scrape(response);
      else answer(response, 404, "try /livez, /readyz or /metrics\n");
    });
  }

  addLiveness(name: string, check: HealthCheck): void {
    this.#live.set(name, check);
  }

  addReadiness(name: string, check: HealthCheck): void {
    this.#ready.set(name, check);
  }

  /** Listens on `host:port` (host may be empty; an IPv6 address stands in brackets); resolves to the port. */
  listen(address: string): Promise<number> {
    const colon = address.lastIndexOf(":");
    const port = Number(address.slice(colon + 1));
    const host = address.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, "$1");
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, ...(host === "" ? {} : { host }) }, () => {
        const bound = this.#server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : port);
      });
    });
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #scrape(response: ServerResponse): Promise<void> {
    try {
      const text = await this.#metrics.registry.metrics();
      answer(response, 200, text, this.#metrics.registry.contentType);
    } catch {
      answer(response, 500, "metrics could not be collected\n");
    }
  }
}

function report(response: ServerResponse, checks: ReadonlyMap<string, HealthCheck>): void {
  const lines: string[] = [];
  let healthy = true;
  for (const [name, check] of checks) {
    const problem = problemOf(check);
    if (problem !== undefined) healthy = false;
    lines.push(problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`);
  }
  answer(response, healthy ? 200 : 500, `${lines.join("\n")}\n${healthy ? "ok" : "failed"}\n`);
}

/** A probe must not be able to end the process. */
function problemOf(check: HealthCheck): string | undefined {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : "the check itself failed";
  }
}

function answer(response: ServerResponse, status: number, body: string, contentType = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": contentType, "x-content-type-options": "nosniff" }).end(body);
}
