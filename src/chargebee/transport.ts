import { AsyncLocalStorage } from "node:async_hooks";
import { type Dispatcher, request } from "undici";
import { orAborted } from "../runtime/abort.ts";
import type { Clock } from "../runtime/clock.ts";
import type { CredentialBreaker } from "./breaker.ts";
import { ChargebeeError, errorFromAnswer, errorFromTransport } from "./errors.ts";
import type { SiteBudget } from "./site-budget.ts";

/** A 100-row list of large subscriptions is below 2 MB. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const DEFAULT_PAUSE_MS = 60_000;

export interface ChargebeeTransportOptions {
  /** Origin of the site, with an optional path; a trailing `/api/v2` is the same as none. */
  readonly apiURL: string;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly budget: SiteBudget;
  readonly breaker: CredentialBreaker;
  /** Deadline of one exchange on real time. */
  readonly timeoutMs: number;
  /** Called right before a write leaves, after every wait; throws when this process may not write. */
  readonly assertMayWrite: () => void;
}

/**
 * The SDK's HTTP client. Every error is made here, from the real HTTP answer, because the SDK rejects with plain objects, turns
 * an HTML 429 into a 500 and gives the caller's signal no way in. The base URL is pinned and redirects are never followed: the
 * key goes nowhere else.
 */
export class ChargebeeTransport {
  readonly #options: ChargebeeTransportOptions;
  readonly #origin: string;
  readonly #prefix: string;
  readonly #call = new AsyncLocalStorage<AbortSignal>();

  constructor(options: ChargebeeTransportOptions) {
    this.#options = options;
    const base = new URL(options.apiURL);
    this.#origin = base.origin;
    this.#prefix = base.pathname.replace(/\/+$/, "").replace(/\/api\/v2$/, "");
  }

  /** Runs an SDK call under `signal`. */
  run<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    return this.#call.run(signal, call);
  }

  /** The seam that the SDK calls; rejects with ChargebeeError, or with the signal's reason when aborted before sending. */
  async makeApiRequest(sdkRequest: Request): Promise<Response> {
    const { budget, breaker } = this.#options;
    const signal = this.#call.getStore();
    if (signal === undefined) throw new Error("a Chargebee call outside run()");
    breaker.enter();
    const release = await budget.acquire(signal);
    try {
      const { status, text } = await this.#exchange(sdkRequest, signal);
      breaker.accepted();
      return new Response(text, { status, headers: { "content-type": "application/json" } });
    } catch (error) {
      if (error instanceof ChargebeeError) this.#learn(error);
      throw error;
    } finally {
      release();
    }
  }

  async #exchange(sdkRequest: Request, signal: AbortSignal): Promise<{ status: number; text: string }> {
    const { pathname, search } = new URL(sdkRequest.url);
    const url = `${this.#origin}${this.#prefix}${pathname}${search}`;
    const body = sdkRequest.method === "GET" ? null : await sdkRequest.text();
    const headers = Object.fromEntries(sdkRequest.headers);
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)]);
    if (sdkRequest.method !== "GET") this.#options.assertMayWrite();
    const { dispatcher, clock } = this.#options;
    let answer: { status: number; retryAfter: string | undefined; text: string };
    try {
      const sent = request(url, { method: sdkRequest.method, headers, body, dispatcher, signal: deadline });
      const response = await orAborted(sent, deadline);
      answer = {
        status: response.statusCode,
        retryAfter: single(response.headers["retry-after"]),
        text: await readText(response.body),
      };
    } catch (error) {
      // Even an abort by the caller: what was sent may have been carried out.
      throw errorFromTransport(error);
    }
    const { status, retryAfter, text } = answer;
    if (status < 200 || status > 299) throw errorFromAnswer(status, retryAfter, text, clock.now());
    if (!isJSON(text)) throw errorFromTransport(new SyntaxError("the answer is not JSON"), status);
    return { status, text };
  }

  #learn(error: ChargebeeError): void {
    const { budget, breaker } = this.#options;
    if (error.class === "credentials") breaker.refused(error);
    else if (error.class === "rate-limited") budget.pause(Math.max(error.retryAfterMs ?? 0, DEFAULT_PAUSE_MS));
    else if (error.class !== "unavailable" && error.class !== "paused") breaker.accepted();
  }
}

async function readText(body: Dispatcher.ResponseData["body"]): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new Error("the answer is too large");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function isJSON(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
