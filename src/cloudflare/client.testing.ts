import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent } from "undici";
import { onTestFinished } from "vitest";
import { CloudflareClient } from "./client.ts";
import { CloudflareError } from "./errors.ts";
import type { RateLimit } from "./rate-limit-headers.ts";

export const ID = "614b3124-cd57-42f0-8307-000000000000";
export const never = new AbortController().signal;
export const ssl = { method: "txt", type: "dv" } as const;

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Server {
  readonly client: CloudflareClient;
  readonly seen: Seen[];
  readonly limits: RateLimit[];
  readonly origin: string;
}

export function newClient(apiURL: string, apiToken: string, timeoutMs = 5_000, limits: RateLimit[] = []): CloudflareClient {
  const dispatcher = new Agent({ allowH2: false, connections: 8, pipelining: 1 });
  onTestFinished(() => dispatcher.destroy());
  return new CloudflareClient({ apiURL, apiToken, dispatcher, timeoutMs, onRateLimit: (limit) => limits.push(limit) });
}

/** A loopback server that answers as told, and a client for it. */
export async function serve(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
  timeoutMs?: number,
): Promise<Server> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      seen.push({
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      answer(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  const origin = `http://127.0.0.1:${address.port}`;
  const limits: RateLimit[] = [];
  return { client: newClient(`${origin}/client/v4`, " a-token\n", timeoutMs, limits), seen, limits, origin };
}

export async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no address");
  return address.port;
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

export function raw(status: number, body: string, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };
}

export const failure = (code: number) => ({
  result: null,
  success: false,
  errors: [{ code, message: `message of ${code}` }],
  messages: [],
});
export const success = (result: unknown, more: Record<string, unknown> = {}) => ({
  result,
  success: true,
  errors: [],
  messages: [],
  ...more,
});

export async function errorOf(call: Promise<unknown>): Promise<CloudflareError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CloudflareError)) throw new Error("no CloudflareError", { cause: error });
  return error;
}
