import type { ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Metrics } from "../runtime/metrics.ts";
import { NoAnswerError } from "./api-error.ts";
import { type Answer, ChangingCredentials, json, ScriptedServer, status, transportTo } from "./scripted-server.testing.ts";
import type { KubeTransport } from "./transport.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0).reverse()) await close();
});

async function setUp(
  answer: Answer,
): Promise<{ server: ScriptedServer; source: ChangingCredentials; transport: KubeTransport; metrics: Metrics }> {
  const server = await ScriptedServer.start(answer);
  const source = new ChangingCredentials({ server: server.url, tls: {}, authorization: "Bearer first-token" });
  const { transport, metrics } = transportTo(source);
  closing.push(
    () => server[Symbol.asyncDispose](),
    () => transport.close(),
  );
  return { server, source, transport, metrics };
}

/** Answers by turns; the last one for ever. */
function turns(...answers: readonly Answer[]): Answer {
  let turn = 0;
  return (seen, response, socket) => answers[Math.min(turn++, answers.length - 1)]?.(seen, response, socket);
}

const ok: Answer = (_, response) => json(response, 200, { fine: true });
const reset: Answer = (_, _response, socket) => socket.destroy();
const refuse =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_, response) =>
    json(response, code, status(code, "Refused", "not now"), headers);

const GET = { method: "GET", path: "/api/v1/things" } as const;

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail("the call succeeded"),
    (error: unknown) => error,
  );
}

describe("connections", () => {
  // Two and not one: undici uses a socket again one turn of the event loop after its answer.
  test("are shared: two sockets for 200 calls in a row, with the headers of the operator", async () => {
    const { server, transport, metrics } = await setUp(ok);
    for (let call = 0; call < 200; call++) expect(await transport.request(GET)).toEqual({ fine: true });
    expect(server.sockets).toBeLessThanOrEqual(2);
    expect(server.seen[0]?.headers).toMatchObject({
      "user-agent": "probe/1.0",
      accept: "application/json",
      authorization: "Bearer first-token",
    });
    expect(await metrics.registry.metrics()).toContain('rest_client_requests_total{code="200",method="GET"} 200\n');
  });

  test("are at most 64, however many calls run at once", async () => {
    const { server, transport } = await setUp((_, response) => setTimeout(() => json(response, 200, {}), 5));
    await Promise.all(Array.from({ length: 200 }, () => transport.request(GET)));
    expect(server.sockets).toBeLessThanOrEqual(64);
    expect(server.seen).toHaveLength(200);
  });

  test("for watches are others: a watch does not keep a call waiting", async () => {
    const { transport } = await setUp((seen, response) => {
      if (seen.url.searchParams.has("watch")) response.writeHead(200).write('{"type":"BOOKMARK"}\n');
      else json(response, 200, {});
    });
    const stop = new AbortController();
    const bodies = await Promise.all(
      Array.from({ length: 40 }, () => transport.stream("/api/v1/things?watch=true", stop.signal)),
    );
    expect(bodies).toHaveLength(40);
    expect(await transport.request(GET)).toEqual({});
    stop.abort();
    for (const body of bodies) await expect(consume(body)).rejects.toThrow();
  });
});

test("a body goes out as JSON under its content type, below the server's own path", async () => {
  const { server, source, transport } = await setUp(ok);
  source.current = { ...source.current, server: new URL("/clusters/one/", server.url) };
  const contentType = "application/merge-patch+json";
  await transport.request({ method: "PATCH", path: "/api/v1/things/a", body: { metadata: { labels: { ä: "1" } } }, contentType });
  expect(server.seen[0]).toMatchObject({ method: "PATCH", body: '{"metadata":{"labels":{"ä":"1"}}}' });
  expect(server.seen[0]?.url.pathname).toBe("/clusters/one/api/v1/things/a");
  expect(server.seen[0]?.headers["content-type"]).toBe(contentType);
});

