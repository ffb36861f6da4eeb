import type { Dispatcher } from "undici";
import { orAborted } from "../runtime/abort.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { Timers } from "../runtime/timers.ts";
import { ApiError, NoAnswerError, type StatusBody } from "./api-error.ts";
import { Connections } from "./connections.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import { Exchange } from "./exchange.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface ApiRequest {
  readonly method: Method;
  /** Path and query, beginning with `/`. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole call; default 15 s. */
  readonly timeoutMs?: number;
}

const CALL_TIMEOUT_MS = 15_000;
const MAX_ATTEMPTS = 4;

/**
 * The only way to the API server. Guarantees: connections are shared (one pool for calls, one for watches); every call ends
 * within its deadline; 429 and 503 with Retry-After are waited for (the server did not act); a GET without an answer is
 * repeated, a write never is; after a 401 the credentials are loaded again and the call is repeated once; errors carry no
 * headers, no secrets and nothing of an answer but its Status.
 */
export class KubeTransport {
  readonly #connections: Connections;
  readonly #userAgent: string;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #timers = new Timers(systemClock);

  constructor(options: { source: CredentialSource; userAgent: string; metrics: Metrics; logger: Logger }) {
    this.#connections = new Connections(options.source, options.logger);
    this.#userAgent = options.userAgent;
    this.#metrics = options.metrics;
    this.#log = options.logger;
  }

  /**
   * The decoded answer of one call.
   * @throws ApiError when the server refused, NoAnswerError when no complete answer came, the signal's reason when aborted.
   */
  async request(call: ApiRequest): Promise<unknown> {
    const deadline = systemClock.monotonic() + (call.timeoutMs ?? CALL_TIMEOUT_MS);
    let refreshed = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(call, Math.max(1, deadline - systemClock.monotonic()));
      } catch (error) {
        call.signal?.throwIfAborted();
        if (error instanceof ApiError && error.status === 401 && !refreshed) {
          refreshed = true;
          continue;
        }
        const waitMs = retryDelay(error, call.method, attempt);
        if (waitMs === undefined || attempt >= MAX_ATTEMPTS || systemClock.monotonic() + waitMs >= deadline) throw error;
        this.#log.debug({ method: call.method, path: call.path, waitMs, attempt }, "repeating a call");
        await this.#timers.sleep(waitMs, call.signal ?? new AbortController().signal);
      }
    }
  }

  /**
   * Opens a streaming GET on the pool for watches. The body ends, or throws, when the connection does; the caller bounds
   * silence. @throws as {@link request}; nothing is repeated.
   */
  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const request = `GET ${path}`;
    const started = systemClock.monotonic();
    const { credentials, pools } = await this.#connections.current();
    let response: Dispatcher.ResponseData;
    try {
      const sent = pools.watches.request({
        origin: credentials.server.origin,
        path: pathUnder(credentials.server, path),
        method: "GET",
        headers: this.#headers(credentials),
        signal,
      });
      response = await orAborted(sent, signal);
    } catch (error) {
      this.#metrics.request("GET", "<error>", systemClock.monotonic() - started);
      throw new NoAnswerError(request, error);
    }
    this.#metrics.request("GET", String(response.statusCode), systemClock.monotonic() - started);
    if (response.statusCode === 200) return response.body;
    if (response.statusCode === 401) this.#connections.distrust(credentials);
    const text = await response.body.text().catch(() => "");
    throw apiError(request, response, text);
  }

  async close(): Promise<void> {
    this.#timers.clear();
    await this.#connections.close();
  }

  async #once(call: ApiRequest, timeoutMs: number): Promise<unknown> {
    const started = systemClock.monotonic();
    const exchange = new Exchange();
    const cancelDeadline = systemClock.setTimer(timeoutMs, () => exchange.abort(new Error(`no answer in ${timeoutMs} ms`)));
    const { signal } = call;
    const onAbort = (): void => exchange.abort(signal?.reason);
    let code = "<error>";
    try {
      const { credentials, pools } = await this.#connections.current();
      signal?.throwIfAborted();
      signal?.addEventListener("abort", onAbort);
      pools.calls.dispatch(
        {
          origin: credentials.server.origin,
          path: pathUnder(credentials.server, call.path),
          method: call.method,
          headers: this.#headers(credentials, call),
          body: call.body === undefined ? null : JSON.stringify(call.body),
        },
        exchange,
      );
      const answer = await exchange.answer;
      code = String(answer.statusCode);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return parsed(answer.text);
      if (answer.statusCode === 401) this.#connections.distrust(credentials);
      throw apiError(`${call.method} ${call.path}`, answer, answer.text);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw new NoAnswerError(`${call.method} ${call.path}`, error);
    } finally {
      cancelDeadline();
      signal?.removeEventListener("abort", onAbort);
      this.#metrics.request(call.method, code, systemClock.monotonic() - started);
    }
  }

  #headers(credentials: Credentials, call?: ApiRequest): Record<string, string> {
    return {
      accept: "application/json",
      "user-agent": this.#userAgent,
      ...(call?.body === undefined ? {} : { "content-type": call.contentType ?? "application/json" }),
      ...(credentials.authorization === undefined ? {} : { authorization: credentials.authorization }),
    };
  }
}

function retryDelay(error: unknown, method: Method, attempt: number): number | undefined {
  if (error instanceof ApiError) {
    const refusedForNow = error.status === 429 || error.status === 503;
    if (refusedForNow && error.retryAfterMs !== undefined) return error.retryAfterMs;
    return error.status >= 500 && method === "GET" ? 100 * 2 ** attempt : undefined;
  }
  return method === "GET" ? 50 * 2 ** attempt : undefined;
}

function apiError(request: string, response: Pick<Dispatcher.ResponseData, "statusCode" | "headers">, text: string): ApiError {
  const header = response.headers["retry-after"];
  const seconds = typeof header === "string" && /^\d+$/.test(header) ? Number(header) : undefined;
  return new ApiError(
    request,
    response.statusCode,
    statusBody(text),
    seconds === undefined ? undefined : Math.max(1, seconds) * 1_000,
  );
}

/** V8's message would quote the text, which may be a Secret. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("the answer is not JSON");
  }
}

function statusBody(text: string): StatusBody {
  try {
    const body = JSON.parse(text) as (StatusBody & { readonly kind?: string }) | null;
    if (body?.kind === "Status") return body;
  } catch {
    // A proxy's HTML or a cut-off body: the status code alone decides.
  }
  return {};
}

function pathUnder(server: URL, path: string): string {
  return server.pathname === "/" ? path : `${server.pathname.replace(/\/$/, "")}${path}`;
}
