import Cloudflare from "cloudflare";
import { expect, test } from "vitest";
import { call, HOSTNAME, newClient, post, startFixture, TOKEN, ZONE_ID } from "./fixture.ts";

const zone_id = ZONE_ID;
const ssl = { method: "txt", type: "dv" } as const;

test("the official client creates, lists, reads, edits and deletes", async () => {
  const { client, simulator, pass } = await startFixture();
  const created = await client.customHostnames.create({ zone_id, hostname: HOSTNAME, ssl });
  const id = created.id ?? "";
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  await pass(3_000);
  const listed = await client.customHostnames.list({ zone_id, hostname: { exact: HOSTNAME } });
  expect(listed.result.map((row) => row.id)).toEqual([id]);
  const read = await client.customHostnames.get(id, { zone_id });
  expect(read).toMatchObject({ hostname: HOSTNAME, status: "pending", ssl: { status: "pending_validation", method: "txt" } });
  const edited = await client.customHostnames.edit(id, { zone_id, ssl: { ...ssl, settings: { min_tls_version: "1.2" } } });
  expect(edited.ssl?.settings?.min_tls_version).toBe("1.2");
  expect(await client.customHostnames.delete(id, { zone_id })).toEqual({ id });
  expect((await client.customHostnames.list({ zone_id })).result).toEqual([]);
  expect(simulator.ledger()).toMatchObject({ posts: 1, createdRows: 1, patches: 1, deletes: 1 });
});

test("the official client sees errors with their codes, and its other endpoints answer", async () => {
  const { client, create } = await startFixture();
  await create();
  const error = await client.customHostnames.create({ zone_id, hostname: HOSTNAME, ssl }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Cloudflare.ConflictError);
  expect(error).toMatchObject({ status: 409, errors: [{ code: 1406 }] });
  expect(await client.user.tokens.verify()).toMatchObject({ status: "active" });
  expect(await client.customHostnames.quota.get({ zone_id })).toEqual({
    allocated: 100,
    used: 1,
    exceeded: false,
    hard_cap: 1000,
  });
  expect(await client.customHostnames.fallbackOrigin.get({ zone_id })).toMatchObject({ status: "active" });
  expect((await client.zones.list({ name: "platform.dev" })).result).toMatchObject([{ id: ZONE_ID }]);
});

test.each([
  [{ hostname: "under_score.customer.dev" }, 400, 1407],
  [{ hostname: "customer.dev." }, 400, 1407],
  [{ hostname: "192.0.2.1" }, 400, 1407],
  [{ hostname: `${"a.".repeat(130)}dev` }, 400, 1407],
  [{ hostname: "münchen.de" }, 400, 1408],
  [{ hostname: "app.customer.test" }, 400, 1409],
  [{ hostname: "foo.localhost" }, 400, 1409],
  [{ hostname: "co.uk" }, 400, 1410],
  [{ hostname: "app.example.com" }, 400, 1411],
  [{ hostname: "*.customer.dev" }, 400, 1448],
  [{ hostname: `${"a".repeat(60)}.customer.dev` }, 400, 1469],
  [{ custom_metadata: { customer: 1 } }, 403, 1413],
  [{ custom_origin_server: "192.0.2.1" }, 400, 1415],
  [{ custom_origin_server: "not_a_name" }, 400, 1416],
  [{ custom_origin_server: "*.platform.dev" }, 400, 1419],
  [{ custom_origin_server: "missing.platform.dev" }, 400, 1421],
  [{ custom_origin_sni: "sni.platform.dev" }, 403, 1414],
  [{ ssl: { ...ssl, settings: { http2: "yes" } } }, 400, 1422],
  [{ ssl: { ...ssl, settings: { min_tls_version: "2" } } }, 400, 1425],
  [{ ssl: { ...ssl, method: "cname" } }, 400, 1432],
  [{ ssl: { method: "txt", type: "ev" } }, 400, 1433],
  [{ ssl: { method: "txt" } }, 400, 1440],
  [{ ssl: { ...ssl, settings: { ciphers: ["AES128-SHA"], min_tls_version: "1.3" } } }, 400, 1443],
  [{ ssl: { ...ssl, wildcard: true } }, 403, 1448],
  [{ ssl: { ...ssl, bundle_method: "best" } }, 400, 1449],
  [{ ssl: { ...ssl, certificate_authority: "google" } }, 400, 1459],
])("POST %j is refused with %d and code %d, and creates nothing", async (body, status, code) => {
  const { simulator } = await startFixture();
  const answer = await post(simulator, { hostname: HOSTNAME, ssl, ...body });
  expect([answer.status, answer.body.errors[0]?.code]).toEqual([status, code]);
  expect(answer.body).toMatchObject({ success: false, result: null });
  expect(simulator.rows()).toEqual([]);
});

