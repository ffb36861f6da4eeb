import { expect, test } from "vitest";
import { z } from "zod";
import { call, HOSTNAME, post, refresh, route, startFixture, ZONE_ID } from "./fixture.ts";

const ssl = { method: "txt", type: "dv" };

test("writes for one name that overlap are counted, those for two names are not", async () => {
  const { simulator } = await startFixture();
  simulator.addFault({ path: "/client/v4/*", delayBeforeMs: 40 });
  const [first, second] = await Promise.all([
    post(simulator, { hostname: HOSTNAME, ssl }),
    post(simulator, { hostname: HOSTNAME, ssl }),
  ]);
  expect([first.status, second.status].sort()).toEqual([201, 409]);
  expect(simulator.ledger()).toMatchObject({ overlappingWrites: { [HOSTNAME]: 1 }, maxRowsPerName: { [HOSTNAME]: 1 } });
  await Promise.all(["a.customer.dev", "b.customer.dev"].map((hostname) => post(simulator, { hostname, ssl })));
  expect(simulator.ledger().overlappingWrites).toEqual({ [HOSTNAME]: 1 });
});

test("a create whose answer is lost has happened", async () => {
  const { simulator } = await startFixture();
  simulator.addFault({ method: "POST", path: "/client/v4/zones/:zone/custom_hostnames", times: 1, dropAfter: true });
  await expect(post(simulator, { hostname: HOSTNAME, ssl })).rejects.toThrow();
  expect(simulator.rows()).toHaveLength(1);
  expect((await post(simulator, { hostname: HOSTNAME, ssl })).body.errors[0]?.code).toBe(1406);
});

test("calls are counted per route, and the counters can be reset", async () => {
  const { simulator, create, row } = await startFixture();
  const id = await create();
  await row(id);
  await row(id);
  const counters = await (await fetch(`${simulator.url}/admin/counters`)).json();
  expect(counters).toEqual({
    "POST /client/v4/zones/:zone/custom_hostnames": 1,
    "GET /client/v4/zones/:zone/custom_hostnames/:id": 2,
  });
  await fetch(`${simulator.url}/admin/counters`, { method: "DELETE" });
  expect(simulator.counters()).toEqual({});
});

test("every control works over HTTP", async () => {
  const fixture = await startFixture();
  const { simulator } = fixture;
  const command = async (name: string, input: unknown) => {
    const response = await fetch(`${simulator.url}/admin/${name}`, { method: "POST", body: JSON.stringify(input) });
    return {
      status: response.status,
      body: z
        .object({ result: z.unknown() })
        .partial()
        .parse(await response.json()),
    };
  };
  route(fixture);
  const { body } = await command("foreign-rows", { hostname: HOSTNAME, method: "txt" });
  await fixture.pass(3_000);
  const id = z.string().parse(body.result);
  expect(await fixture.row(id)).toMatchObject({ status: "active" });
  await command("block", { hostname: HOSTNAME });
  expect(await fixture.row(id)).toMatchObject({ status: "blocked" });
  await command("unblock", { hostname: HOSTNAME });
  await command("hold-zone", { domain: "customer.dev" });
  await refresh(fixture, id);
  expect((await fixture.row(id)).verification_errors?.[0]).toContain("held zone");
  await command("release-zone", { domain: "customer.dev" });
  await command("mark-proxied", { domain: "customer.dev" });
  await refresh(fixture, id);
  expect(await fixture.row(id)).toMatchObject({ status: "active" });
  expect(await (await fetch(`${simulator.url}/admin/rows`)).json()).toMatchObject([{ hostname: HOSTNAME }]);
  expect(await command("delete-upstream", { hostname: HOSTNAME })).toMatchObject({ body: { result: true } });
  expect(await command("delete-upstream", { hostname: HOSTNAME })).toMatchObject({ body: { result: false } });
  await command("quota", { quota: { allocated: 5, hardCap: 6 }, zoneID: ZONE_ID });
  expect((await call(simulator, "GET", "/custom_hostnames/quota")).body.result).toMatchObject({ allocated: 5, hard_cap: 6 });
  await command("fallback-origin", { status: null });
  expect((await call(simulator, "GET", "/custom_hostnames/fallback_origin")).status).toBe(404);
  expect(await command("fallback-origin", { status: "nonsense" })).toMatchObject({ status: 400 });
  await command("add-token", { value: "second" });
  await command("revoke-token", { value: "test-token" });
  expect((await call(simulator, "GET", "/custom_hostnames")).status).toBe(401);
  expect((await call(simulator, "GET", "/custom_hostnames", { authorization: "Bearer second" })).status).toBe(200);
  expect(await (await fetch(`${simulator.url}/admin/ledger`)).json()).toMatchObject({ posts: 0, patches: 2 });
});

test("an abuse block outlives PATCHes until it is lifted", async () => {
  const fixture = await startFixture();
  route(fixture);
  const id = await fixture.create();
  await fixture.pass(3_000);
  fixture.simulator.block(HOSTNAME);
  await refresh(fixture, id);
  expect((await fixture.row(id)).status).toBe("blocked");
  fixture.simulator.unblock(HOSTNAME);
  await fixture.passDays(7);
  expect((await fixture.row(id)).status).toBe("blocked");
  await refresh(fixture, id);
  expect((await fixture.row(id)).status).toBe("active");
});
