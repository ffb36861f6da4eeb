import { describe, expect, onTestFinished, test, vi } from "vitest";
import { HOSTNAME, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { errorOf, failure, ID, json, never, newClient, raw, serve, ssl, success, unusedPort } from "./client.testing.ts";
import { certificatePending, justCreated } from "./recorded-rows.testing.ts";

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
