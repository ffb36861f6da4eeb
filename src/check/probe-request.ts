import { connect as connectTCP, type Socket } from "node:net";
import { connect as connectTLS, rootCertificates } from "node:tls";
import { type buildConnector, Client } from "undici";
import { Deadline } from "./deadline.ts";

/** One GET to one address that has passed the guard. */
export interface ProbeRequest {
  readonly scheme: "https" | "http";
  /** What SNI, certificate check and Host header say; never looked up. */
  readonly hostname: string;
  readonly address: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  /** PEM, trusted beside the well-known authorities. */
  readonly caBundle: string | undefined;
  /** Milliseconds for connection and TLS handshake together. */
  readonly connectMs: number;
}

export interface RequestTimings {
  tcpMs?: number;
  tlsMs?: number;
  httpMs?: number;
}

export type ProbeReply =
  | {
      readonly kind: "response";
      readonly status: number;
      readonly location: string | undefined;
      readonly body: string;
      readonly timings: RequestTimings;
    }
  /** `phase` is the step that failed; `code` the error code of Node.js, OpenSSL or undici. */
  | { readonly kind: "failed"; readonly phase: Phase; readonly code: string; readonly timings: RequestTimings };

type Phase = "tcp" | "tls" | "http";

const MAX_HEADER_BYTES = 8_192;
const MAX_BODY_BYTES = 16_384;
const USER_AGENT = "custom-domain-operator-check/1";

/** Sends the request. Never rejects, follows no redirect, sends no credentials, and stops when `signal` fires. */
export async function sendProbe(request: ProbeRequest, signal: AbortSignal): Promise<ProbeReply> {
  const progress = new Progress();
  const client = new Client(`${request.scheme}://${request.hostname}`, {
    connect: pinnedConnector(request, progress, signal),
    pipelining: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxResponseSize: MAX_BODY_BYTES,
  });
  try {
    const headers = { host: request.hostname, "user-agent": USER_AGENT, accept: "*/*", "accept-encoding": "identity" };
    const response = await client.request({ method: "GET", path: request.path, headers, signal });
    const body = await response.body.text();
    progress.finish();
    const { location } = response.headers;
    return {
      kind: "response",
      status: response.statusCode,
      location: typeof location === "string" ? location : undefined,
      body,
      timings: progress.timings,
    };
  } catch (error) {
    return { kind: "failed", phase: progress.phase, code: signal.aborted ? "TIMEOUT" : codeOf(error), timings: progress.timings };
  } finally {
    await client.destroy();
  }
}

/** Which step is running, and how long the earlier ones took in milliseconds of real time. */
class Progress {
  readonly timings: RequestTimings = {};
  phase: Phase = "tcp";
  #since = performance.now();

  connected(next: "tls" | "http"): void {
    this.timings.tcpMs = this.#lap();
    this.phase = next;
  }

  secured(): void {
    this.timings.tlsMs = this.#lap();
    this.phase = "http";
  }

  finish(): void {
    this.timings.httpMs = this.#lap();
  }

  #lap(): number {
    const now = performance.now();
    const elapsed = Math.round(now - this.#since);
    this.#since = now;
    return elapsed;
  }
}

/** Connects to the pinned address, an IP literal, whatever name the URL has: nothing is looked up a second time. */
function pinnedConnector(request: ProbeRequest, progress: Progress, signal: AbortSignal): buildConnector.connector {
  return (_options, callback) => {
    const deadline = new Deadline(request.connectMs, signal);
    const tcp = connectTCP({ host: request.address, port: request.port, autoSelectFamily: false });
    let stage: Socket = tcp;
    const settle = (error: Error | undefined): void => {
      deadline.signal.removeEventListener("abort", onAbort);
      deadline[Symbol.dispose]();
      stage.off("error", settle);
      tcp.off("error", settle);
      if (error === undefined) {
        callback(null, stage);
        return;
      }
      for (const socket of [stage, tcp]) socket.on("error", () => {}).destroy();
      callback(error, null);
    };
    const onAbort = (): void => settle(Object.assign(new Error("The connection took too long"), { code: "TIMEOUT" }));
    deadline.signal.addEventListener("abort", onAbort, { once: true });
    tcp.once("error", settle);
    tcp.once("connect", () => {
      progress.connected(request.scheme === "https" ? "tls" : "http");
      if (request.scheme === "http") return settle(undefined);
      const ca = request.caBundle === undefined ? {} : { ca: [...rootCertificates, request.caBundle] };
      const secure = connectTLS({
        socket: tcp,
        servername: request.hostname,
        ALPNProtocols: ["http/1.1"],
        minVersion: "TLSv1.2",
        ...ca,
      });
      stage = secure;
      secure.once("error", settle);
      secure.once("secureConnect", () => {
        progress.secured();
        settle(undefined);
      });
    });
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";
}