test("a plan that has a feature accepts what needs it", async () => {
  const plan = { certificateAuthority: true, customMetadata: true, customOriginSNI: true };
  const { simulator, create, row } = await startFixture({ plan });
  const metadata = { customer_id: 12345, redirect: true };
  const body = { ssl: { ...ssl, certificate_authority: "lets_encrypt" }, custom_metadata: metadata };
  const id = await create({ ...body, custom_origin_server: "origin.platform.dev", custom_origin_sni: ":request_host_header:" });
  expect(await row(id)).toMatchObject({ custom_metadata: metadata, ssl: { certificate_authority: "lets_encrypt" } });
  await call(simulator, "PATCH", `/custom_hostnames/${id}`, { body: { custom_metadata: {} } });
  expect(await row(id)).not.toHaveProperty("custom_metadata");
});

test.each([
  ["a body that is not JSON", "POST", "/custom_hostnames", { body: "{" }, 400, 1400],
  ["no Authorization header", "GET", "/custom_hostnames", { authorization: undefined }, 400, 1403],
  ["a malformed Authorization header", "GET", "/custom_hostnames", { authorization: "Bearer a b" }, 400, 6003],
  ["an unknown token", "GET", "/custom_hostnames", { authorization: "Bearer other" }, 401, 1000],
  ["an id that is none", "GET", "/custom_hostnames/nonsense", {}, 400, 1435],
  ["an unknown id", "DELETE", "/custom_hostnames/0d89c70d-ad9f-4843-b99f-6cc0252067e9", {}, 404, 1436],
  ["an empty contain filter", "GET", "/custom_hostnames?hostname.contain=", {}, 400, 1437],
  ["a name filter beside an id", "GET", "/custom_hostnames?hostname=a.dev&id=1", {}, 400, 1438],
  ["a page size out of range", "GET", "/custom_hostnames?per_page=1001", {}, 400, 1400],
  ["a zone id that is none", "GET", "//zones/nonsense/custom_hostnames", {}, 400, 7003],
  ["a foreign zone", "GET", "//zones/ffffffffffffffffffffffffffffffff/custom_hostnames", {}, 403, 9109],
  ["an unknown path", "GET", "/nothing", {}, 400, 7003],
])("%s is an error with its code", async (_, method, path, more, status, code) => {
  const { simulator } = await startFixture();
  const answer = await call(simulator, method, path, more);
  expect([answer.status, answer.body.errors[0]?.code]).toEqual([status, code]);
});

test("the hostname cannot be changed, and a PATCH needs method and type", async () => {
  const { simulator, create } = await startFixture();
  const path = `/custom_hostnames/${await create()}`;
  const renamed = await call(simulator, "PATCH", path, { body: { hostname: "other.customer.dev" } });
  expect(renamed.body.errors[0]?.code).toBe(1439);
  const partial = await call(simulator, "PATCH", path, { body: { ssl: { settings: {} } } });
  expect(partial.body.errors[0]?.code).toBe(1440);
});

test("permissions: read-only, none, another zone's, account-owned, revoked", async () => {
  const tokens = [
    { value: TOKEN },
    { value: "reader", access: "read" },
    { value: "nobody", access: "none" },
    { value: "elsewhere", zones: ["f".repeat(32)] },
    { value: "account", accountOwned: true },
  ] as const;
  const { simulator } = await startFixture({}, { tokens });
  const as = async (token: string, method: string, path = "/custom_hostnames") =>
    (await call(simulator, method, path, { authorization: `Bearer ${token}` })).body.errors[0]?.code;
  expect(await as("reader", "GET")).toBeUndefined();
  expect(await as("reader", "POST")).toBe(10000);
  expect(await as("nobody", "GET")).toBe(10000);
  expect(await as("elsewhere", "GET")).toBe(9109);
  expect(await as("account", "GET", "//user/tokens/verify")).toBe(1000);
  expect(await as("account", "GET", "//accounts/1/tokens/verify")).toBeUndefined();
  simulator.revokeToken(TOKEN);
  expect(await as(TOKEN, "GET")).toBe(1000);
  simulator.addToken({ value: "new" });
  await expect(newClient(simulator, "new").customHostnames.list({ zone_id })).resolves.toMatchObject({ result: [] });
});

