import { type Dispatcher, fetch as undiciFetch } from "undici";
import { type RateLimit, rateLimitOf } from "./rate-limit-headers.ts";

/** What the SDK hands to its `fetch` option. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface TransportOptions {
  readonly dispatcher: Dispatcher;
  /** Bearer token, already trimmed. */
  readonly token: string;
  /** Told of every answer's rate limit, before the answer is used. */
  readonly onRateLimit: (limit: RateLimit) => void;
}

/** A page of 1,000 rows is 2 to 3 MB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/**
 * The `fetch` under the SDK. It reads the whole body, bounded, so that the caller's signal covers it (the SDK's own timer stops
 * at the headers); it follows no redirect, which would repeat a write elsewhere; and it sends exactly the headers named here,
 * so that neither `CLOUDFLARE_CUSTOM_HEADERS` nor the SDK's telemetry reaches the wire.
 */
export function createFetch({ dispatcher, token, onRateLimit }: TransportOptions): Fetch {
  return async (input, init) => {
    const body = typeof init?.body === "string" ? init.body : null;
    const answer = await undiciFetch(input instanceof Request ? input.url : input, {
      dispatcher,
      method: init?.method ?? "GET",
      headers: headers(token, new Headers(init?.headers), body !== null),
      body,
      redirect: "manual",
      signal: init?.signal ?? null,
    });
    onRateLimit(rateLimitOf(answer.status, answer.headers));
    const text = await readBounded(answer.body);
    return new Response(text === "" ? null : text, { status: answer.status, headers: [...answer.headers] });
  };
}

function headers(token: string, given: Headers, hasBody: boolean): Record<string, string> {
  const version = given.get("api-version");
  return {
    accept: "application/json",
    authorization: `Bearer ${token}`,
    "user-agent": "custom-domain-operator",
    ...(version === null ? {} : { "api-version": version }),
    ...(hasBody ? { "content-type": "application/json" } : {}),
  };
}

async function readBounded(stream: AsyncIterable<Uint8Array> | null): Promise<string> {
  if (stream === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new Error(`answer of more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