describe("every call ends", () => {
  test("at its deadline, when nothing is answered", async () => {
    const { transport, metrics } = await setUp(() => {});
    const started = performance.now();
    expect(await caught(transport.request({ ...GET, timeoutMs: 80 }))).toBeInstanceOf(NoAnswerError);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(await metrics.registry.metrics()).toContain('rest_client_requests_total{code="<error>",method="GET"} 1\n');
  });

  test("at its deadline, when the answer drips", async () => {
    const { transport } = await setUp((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(drip));
    });
    expect(await caught(transport.request({ ...GET, timeoutMs: 100 }))).toBeInstanceOf(NoAnswerError);
  });

  test.each(["at its deadline", "with the signal's reason"])("%s, when no connection comes about", async (end) => {
    const accepted: Socket[] = [];
    const hole = createServer((socket) => void accepted.push(socket));
    await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", resolve));
    const { port } = hole.address() as AddressInfo;
    const { transport } = transportTo(new ChangingCredentials({ server: new URL(`https://127.0.0.1:${port}`), tls: {} }));
    const stop = new AbortController();
    const started = performance.now();
    if (end === "at its deadline") {
      expect(await caught(transport.request({ ...GET, timeoutMs: 100 }))).toBeInstanceOf(NoAnswerError);
    } else {
      const both = [caught(transport.request({ ...GET, signal: stop.signal })), caught(transport.stream(GET.path, stop.signal))];
      await vi.waitUntil(() => accepted.length === 2);
      stop.abort(new Error("told to stop"));
      expect(await both[0]).toMatchObject({ message: "told to stop" });
      expect(await both[1]).toBeInstanceOf(NoAnswerError);
    }
    expect(performance.now() - started).toBeLessThan(2_000);
    await transport.close();
    for (const socket of accepted) socket.destroy();
    await new Promise((resolve) => hole.close(resolve));
  });

  test("for good: a write that was given up while it waited for a connection is never sent", async () => {
    const held: ServerResponse[] = [];
    const { server, transport } = await setUp((_, response) => void held.push(response));
    const hung = Array.from({ length: 64 }, () => transport.request(GET));
    await vi.waitUntil(() => held.length === 64);
    expect(await caught(transport.request({ ...GET, method: "POST", body: {}, timeoutMs: 50 }))).toBeInstanceOf(NoAnswerError);
    for (const response of held.splice(0)) json(response, 200, {});
    await Promise.all(hung);
    const after = transport.request(GET);
    await vi.waitUntil(() => held.length === 1);
    for (const response of held) json(response, 200, {});
    await after;
    expect(server.seen.map((seen) => seen.method)).not.toContain("POST");
  });

  test.each([
    ["an answer", () => {}],
    ["its turn after a 429", refuse(429, { "retry-after": "10" })],
  ])("with the signal's reason, when aborted waiting for %s", async (_, answer: Answer) => {
    const { server, transport } = await setUp(answer);
    const stop = new AbortController();
    const call = caught(transport.request({ ...GET, signal: stop.signal }));
    await vi.waitUntil(() => server.seen.length === 1);
    stop.abort(new Error("told to stop"));
    expect(await call).toMatchObject({ message: "told to stop" });
  });
});

describe("what the server did not do is asked for again", () => {
  test.each(["GET", "POST", "PUT", "PATCH", "DELETE"] as const)(
    "a %s after 429 and 503 with Retry-After, in that time",
    async (method) => {
      const { server, transport } = await setUp(turns(refuse(429, { "retry-after": "1" }), ok));
      const started = performance.now();
      await transport.request({ method, path: "/api/v1/things", ...(method === "GET" ? {} : { body: {} }) });
      expect(performance.now() - started).toBeGreaterThanOrEqual(990);
      expect(server.seen).toHaveLength(2);
    },
  );

  test("but not when the wait would pass the deadline", async () => {
    const { server, transport } = await setUp(refuse(503, { "retry-after": "60" }));
    expect(await caught(transport.request(GET))).toMatchObject({ status: 503, retryAfterMs: 60_000 });
    expect(server.seen).toHaveLength(1);
  });

  test("not a write without Retry-After, and not for ever", async () => {
    const { server, transport } = await setUp(refuse(500));
    expect(await caught(transport.request({ ...GET, method: "POST", body: {} }))).toMatchObject({ status: 500 });
    expect(server.seen).toHaveLength(1);
    expect(await caught(transport.request(GET))).toMatchObject({ status: 500 });
    expect(server.seen).toHaveLength(5);
  });
});

describe("without an answer", () => {
  test.each([
    ["a reset connection", reset],
    [
      "a truncated answer",
      ((_, response, socket) =>
        response.writeHead(200, { "content-length": "100" }).write('{"items":[', () => socket.destroy())) as Answer,
    ],
    ["half a JSON document", ((_, response) => response.writeHead(200).end('{"items":[')) as Answer],
  ])("a GET is repeated after %s", async (_, broken) => {
    const { server, transport } = await setUp(turns(broken, broken, ok));
    expect(await transport.request(GET)).toEqual({ fine: true });
    expect(server.seen).toHaveLength(3);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"] as const)(
    "a %s is never repeated: it may have been carried out",
    async (method) => {
      const { server, transport } = await setUp(turns(ok, reset, ok));
      await transport.request(GET);
      expect(await caught(transport.request({ method, path: "/api/v1/things", body: {} }))).toBeInstanceOf(NoAnswerError);
      expect(server.seen.map((seen) => seen.method)).toEqual(["GET", method]);
    },
  );
});

async function consume(body: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  return bytes;
}