test("filters, order and pages", async () => {
  const { simulator, create, pass } = await startFixture({}, { limits: { createsPerMinute: 100 } });
  for (let n = 0; n < 7; n += 1) await create({ hostname: `h${n}.customer.dev` });
  await create({ hostname: "plain.customer.dev", ssl: undefined });
  await pass(3_000);
  const list = async (query: string) =>
    (await call<readonly { hostname: string }[]>(simulator, "GET", `/custom_hostnames?${query}`)).body;
  const names = async (query: string) => (await list(query)).result.map((row) => row.hostname);
  expect(await names("hostname=h1.customer.dev")).toEqual(["h1.customer.dev"]);
  expect(await names("hostname.exact=H1.customer.dev")).toEqual(["h1.customer.dev"]);
  expect(await names("hostname=h1.customer.de")).toEqual([]);
  expect(await names("hostname.contain=lain")).toEqual(["plain.customer.dev"]);
  expect(await names("hostname.startsWith=h")).toHaveLength(7);
  expect(await names("ssl=0")).toEqual(["plain.customer.dev"]);
  expect(await names("hostname_status=active")).toEqual([]);
  expect(await names("ssl_status=pending_validation")).toHaveLength(7);
  expect((await names("order=ssl&direction=desc")).at(-1)).toBe("plain.customer.dev");
  const page = await list("per_page=5&page=2");
  expect(page.result_info).toEqual({ page: 2, per_page: 5, count: 3, total_count: 8, total_pages: 2 });
  expect(new Set([...(await names("per_page=5&page=1")), ...(await names("per_page=5&page=2"))]).size).toBe(8);
  expect(await names("per_page=5&page=3")).toEqual([]);
});

test("the soft quota bills, the hard cap refuses, no quota at all refuses even reading", async () => {
  const { simulator } = await startFixture({ quota: { allocated: 1, hardCap: 2 } });
  expect((await post(simulator, { hostname: "a.customer.dev", ssl })).body.messages).toEqual([]);
  expect((await post(simulator, { hostname: "b.customer.dev", ssl })).body.messages).toHaveLength(1);
  const refused = await post(simulator, { hostname: "c.customer.dev", ssl });
  expect([refused.status, refused.body.errors[0]?.code]).toEqual([403, 1405]);
  simulator.deleteUpstream("a.customer.dev");
  expect((await post(simulator, { hostname: "c.customer.dev", ssl })).status).toBe(201);
  simulator.setQuota(undefined);
  expect((await call(simulator, "GET", "/custom_hostnames")).body.errors[0]?.code).toBe(1404);
});

test("over the request budget every call of the token is refused for five minutes", async () => {
  const { simulator, clock } = await startFixture(
    {},
    { limits: { requests: 3 }, tokens: [{ value: TOKEN }, { value: "other" }] },
  );
  const get = () => call(simulator, "GET", "/custom_hostnames");
  const first = await get();
  expect(first.headers.get("ratelimit")).toBe('"default";r=2;t=300');
  expect(first.headers.get("ratelimit-policy")).toBe('"default";q=3;w=300');
  await get();
  await get();
  const refused = await get();
  expect([refused.status, refused.body.errors[0]?.code, refused.headers.get("retry-after")]).toEqual([429, 10429, "300"]);
  clock.advance(299_000);
  expect((await get()).status).toBe(429);
  expect((await call(simulator, "GET", "/custom_hostnames", { authorization: "Bearer other" })).status).toBe(200);
  clock.advance(2_000);
  expect((await get()).status).toBe(200);
});

test("sixteen creates in a minute: the last is blocked for thirty seconds, and refused ones do not count", async () => {
  const { simulator, clock } = await startFixture();
  const create = (n: number) => post(simulator, { hostname: `h${n}.customer.dev`, ssl });
  for (let n = 0; n < 15; n += 1) expect((await create(n)).status).toBe(201);
  expect((await create(1)).status).toBe(409);
  const refused = await create(15);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "30"]);
  expect(simulator.rows()).toHaveLength(15);
  clock.advance(31_000);
  expect((await create(15)).status).toBe(429);
  clock.advance(31_000);
  expect((await create(15)).status).toBe(201);
});

test("created_at and a foreign row's past follow the clock", async () => {
  const { simulator, create, row, clock } = await startFixture();
  clock.advance(365 * 86_400_000);
  const created = Date.parse((await row(await create())).created_at ?? "");
  expect(Math.abs(created - clock.now())).toBeLessThan(10_000);
  const createdAt = Date.parse("2020-02-06T18:11:23.531Z");
  const id = simulator.addForeignRow({ hostname: "foreign.customer.dev", createdAt, originServer: "theirs.platform.dev" });
  expect(await row(id)).toMatchObject({ created_at: "2020-02-06T18:11:23.531Z", custom_origin_server: "theirs.platform.dev" });
  expect(simulator.ledger()).toMatchObject({ posts: 1, createdRows: 2 });
});
