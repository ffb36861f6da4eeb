import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent } from "undici";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { HOSTNAME, startFixture, TOKEN, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { CloudflareClient } from "./client.ts";
import { CloudflareError } from "./errors.ts";
import type { RateLimit } from "./rate-limit-headers.ts";
import { certificatePending, justCreated } from "./recorded-rows.testing.ts";

const ID = "614b3124-cd57-42f0-8307-000000000000";
const never = new AbortController().signal;
const ssl = { method: "txt", type: "dv" } as const;

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

function newClient(apiURL: string, apiToken: string, timeoutMs = 5_000, limits: RateLimit[] = []): CloudflareClient {
  const dispatcher = new Agent({ allowH2: false, connections: 8, pipelining: 1 });
  onTestFinished(() => dispatcher.destroy());
  return new CloudflareClient({ apiURL, apiToken, dispatcher, timeoutMs, onRateLimit: (limit) => limits.push(limit) });
}

/** A loopback server that answers as told, and a client for it. */
async function serve(answer: (response: ServerResponse, request: IncomingMessage) => void, timeoutMs?: number): Promise<Server> {
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

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no address");
  return address.port;
}

function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

function raw(status: number, body: string, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };
}

const failure = (code: number) => ({
  result: null,
  success: false,
  errors: [{ code, message: `message of ${code}` }],
  messages: [],
});
const success = (result: unknown, more: Record<string, unknown> = {}) => ({
  result,
  success: true,
  errors: [],
  messages: [],
  ...more,
});

async function errorOf(call: Promise<unknown>): Promise<CloudflareError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CloudflareError)) throw new Error("no CloudflareError", { cause: error });
  return error;
}

describe("requests", () => {
  test("carry the trimmed token and a pinned version, and nothing of the environment or the SDK's telemetry", async () => {
    for (const [name, value] of Object.entries({
      CLOUDFLARE_API_TOKEN: "other",
      CLOUDFLARE_API_KEY: "key",
      CLOUDFLARE_EMAIL: "a@customer.dev",
      CLOUDFLARE_API_USER_SERVICE_KEY: "service",
      CLOUDFLARE_BASE_URL: "http://127.0.0.1:9/",
      CLOUDFLARE_CUSTOM_HEADERS: "Authorization: Bearer stolen\nX-Custom: yes",
      CLOUDFLARE_LOG: "debug",
    })) {
      vi.stubEnv(name, value);
    }
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const { client, seen } = await serve(json(201, success(justCreated)));
    await client.create(ZONE_ID, { hostname: "app.customer.dev", ssl }, never);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ method: "POST", url: `/client/v4/zones/${ZONE_ID}/custom_hostnames` });
    expect(Object.keys(seen[0]?.headers ?? {}).sort()).toEqual([
      "accept",
      "accept-encoding",
      "accept-language",
      "api-version",
      "authorization",
      "connection",
      "content-length",
      "content-type",
      "host",
      "sec-fetch-mode",
      "user-agent",
    ]);
    expect(seen[0]?.headers).toMatchObject({ authorization: "Bearer a-token", "api-version": "2026-10-02" });
    expect(JSON.parse(seen[0]?.body ?? "")).toEqual({ hostname: "app.customer.dev", ssl });
  });

  test.each(["", "..", "../fallback_origin", "bar", `${ID}/x`, `${ID}?x=1`])("are not sent for the id %j", async (id) => {
    const { client, seen } = await serve(json(200, success(justCreated)));
    const errors = [
      await errorOf(client.delete(ZONE_ID, id, never)),
      await errorOf(client.edit(ZONE_ID, id, { ssl }, never)),
      await errorOf(client.get("../x", ID, never)),
    ];
    expect(errors.map((error) => error.class)).toEqual(["InvalidId", "InvalidId", "ConfigWrong"]);
    expect(seen).toEqual([]);
  });
});

