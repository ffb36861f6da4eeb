import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "../../src/runtime/clock.ts";
import { type Fault, FaultBook, faultSchema } from "./fault.ts";
import { matchPath } from "./path.ts";

export interface SimulatorRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** "METHOD pattern" of the route that was chosen: the key of the counters. */
  readonly route: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** `body`: a string or Buffer goes out as it is, `undefined` is an empty body, anything else is JSON. */
export interface SimulatorResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export type Handler = (request: SimulatorRequest) => SimulatorResponse | Promise<SimulatorResponse>;

export interface SimulatorServerOptions {
  readonly clock: Clock;
  /** What GET /admin/state answers. */
  readonly state: () => unknown;
  /** Stands around every non-admin handler: authentication, rate limits, headers common to all answers. */
  readonly around?: (request: SimulatorRequest, handler: Handler) => SimulatorResponse | Promise<SimulatorResponse>;
  /** Called when a counted request arrives, before faults and delays; what it returns is called when the answer is out. */
  readonly observe?: (request: SimulatorRequest) => () => void;
  readonly notFound?: Handler;
  /** Answers for an error thrown by a handler; without it the answer is a plain 500. */
  readonly onError?: (error: unknown) => SimulatorResponse;
  readonly bodyLimitBytes?: number;
}

interface Route {
  readonly method: string;
  readonly pattern: string;
  readonly handler: Handler;
}

const DEFAULT_BODY_LIMIT_BYTES = 1_048_576;

export function json(status: number, body: unknown, headers?: Readonly<Record<string, string>>): SimulatorResponse {
  return headers === undefined ? { status, body } : { status, body, headers };
}

/** Throws SyntaxError for a body that is not JSON; an empty body is `undefined`. */
export function parseJSON(request: SimulatorRequest): unknown {
  return request.body.length === 0 ? undefined : JSON.parse(request.body.toString("utf8"));
}

/**
 * A small loopback HTTP server for simulators. Every request outside `/admin/` is counted under its route and runs
 * through the switchable faults (see {@link Fault}). `/admin/` holds: GET and DELETE counters, GET state, GET, POST and
 * DELETE faults, and whatever the simulator adds with {@link SimulatorServer.admin}.
 */
export class SimulatorServer {
  readonly #options: SimulatorServerOptions;
  readonly #routes: Route[] = [];
  readonly #adminRoutes: Route[] = [];
  readonly #counters = new Map<string, number>();
  readonly #faults: FaultBook;
  readonly #server: Server;

  constructor(options: SimulatorServerOptions) {
    this.#options = options;
    this.#faults = new FaultBook(options.clock);
    this.#server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing));
    this.#addStandardAdminRoutes();
  }

  /** `pattern`: `/zones/:zone/things`; a last segment `*` matches any rest. The first route that matches is taken. */
  route(method: string, pattern: string, handler: Handler): void {
    this.#routes.push({ method, pattern, handler });
  }

  /** `pattern` starts with `/admin/`. Admin calls are neither counted nor faulted. */
  admin(method: string, pattern: string, handler: Handler): void {
    this.#adminRoutes.push({ method, pattern, handler });
  }

  /** Resolves with the base URL, without a trailing slash. Port 0 or none takes a free one. */
  async listen(address: string, port = 0): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, address, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("the server has no TCP address");
    return `http://${address}:${bound.port}`;
  }

  async close(): Promise<void> {
    this.#faults.clear();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Calls per "METHOD pattern" since the start or the last reset; unknown paths count as "METHOD *". */
  counters(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counters);
  }

  count(route: string): number {
    return this.#counters.get(route) ?? 0;
  }

  resetCounters(): void {
    this.#counters.clear();
  }

  addFault(fault: Fault): void {
    this.#faults.add(fault);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const body = await readBody(incoming, this.#options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES);
      if (body === undefined) return send(outgoing, json(413, { message: "body too large" }, { connection: "close" }));
      const { request, handler, isAdmin } = this.#resolve(incoming, body);
      if (isAdmin) return send(outgoing, await this.#answer(request, handler));
      await this.#serveCounted(request, handler, outgoing);
    } catch {
      // The client went away in the middle of its request.
      outgoing.destroy();
    }
  }

  async #serveCounted(request: SimulatorRequest, handler: Handler, outgoing: ServerResponse): Promise<void> {
    this.#counters.set(request.route, this.count(request.route) + 1);
    const finished = this.#options.observe?.(request);
    try {
      const around = this.#options.around;
      const guarded: Handler = around === undefined ? handler : (inner) => around(inner, handler);
      const outcome = await this.#faults.run(request, () => this.#answer(request, guarded));
      if (outcome.kind === "drop") outgoing.destroy();
      else send(outgoing, outcome.response);
    } finally {
      finished?.();
    }
  }

  async #answer(request: SimulatorRequest, handler: Handler): Promise<SimulatorResponse> {
    try {
      return await handler(request);
    } catch (error) {
      if (this.#options.onError !== undefined) return this.#options.onError(error);
      return json(500, { message: error instanceof Error ? error.message : String(error) });
    }
  }

  #resolve(incoming: IncomingMessage, body: Buffer): { request: SimulatorRequest; handler: Handler; isAdmin: boolean } {
    const url = new URL(incoming.url ?? "/", "http://simulator");
    const method = incoming.method ?? "GET";
    const isAdmin = url.pathname.startsWith("/admin/");
    const common = { method, path: url.pathname, query: url.searchParams, headers: incoming.headers, body };
    for (const route of isAdmin ? this.#adminRoutes : this.#routes) {
      const params = route.method === method ? matchPath(route.pattern, url.pathname) : undefined;
      if (params !== undefined) {
        return { request: { ...common, route: `${method} ${route.pattern}`, params }, handler: route.handler, isAdmin };
      }
    }
    const notFound = isAdmin ? undefined : this.#options.notFound;
    const handler = notFound ?? (() => json(404, { message: "not found" }));
    return { request: { ...common, route: `${method} *`, params: {} }, handler, isAdmin };
  }

  #addStandardAdminRoutes(): void {
    this.admin("GET", "/admin/counters", () => json(200, this.counters()));
    this.admin("DELETE", "/admin/counters", () => {
      this.resetCounters();
      return json(200, {});
    });
    this.admin("GET", "/admin/state", () => json(200, this.#options.state()));
    this.admin("GET", "/admin/faults", () => json(200, this.#faults.list()));
    this.admin("POST", "/admin/faults", (request) => {
      const parsed = faultSchema.safeParse(parseJSON(request));
      if (!parsed.success) return json(400, { message: parsed.error.message });
      this.addFault(parsed.data);
      return json(201, parsed.data);
    });
    this.admin("DELETE", "/admin/faults", () => {
      this.clearFaults();
      return json(200, {});
    });
  }
}

/** Undefined when the body is longer than `limit` bytes; the rest is then left unread. */
async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    size += bytes.length;
    if (size > limit) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function send(outgoing: ServerResponse, response: SimulatorResponse): void {
  const { body } = response;
  const raw = typeof body === "string" || Buffer.isBuffer(body);
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(raw ? body : JSON.stringify(body));
  const type: Record<string, string> = body === undefined || raw ? {} : { "content-type": "application/json" };
  outgoing.writeHead(response.status, { ...type, "content-length": String(bytes.length), ...response.headers });
  outgoing.end(bytes);
}
