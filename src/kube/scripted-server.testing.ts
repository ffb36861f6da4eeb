import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createLogger } from "../runtime/logger.ts";
import { Metrics } from "../runtime/metrics.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import { KubeTransport } from "./transport.ts";

export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Answer = (seen: Seen, response: ServerResponse, socket: Socket) => void;

/** An HTTP(S) server on loopback whose every answer a test decides, byte by byte if need be. */
export class ScriptedServer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  /** Connections accepted so far. */
  sockets = 0;
  readonly open = new Set<Socket>();
  readonly #server: Server;
  readonly #scheme: "http" | "https";

  static async start(answer: Answer, tls?: ServerOptions): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(answer, tls);
    await new Promise<void>((resolve) => scripted.#server.listen(0, "127.0.0.1", resolve));
    return scripted;
  }

  private constructor(answer: Answer, tls: ServerOptions | undefined) {
    const listener: RequestListener = (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      request.on("end", () => {
        const { method = "", headers, socket } = request;
        const seen = { method, url: new URL(request.url ?? "", "http://server"), headers, body };
        this.seen.push(seen);
        answer(seen, response, socket);
      });
    };
    this.#scheme = tls === undefined ? "http" : "https";
    this.#server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
    this.#server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      this.sockets += 1;
      this.open.add(socket);
      socket.on("close", () => this.open.delete(socket));
    });
  }

  get url(): URL {
    return new URL(`${this.#scheme}://127.0.0.1:${this.port}`);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** A metav1.Status as the API server answers it. */
export function status(code: number, reason: string, message = "", details: unknown = undefined): unknown {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details };
}

/** Credentials that a test may change; counts how often they are asked for. */
export class ChangingCredentials implements CredentialSource {
  loads = 0;
  current: Credentials;
  failure: Error | undefined;

  constructor(current: Credentials) {
    this.current = current;
  }

  async load(): Promise<Credentials> {
    this.loads += 1;
    if (this.failure !== undefined) throw this.failure;
    return this.current;
  }
}

export function transportTo(source: CredentialSource): { readonly transport: KubeTransport; readonly metrics: Metrics } {
  const metrics = new Metrics();
  const logger = createLogger({ level: "silent" });
  return { transport: new KubeTransport({ source, userAgent: "probe/1.0", metrics, logger }), metrics };
}