describe("answers", () => {
  test("a create hands over Cloudflare's messages, as strings or objects", async () => {
    const messages = ["You will be billed.", { code: 1405, message: "The quota is used up." }, "", 7];
    const { client } = await serve(json(201, success(justCreated, { messages })));
    const created = await client.create(ZONE_ID, { hostname: "app.example.com", ssl }, never);
    expect(created).toMatchObject({
      hostname: { id: ID, status: "" },
      warnings: ["You will be billed.", "The quota is used up."],
    });
  });

  test.each([[{ id: "bar" }], [success({ id: ID })], [success(null)]])("DELETE is done when it is answered %j", async (body) => {
    const { client, seen } = await serve(json(200, body));
    await client.delete(ZONE_ID, ID, never);
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `DELETE /client/v4/zones/${ZONE_ID}/custom_hostnames/${ID}`,
    ]);
  });

  test("DELETE of what is gone is done; GET of it is undefined, also when the id is refused", async () => {
    const gone = await serve(json(404, failure(1436)));
    await gone.client.delete(ZONE_ID, ID, never);
    expect(await gone.client.get(ZONE_ID, ID, never)).toBeUndefined();
    const invalid = await serve(json(400, failure(1435)));
    expect(await invalid.client.get(ZONE_ID, ID, never)).toBeUndefined();
  });

  test("a 404 that is not Cloudflare's is neither a deletion nor an absence", async () => {
    const { client } = await serve(raw(404, "<html>no such page</html>", { "content-type": "text/html" }));
    expect((await errorOf(client.delete(ZONE_ID, ID, never))).class).toBe("ConfigWrong");
    expect((await errorOf(client.get(ZONE_ID, ID, never))).class).toBe("ConfigWrong");
    expect((await errorOf(client.fallbackOrigin(ZONE_ID, never))).class).toBe("ConfigWrong");
    const wrongZone = await serve(json(404, failure(7003)));
    expect((await errorOf(wrongZone.client.delete(ZONE_ID, ID, never))).class).toBe("ConfigWrong");
  });

  test("success false in a 200 is a failure, and after a POST an open question", async () => {
    const { client } = await serve(json(200, { success: false, errors: [], messages: [], result: null }));
    expect(await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never))).toMatchObject({
      class: "Transient",
      ambiguous: true,
    });
    expect(await errorOf(client.get(ZONE_ID, ID, never))).toMatchObject({ class: "Transient", ambiguous: false });
    const known = await serve(json(200, failure(1406)));
    expect(await errorOf(known.client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never))).toMatchObject({
      class: "Duplicate",
      ambiguous: false,
    });
  });

  test.each([
    ["an HTML page with 502", raw(502, "<html>bad gateway</html>", { "content-type": "text/html" }), 502],
    ["an HTML page with 200", raw(200, "<html>hello</html>", { "content-type": "text/html" }), 200],
    ["half of a JSON body", raw(200, '{"success":true,"result":{"id', { "content-type": "application/json" }), 200],
    ["an empty body", raw(200, ""), 200],
    ["a row without id", json(200, success({ hostname: HOSTNAME })), 200],
    ["520 without a body", raw(520, ""), 520],
  ])("%s is transient, and after a write an open question", async (_name, answer, status) => {
    const { client, seen } = await serve(answer);
    expect(await errorOf(client.get(ZONE_ID, ID, never))).toMatchObject({ class: "Transient", status, ambiguous: false });
    expect(await errorOf(client.edit(ZONE_ID, ID, { ssl }, never))).toMatchObject({ class: "Transient", ambiguous: true });
    expect(seen).toHaveLength(2);
  });

  test("a reset connection is never repeated by the client", async () => {
    const { client, seen } = await serve((response) => response.destroy());
    expect(await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never))).toMatchObject({
      class: "Transient",
      ambiguous: true,
    });
    expect(await errorOf(client.listPage(ZONE_ID, { page: 1, perPage: 50 }, never))).toMatchObject({
      class: "Transient",
      ambiguous: false,
    });
    expect(seen).toHaveLength(2);
  });

  test("an answer that says how long it is and then stops is transient", async () => {
    const { client } = await serve((response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write('{"success":true');
      setImmediate(() => response.destroy());
    });
    expect(await errorOf(client.get(ZONE_ID, ID, never))).toMatchObject({ class: "Transient" });
  });

  test("nobody listening means that nothing was sent", async () => {
    const client = newClient(`http://127.0.0.1:${await unusedPort()}/client/v4`, "t");
    expect(await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never))).toMatchObject({
      class: "Transient",
      ambiguous: false,
    });
  });

  test("a redirect is not followed: the write would be repeated elsewhere", async () => {
    const { client, seen } = await serve(raw(307, "", { location: "/client/v4/elsewhere" }));
    expect(await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never))).toMatchObject({
      class: "ConfigWrong",
      ambiguous: false,
    });
    expect(seen).toHaveLength(1);
  });

  test("the token never shows in an error", async () => {
    const { client } = await serve(json(400, { success: false, errors: [{ code: 6003, message: "bad header Bearer a-token" }] }));
    const error = await errorOf(client.get(ZONE_ID, ID, never));
    expect(error.class).toBe("Unauthorized");
    expect(JSON.stringify([error.message, error.stack, error])).not.toContain("a-token");
  });
});

