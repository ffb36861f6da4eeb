import { createServer as createHTTPServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHTTPSServer } from "node:https";
import type { SecureContext } from "node:tls";
import { z } from "zod";
import type { Clock } from "../../../src/runtime/clock.ts";
import type { EdgeView } from "../cloudflare/edge-view.ts";
import { json, parseJSON, SimulatorServer } from "../http.ts";
import type { TestAuthority } from "../pki.ts";
import { EdgeCertificates } from "./edge-certificates.ts";
import { type EdgeFault, edgeFaultSchema } from "./edge-fault.ts";
import { Origin, type OriginAnswer, page } from "./origin.ts";

export interface EdgeSimulatorOptions {
  readonly clock: Clock;
  readonly ca: TestAuthority;
  /** Who decides what is served; asked for every handshake and request, so a deletion counts at once. */
  readonly cloudflare: { edgeView(hostname: string): EdgeView | undefined };
  readonly signingKey: Buffer;
  /** 127.0.0.21 unless given. */
  readonly address?: string;
  /** 0 or none takes a free one. */
  readonly httpPort?: number;
  readonly httpsPort?: number;
  readonly adminPort?: number;
  readonly checkPath?: string;
}

export interface EdgeCounters {
  readonly handshakes: Readonly<Record<string, number>>;
  /** Per "http host" and "https host". */
  readonly requests: Readonly<Record<string, number>>;
}

const DRIP_MS = 200;
const REFUSED_PAGE =
  "<!DOCTYPE html><title>Error 1014</title><h1>Error 1014</h1><p>CNAME Cross-User Banned. This hostname is not served here.</p>";

export async function startEdgeSimulator(options: EdgeSimulatorOptions): Promise<EdgeSimulator> {
  const edge = new EdgeSimulator(options);
  await edge.listen();
  return edge;
}

/** The TLS terminator and the platform's origin behind it: serves a hostname exactly while the simulated service does. */
export class EdgeSimulator {
  readonly address: string;
  readonly origin: Origin;
  readonly #options: EdgeSimulatorOptions;
  readonly #certificates: EdgeCertificates;
  readonly #http: Server;
  readonly #https: Server;
  readonly #admin: SimulatorServer;
  readonly #faults = new Map<string, EdgeFault>();
  readonly #redirects = new Map<string, string>();
  readonly #handshakes = new Map<string, number>();
  readonly #requests = new Map<string, number>();
  #url = "";

  constructor(options: EdgeSimulatorOptions) {
    this.#options = options;
    this.address = options.address ?? "127.0.0.21";
    this.origin = new Origin(options);
    this.#certificates = new EdgeCertificates(options.ca, options.clock);
    this.#http = createHTTPServer((request, response) => this.#serve("http", request, response));
    // No certificate of its own: a handshake without SNI, or given an empty context, ends in an alert.
    this.#https = createHTTPSServer(
      { SNICallback: (name, done) => done(null, this.#context(name.toLowerCase())) },
      (request, response) => this.#serve("https", request, response),
    );
    this.#admin = new SimulatorServer({
      clock: options.clock,
      state: () => ({ faults: Object.fromEntries(this.#faults), ...this.counters() }),
    });
    this.#addAdminRoutes();
  }

  async listen(): Promise<void> {
    await listen(this.#http, this.address, this.#options.httpPort ?? 0);
    await listen(this.#https, this.address, this.#options.httpsPort ?? 0);
    this.#url = await this.#admin.listen("127.0.0.1", this.#options.adminPort ?? 0);
  }

  get httpPort(): number {
    return portOf(this.#http);
  }

  get httpsPort(): number {
    return portOf(this.#https);
  }

  /** Root of the admin server. */
  get url(): string {
    return this.#url;
  }

  async close(): Promise<void> {
    await Promise.all([close(this.#http), close(this.#https), this.#admin.close()]);
  }

  /** `"*"` means every hostname without one of its own; undefined heals. */
  setFault(hostname: string, fault: EdgeFault | undefined): void {
    if (fault === undefined) this.#faults.delete(hostname);
    else this.#faults.set(hostname, fault);
  }

  /** 308 from `hostname` to `https://<target><path>`. Without it, `www.<x>` redirects to `<x>` while both are active. */
  setRedirect(hostname: string, target: string): void {
    this.#redirects.set(hostname, target);
  }

  counters(): EdgeCounters {
    return { handshakes: Object.fromEntries(this.#handshakes), requests: Object.fromEntries(this.#requests) };
  }

  #fault(hostname: string): EdgeFault | undefined {
    return this.#faults.get(hostname) ?? this.#faults.get("*");
  }

  #context(hostname: string): SecureContext {
    this.#handshakes.set(hostname, (this.#handshakes.get(hostname) ?? 0) + 1);
    const fault = this.#fault(hostname);
    if (fault === "tls-alert") return this.#certificates.none();
    if (fault === "expired-certificate") return this.#certificates.expired(hostname);
    const view = fault === "other-certificate" ? undefined : this.#options.cloudflare.edgeView(hostname);
    if (view?.certificate === undefined) return this.#certificates.other();
    return this.#certificates.issued(view.hostname, view.certificate);
  }

  #serve(scheme: "http" | "https", request: IncomingMessage, response: ServerResponse): void {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
    const key = `${scheme} ${host}`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    const fault = this.#fault(host);
    if (fault === "drop") request.socket.destroy();
    else send(response, this.#answer(host, new URL(request.url ?? "/", `${scheme}://simulator`), fault));
  }

  #answer(host: string, url: URL, fault: EdgeFault | undefined): OriginAnswer {
    if (!this.#isActive(host)) return page(403, "text/html", REFUSED_PAGE);
    const target = this.#redirectTarget(host);
    if (target === undefined) return this.origin.answer(host, url, fault);
    return page(308, "text/plain", "", { location: `https://${target}${url.pathname}${url.search}` });
  }

  #redirectTarget(host: string): string | undefined {
    const apex = host.startsWith("www.") ? host.slice("www.".length) : undefined;
    return this.#redirects.get(host) ?? (apex !== undefined && this.#isActive(apex) ? apex : undefined);
  }

  #isActive(host: string): boolean {
    return this.#options.cloudflare.edgeView(host)?.isActive === true;
  }

  #addAdminRoutes(): void {
    const fault = z.strictObject({ hostname: z.string(), fault: edgeFaultSchema.nullable() });
    this.#admin.admin("POST", "/admin/hostname-faults", (request) => {
      const parsed = fault.safeParse(parseJSON(request));
      if (!parsed.success) return json(400, { message: parsed.error.message });
      this.setFault(parsed.data.hostname, parsed.data.fault ?? undefined);
      return json(200, {});
    });
    const redirect = z.strictObject({ hostname: z.string(), target: z.string() });
    this.#admin.admin("POST", "/admin/redirects", (request) => {
      const parsed = redirect.safeParse(parseJSON(request));
      if (!parsed.success) return json(400, { message: parsed.error.message });
      this.setRedirect(parsed.data.hostname, parsed.data.target);
      return json(200, {});
    });
  }
}

function send(response: ServerResponse, answer: OriginAnswer): void {
  if (answer.kind === "page") {
    response.writeHead(answer.status, { ...answer.headers, "content-length": String(Buffer.byteLength(answer.body)) });
    response.end(answer.body);
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  // Real time: what is imitated is a peer that holds a real socket open.
  const timer = setInterval(() => response.write(" "), DRIP_MS);
  response.on("close", () => clearInterval(timer));
}

async function listen(server: Server, address: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function portOf(server: Server): number {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the edge is not listening");
  return bound.port;
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
