import { describe, expect, test } from "vitest";
import { TOKEN, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { errorOf, never, ssl } from "./client.testing.ts";
import { checkCredential } from "./credential.ts";
import { OTHER_ZONE, POST, setUp, until } from "./sessions.testing.ts";

describe("failures of a zone or credential", () => {
  test("SaaS not enabled is asked once, not per domain, and noticed when it is enabled; other zones go on", async () => {
    const zones = [ZONE_ID, OTHER_ZONE].map((id, n) => ({
      id,
      name: `platform${n}.dev`,
      targets: [],
      ...(n === 0 ? {} : { quota: { allocated: 100, hardCap: 100 } }),
    }));
    const { api, sessions, settings, simulator, total, clock } = await setUp({}, { zones });
    const errors = await Promise.all(
      [1, 2, 3].map((n) => errorOf(api(`d${n}.customer.dev`).findByHostname(ZONE_ID, `d${n}.customer.dev`, never))),
    );
    expect(new Set(errors.map((error) => error.class))).toEqual(new Set(["SaaSNotEnabled"]));
    const before = total();
    const held = await errorOf(api("d4.customer.dev").findByHostname(ZONE_ID, "d4.customer.dev", never));
    expect(held).toMatchObject({ class: "SaaSNotEnabled", reason: "SaaSNotEnabled", ambiguous: false });
    expect(held.retryAfterMs).toBeGreaterThan(290_000);
    expect(total()).toBe(before);
    const other = sessions.open("other", settings({ zoneID: OTHER_ZONE }), TOKEN);
    const theirs = other.api({ subject: "x", why: "y", hostnames: [], priority: "normal" });
    expect(await theirs.findByHostname(OTHER_ZONE, "d1.customer.dev", never)).toEqual([]);
    simulator.setQuota({ allocated: 100, hardCap: 100 }, ZONE_ID);
    await api("class").quota(ZONE_ID, never);
    expect(await api("d4.customer.dev").findByHostname(ZONE_ID, "d4.customer.dev", never)).toEqual([]);
    expect(clock.monotonic()).toBeGreaterThan(0);
  });

  test("a full zone refuses creates only, until a hostname is deleted", async () => {
    const { api, simulator } = await setUp({ quota: { allocated: 1, hardCap: 1 } });
    const first = api("a.customer.dev");
    const { hostname } = await first.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never);
    expect((await errorOf(api("b.customer.dev").create(ZONE_ID, { hostname: "b.customer.dev", ssl }, never))).class).toBe(
      "QuotaExceeded",
    );
    const posts = simulator.counters()[POST];
    expect((await errorOf(api("c.customer.dev").create(ZONE_ID, { hostname: "c.customer.dev", ssl }, never))).class).toBe(
      "QuotaExceeded",
    );
    expect(simulator.counters()[POST]).toBe(posts);
    expect(await first.get(ZONE_ID, hostname.id, never)).toBeDefined();
    await first.delete(ZONE_ID, hostname.id, never);
    expect((await api("b.customer.dev").create(ZONE_ID, { hostname: "b.customer.dev", ssl }, never)).warnings).toEqual([]);
  });

  test("a refused token is asked about once; a new one works at once, with white space around it", async () => {
    const { api, sessions, settings, simulator, total } = await setUp();
    simulator.revokeToken(TOKEN);
    simulator.addToken({ value: "second" });
    expect(await errorOf(api("a.customer.dev").findByHostname(ZONE_ID, "a.customer.dev", never))).toMatchObject({
      class: "Unauthorized",
      reason: "Unauthorized",
    });
    const before = total();
    expect((await errorOf(api("b.customer.dev").findByHostname(ZONE_ID, "b.customer.dev", never))).class).toBe("Unauthorized");
    expect(total()).toBe(before);
    sessions.open("default", settings(), " second\r\n");
    expect(await api("b.customer.dev").findByHostname(ZONE_ID, "b.customer.dev", never)).toEqual([]);
  });

  test("after a 429 nothing is sent for Retry-After by anybody who shares the token", async () => {
    const { api, sessions, settings, simulator, clock, failures, total } = await setUp();
    simulator.addFault({
      path: "/client/v4/zones/:zone/custom_hostnames",
      times: 1,
      status: 429,
      headers: { "retry-after": "240" },
      body: {
        success: false,
        errors: [{ code: 10429, message: "Rate limited. Please wait and consider throttling your request speed" }],
      },
    });
    const other = sessions.open("other", settings({ zoneID: OTHER_ZONE }), TOKEN);
    other.snapshot.watch("x.customer.dev");
    await until(() => failures.length > 0);
    expect(failures[0]?.[0]).toEqual(["other"]);
    const before = total();
    for (let second = 0; second < 235; second += 5) {
      const error = await errorOf(api("a.customer.dev").findByHostname(ZONE_ID, "a.customer.dev", never));
      expect(error).toMatchObject({ class: "RateLimited", status: undefined });
      clock.advance(5_000);
    }
    expect(total()).toBe(before);
    other.snapshot.unwatch("x.customer.dev");
    clock.advance(6_000);
    expect(await api("a.customer.dev").findByHostname(ZONE_ID, "a.customer.dev", never)).toEqual([]);
  });
});

describe("credential", () => {
  test.each([
    ["a user's token", { value: "t" }, { kind: "Valid", quota: { allocated: 100 } }],
    ["an account's token, which may not verify itself", { value: "t", accountOwned: true }, { kind: "Valid" }],
    ["a token without permission", { value: "t", access: "none" as const }, { kind: "Invalid" }],
    ["a token for another zone", { value: "t", zones: [OTHER_ZONE] }, { kind: "Invalid" }],
    ["an unknown token", { value: "u" }, { kind: "Invalid" }],
  ])("%s", async (_name, token, verdict) => {
    const { sessions, settings } = await setUp({}, { tokens: [token] });
    const api = sessions
      .open("default", settings(), "t")
      .api({ subject: "class", why: "check", hostnames: [], priority: "normal" });
    expect(await checkCredential(api, ZONE_ID, never)).toMatchObject(verdict);
  });

  test("an outage says nothing about the token", async () => {
    const { api, simulator } = await setUp();
    simulator.addFault({ path: "/client/v4/*", html: "<html>bad gateway</html>" });
    expect((await errorOf(checkCredential(api("class"), ZONE_ID, never))).class).toBe("Transient");
  });
});
