import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createAuthority } from "../../test/control-plane/certificates.ts";
import { NoAnswerError } from "./api-error.ts";
import { type Answer, ChangingCredentials, json, ScriptedServer, status, transportTo } from "./scripted-server.testing.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0).reverse()) await close();
});

const GET = { method: "GET", path: "/api/v1/things" } as const;

function open(server: ScriptedServer, source: ChangingCredentials) {
  const { transport, metrics } = transportTo(source);
  closing.push(
    () => server[Symbol.asyncDispose](),
    () => transport.close(),
  );
  return { transport, metrics };
}

async function setUp(answer: Answer) {
  const server = await ScriptedServer.start(answer);
  const source = new ChangingCredentials({ server: server.url, tls: {}, authorization: "Bearer first-token" });
  return { server, source, ...open(server, source) };
}

/** Lets the transport believe that this much time has passed. */
const real = performance.now.bind(performance);
function pass(ms: number): void {
  vi.spyOn(performance, "now").mockImplementation(() => real() + ms);
}

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail("the call succeeded"),
    (error: unknown) => error,
  );
}

const onlyFor =
  (token: string): Answer =>
  (seen, response) =>
    seen.headers.authorization === `Bearer ${token}` ? json(response, 200, {}) : json(response, 401, status(401, "Unauthorized"));

describe("a 401", () => {
  test("makes the credentials be loaded again, once per call, and the call repeated, also a write", async () => {
    const { server, source, transport } = await setUp(onlyFor("second-token"));
    await caught(transport.request(GET));
    expect(server.seen).toHaveLength(2);
    source.current = { ...source.current, authorization: "Bearer second-token" };
    await transport.request({ method: "POST", path: "/api/v1/things", body: {} });
    expect(server.seen.map((seen) => seen.headers.authorization)).toEqual([
      "Bearer first-token",
      "Bearer first-token",
      "Bearer second-token",
    ]);
  });

  test("of fifty calls at once does not load fifty times", async () => {
    const { source, transport } = await setUp(onlyFor("second-token"));
    await caught(transport.request(GET));
    source.current = { ...source.current, authorization: "Bearer second-token" };
    const before = source.loads;
    await Promise.all(Array.from({ length: 50 }, () => transport.request(GET)));
    expect(source.loads - before).toBe(1);
  });

  test("on a watch makes the next one load them", async () => {
    const { source, transport } = await setUp(onlyFor("second-token"));
    const signal = new AbortController().signal;
    expect(await caught(transport.stream("/api/v1/things?watch=true", signal))).toMatchObject({ status: 401 });
    source.current = { ...source.current, authorization: "Bearer second-token" };
    expect(await transport.stream("/api/v1/things?watch=true", signal)).toBeDefined();
  });
});

describe("credentials a minute old", () => {
  test("are loaded again, once for all calls", async () => {
    const { server, source, transport } = await setUp((_, response) => json(response, 200, {}));
    await transport.request(GET);
    await transport.request(GET);
    expect(source.loads).toBe(1);
    source.current = { ...source.current, authorization: "Bearer second-token" };
    pass(61_000);
    await Promise.all([transport.request(GET), transport.request(GET), transport.request(GET)]);
    expect(source.loads).toBe(2);
    expect(server.seen.at(-1)?.headers.authorization).toBe("Bearer second-token");
  });

  test("that cannot be loaded again are used until the server refuses them", async () => {
    const { source, transport } = await setUp(onlyFor("first-token"));
    await transport.request(GET);
    source.failure = new Error("the kubeconfig is being written");
    pass(61_000);
    expect(await transport.request(GET)).toEqual({});
  });
});

test("errors carry neither tokens nor headers nor bodies, nor what a broken answer held", async () => {
  const answers: Answer[] = [
    (_, response) => json(response, 403, status(403, "Forbidden", "no"), { "set-cookie": "hush" }),
    (_, response) => response.writeHead(502).end("<html>hush</html>"),
    (_, response) => response.writeHead(200).end('hush {"data":{}}'),
  ];
  for (const answer of answers) {
    const { transport } = await setUp(answer);
    const error = await caught(transport.request({ method: "POST", path: "/api/v1/things", body: { stringData: "hush" } }));
    const told: unknown[] = [];
    for (let part: unknown = error; part instanceof Error; part = part.cause) told.push(part.message, part.stack, { ...part });
    expect(JSON.stringify(told)).not.toMatch(/hush|first-token/);
    expect(told.length).toBeGreaterThan(0);
  }
});

describe("TLS", () => {
  const authority = createAuthority("one");
  const other = createAuthority("two");
  const whoAmI: Answer = (_, response, socket) =>
    json(response, 200, { name: (socket as TLSSocket).getPeerCertificate().subject?.CN });

  async function secured(ca: string) {
    const { cert, key } = authority.issueServer("server", ["127.0.0.1"]);
    const server = await ScriptedServer.start(whoAmI, { cert, key, ca: [authority.cert, other.cert], requestCert: true });
    const source = new ChangingCredentials({ server: server.url, tls: { ca, ...authority.issueClient("first", []) } });
    return { server, source, ...open(server, source) };
  }

  test("a rotated client certificate or CA makes new connections; the old ones end", async () => {
    const { server, source, transport } = await secured(authority.cert);
    expect(await transport.request(GET)).toEqual({ name: "first" });
    source.current = { server: server.url, tls: { ca: authority.cert, ...other.issueClient("second", []) } };
    expect(await transport.request(GET)).toEqual({ name: "first" });
    const first = [...server.open];
    pass(61_000);
    expect(await transport.request(GET)).toEqual({ name: "second" });
    await vi.waitUntil(() => first.every((socket) => socket.destroyed));
    const second = [...server.open];
    source.current = { ...source.current, tls: { ...source.current.tls, ca: `${other.cert}${authority.cert}` } };
    pass(122_000);
    expect(await transport.request(GET)).toEqual({ name: "second" });
    await vi.waitUntil(() => second.every((socket) => socket.destroyed));
    expect(server.open.size).toBe(1);
  });

  test("a server of another CA is not spoken to", async () => {
    const { server, transport } = await secured(other.cert);
    expect(await caught(transport.request({ ...GET, timeoutMs: 500 }))).toBeInstanceOf(NoAnswerError);
    expect(server.seen).toEqual([]);
  });
});