test.each(["", "  \n", "two words", "line\nbreak", "tökén"])(
  "a token that cannot be one (%j) is told as such, without a call",
  async (token) => {
    const { origin, seen } = await serve(json(200, success(null)));
    const error = await errorOf(newClient(origin, token).verifyToken(never));
    expect(error).toMatchObject({ class: "Unauthorized", ambiguous: false, status: undefined });
    expect(seen).toEqual([]);
  },
);

describe("deadline and abort", () => {
  test("a call that is not answered ends at its deadline", async () => {
    const { client } = await serve(() => {}, 100);
    const error = await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never));
    expect(error).toMatchObject({ class: "Transient", ambiguous: true });
    expect(error.message).toContain("within 100 ms");
  });

  test("so does one whose body never ends", async () => {
    const { client } = await serve((response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"success":');
    }, 100);
    expect(await errorOf(client.get(ZONE_ID, ID, never))).toMatchObject({ class: "Transient" });
  });

  test("an abort ends a call at once with the signal's reason, and leaves no listener behind", async () => {
    const stop = new AbortController();
    const reason = new Error("shutting down");
    const { client, seen } = await serve((response) => {
      if (seen.length > 1) stop.abort(reason);
      else json(200, success(certificatePending))(response);
    });
    await client.get(ZONE_ID, ID, stop.signal);
    const removed = vi.spyOn(stop.signal, "removeEventListener");
    const started = performance.now();
    await expect(client.get(ZONE_ID, ID, stop.signal)).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(removed).toHaveBeenCalled();
    await expect(client.get(ZONE_ID, ID, stop.signal)).rejects.toBe(reason);
    expect(seen).toHaveLength(2);
  });

  test("Retry-After is handed on, and not slept through", async () => {
    const { client, limits, seen } = await serve(
      json(429, failure(10429), { "retry-after": "240", ratelimit: '"default";r=0;t=240' }),
    );
    const error = await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never));
    expect(error).toMatchObject({
      class: "RateLimited",
      reason: "RateLimited",
      retryAfterMs: 240_000,
      ambiguous: false,
      code: 10429,
    });
    expect(limits).toEqual([{ remaining: 0, resetMs: 240_000, pauseMs: 240_000 }]);
    expect(seen).toHaveLength(1);
  });
});

describe("look-up by name", () => {
  const row = (hostname: string, n = 1) => ({ ...certificatePending, hostname, id: `614b3124-cd57-42f0-8307-00000000000${n}` });

  test("takes only rows of exactly that name", async () => {
    const { client, seen } = await serve(json(200, success([row(HOSTNAME.toUpperCase()), row(`x.${HOSTNAME}`)])));
    expect((await client.findByHostname(ZONE_ID, HOSTNAME, never)).map((one) => one.hostname)).toEqual([HOSTNAME]);
    expect(seen[0]?.url).toContain(`hostname.exact=${HOSTNAME}`);
  });

  test("hands over every row of that name", async () => {
    const { client } = await serve(json(200, success([row(HOSTNAME, 1), row(HOSTNAME, 2)])));
    expect(await client.findByHostname(ZONE_ID, HOSTNAME, never)).toHaveLength(2);
  });

  test("concludes nothing from a server that ignored the filter, and tries the other form next", async () => {
    const { client, seen } = await serve((response, request) => {
      const classic = new URL(request.url ?? "", "http://x").searchParams.get("hostname");
      const everything = success([row("a.dev")], { result_info: { total_pages: 9, total_count: 450 } });
      json(200, classic === HOSTNAME ? success([]) : everything)(response);
    });
    expect(await errorOf(client.findByHostname(ZONE_ID, HOSTNAME, never))).toMatchObject({
      class: "Transient",
      ambiguous: false,
    });
    expect(await client.findByHostname(ZONE_ID, HOSTNAME, never)).toEqual([]);
    expect(seen).toHaveLength(2);
  });
});

