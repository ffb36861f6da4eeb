import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { PlantedFault } from "./fault-kinds.ts";
import type { WholeAnswer } from "./upstream.ts";

const DROPS = 8;
const DROP_EVERY_MS = 300;

/** What is answered in place of the API server: as it does when it is overloaded, or breaks, or has forgotten a version. */
export const REFUSALS: Readonly<Partial<Record<PlantedFault, { readonly status: number; readonly reason: string }>>> = {
  "429 with Retry-After": { status: 429, reason: "TooManyRequests" },
  "500": { status: 500, reason: "InternalError" },
  "503": { status: 503, reason: "ServiceUnavailable" },
  "410 on a watch": { status: 410, reason: "Expired" },
  "410 on a continued list": { status: 410, reason: "Expired" },
};

export function statusOf(code: number, reason: string): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason, code, message: "said by the faulty proxy" };
}

export function refuse(response: ServerResponse, code: number, reason: string): void {
  const headers = code === 429 ? { "retry-after": "1" } : {};
  const body = JSON.stringify(statusOf(code, reason));
  response
    .writeHead(code, { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers })
    .end(body);
}

export function pass(response: ServerResponse, { status, headers, body }: WholeAnswer): void {
  response.writeHead(status, { ...headers, "content-length": body.length }).end(body);
}

/** Eight pieces in two and a half seconds. */
export async function drip(response: ServerResponse, { status, headers, body }: WholeAnswer): Promise<void> {
  response.writeHead(status, { ...headers, "content-length": body.length });
  const size = Math.max(1, Math.ceil(body.length / DROPS));
  for (let start = 0; start < body.length && !response.destroyed; start += size) {
    await delay(DROP_EVERY_MS);
    response.write(body.subarray(start, start + size));
  }
  response.end();
}

/** Half of the body, with no sign that more was to come. */
export function truncate(response: ServerResponse, { status, headers, body }: WholeAnswer): void {
  const half = body.subarray(0, Math.floor(body.length / 2));
  response.writeHead(status, { ...headers, "content-length": half.length }).end(half);
}

/** Half of the body, and then the end of the connection, although all of it was announced. */
export function breakOff(response: ServerResponse, { status, headers, body }: WholeAnswer): void {
  response.writeHead(status, { ...headers, "content-length": body.length });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}
