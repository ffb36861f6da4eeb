import { describe, expect, test } from "vitest";
import { HOSTNAME, startFixture, TOKEN, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { errorOf, never, newClient, ssl } from "./client.testing.ts";

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