describe("against the simulated API", () => {
  test("create, look up, read, edit, list, delete", async () => {
    const { simulator, pass } = await startFixture();
    const client = newClient(simulator.apiURL, TOKEN);
    expect(await client.findByHostname(ZONE_ID, HOSTNAME, never)).toEqual([]);
    const { hostname: created, warnings } = await client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never);
    expect([created.hostname, warnings]).toEqual([HOSTNAME, []]);
    await pass(10_000);
    expect((await client.findByHostname(ZONE_ID, HOSTNAME, never)).map((row) => row.id)).toEqual([created.id]);
    const read = await client.get(ZONE_ID, created.id, never);
    expect(read?.ssl?.validationRecords.map((record) => record.kind)).toEqual(["txt"]);
    const edited = await client.edit(ZONE_ID, created.id, { ssl: { ...ssl, settings: { minTLSVersion: "1.3" } } }, never);
    expect(edited.ssl?.settings.minTLSVersion).toBe("1.3");
    const page = await client.listPage(ZONE_ID, { page: 1, perPage: 50, hostnameStatus: "pending" }, never);
    expect([page.totalPages, page.totalCount, page.rows.map((row) => row.id)]).toEqual([1, 1, [created.id]]);
    await client.delete(ZONE_ID, created.id, never);
    await client.delete(ZONE_ID, created.id, never);
    expect(await client.findByHostname(ZONE_ID, HOSTNAME, never)).toEqual([]);
  });

  test("a duplicate is refused once, without a second POST", async () => {
    const { simulator, create } = await startFixture();
    await create();
    simulator.resetCounters();
    const client = newClient(simulator.apiURL, TOKEN);
    expect(await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never))).toMatchObject({
      class: "Duplicate",
      code: 1406,
    });
    expect(Object.values(simulator.counters())).toEqual([1]);
  });

  test("the soft quota warns, the hard one refuses, and a zone without SaaS says so", async () => {
    const { simulator } = await startFixture({ quota: { allocated: 0, hardCap: 1 } });
    const client = newClient(simulator.apiURL, TOKEN);
    const { warnings } = await client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never);
    expect(warnings).toHaveLength(1);
    expect(await client.quota(ZONE_ID, never)).toEqual({ allocated: 0, used: 1, hardCap: 1 });
    const refused = await errorOf(client.create(ZONE_ID, { hostname: "b.customer.dev", ssl }, never));
    expect(refused).toMatchObject({ class: "QuotaExceeded", reason: "QuotaExceeded" });
    simulator.setQuota(undefined);
    expect((await errorOf(client.listPage(ZONE_ID, { page: 1, perPage: 50 }, never))).class).toBe("SaaSNotEnabled");
  });

  test("the zone's fallback origin and delegation id", async () => {
    const { simulator } = await startFixture();
    const client = newClient(simulator.apiURL, TOKEN);
    expect(await client.fallbackOrigin(ZONE_ID, never)).toEqual({ origin: "origin.platform.dev", status: "active", errors: [] });
    expect(await client.dcvDelegationUuid(ZONE_ID, never)).toMatch(/^[0-9a-f-]+$/);
    simulator.setFallbackOrigin(undefined);
    expect(await client.fallbackOrigin(ZONE_ID, never)).toBeUndefined();
  });

  test("tokens: unknown, without permission, of another zone", async () => {
    const tokens = [{ value: TOKEN }, { value: "blind", access: "none" as const }, { value: "elsewhere", zones: [] }];
    const { simulator } = await startFixture({}, { tokens });
    for (const [token, code] of [
      ["unknown", 1000],
      ["blind", 10000],
      ["elsewhere", 9109],
    ] as const) {
      const error = await errorOf(newClient(simulator.apiURL, token).listPage(ZONE_ID, { page: 1, perPage: 50 }, never));
      expect(error).toMatchObject({ class: "Unauthorized", code });
    }
    expect(await newClient(simulator.apiURL, `  ${TOKEN}\n`).verifyToken(never)).toEqual({
      status: "active",
      expiresAt: undefined,
    });
  });

  test("an answer that got lost leaves the row behind, and the look-up finds it", async () => {
    const { simulator } = await startFixture();
    const client = newClient(simulator.apiURL, TOKEN);
    simulator.addFault({ method: "POST", path: "/client/v4/zones/:zone/custom_hostnames", times: 1, dropAfter: true });
    const error = await errorOf(client.create(ZONE_ID, { hostname: HOSTNAME, ssl }, never));
    expect(error).toMatchObject({ class: "Transient", ambiguous: true });
    expect(await client.findByHostname(ZONE_ID, HOSTNAME, never)).toHaveLength(1);
  });
});
