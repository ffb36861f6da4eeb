import { Agent } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Fixture, startFixture, TOKEN, ZONE_ID } from "../../test/simulators/cloudflare/fixture.ts";
import { cloudflareSchema } from "../api/v1/cloudflare-settings.ts";
import { Timers } from "../runtime/timers.ts";
import type { CloudflareApi } from "./api.ts";
import { checkCredential } from "./credential.ts";
import { CloudflareError } from "./errors.ts";
import type { CallContext } from "./guarded-api.ts";
import type { MutationRecord } from "./mutation-log.ts";
import { CloudflareSessions, type ZoneSession, type ZoneSettings } from "./sessions.ts";

const never = new AbortController().signal;
const OTHER_ZONE = "f23e105f4ecef8ad9ca31a8372d0c353";
const LIST = "GET /client/v4/zones/:zone/custom_hostnames";
const POST = "POST /client/v4/zones/:zone/custom_hostnames";
const ssl = { method: "txt", type: "dv" } as const;

interface Setup extends Fixture {
  readonly sessions: CloudflareSessions;
  readonly session: ZoneSession;
  readonly records: MutationRecord[];
  readonly changes: string[];
  readonly failures: [readonly string[], unknown][];
  readonly leader: { leading: boolean };
  settings(more?: Record<string, unknown>): ZoneSettings;
  /** The API as one reconcile of one domain gets it. */
  api(hostname: string, more?: Partial<CallContext>): CloudflareApi;
  total(): number;
}

async function setUp(...fixture: Parameters<typeof startFixture>): Promise<Setup> {
  const started = await startFixture(...fixture);
  const { simulator, clock } = started;
  const dispatcher = new Agent({ allowH2: false, connections: 8, pipelining: 1 });
  const records: MutationRecord[] = [];
  const changes: string[] = [];
  const failures: [readonly string[], unknown][] = [];
  const leader = { leading: true };
  const sessions = new CloudflareSessions({
    clock,
    timers: new Timers(clock),
    dispatcher,
    log: { record: (entry) => records.push(entry) },
    assertMayWrite: () => {
      if (!leader.leading) throw new Error("not the leader");
    },
    onChange: (hostname) => changes.push(hostname),
    onSnapshotFailure: (classNames, error) => failures.push([classNames, error]),
  });
  onTestFinished(async () => {
    await sessions.closeAll();
    await dispatcher.destroy();
  });
  const settings = (more: Record<string, unknown> = {}) =>
    cloudflareSchema.parse({
      zoneID: ZONE_ID,
      apiTokenSecretRef: { name: "cloudflare", key: "token" },
      apiURL: simulator.apiURL,
      ...more,
    });
  const session = sessions.open("default", settings(), TOKEN);
  const api = (hostname: string, more: Partial<CallContext> = {}) =>
    session.api({ subject: `CustomDomain/shop/${hostname}`, why: "test", hostnames: [hostname], priority: "normal", ...more });
  const total = () => Object.values(simulator.counters()).reduce((sum, count) => sum + count, 0);
  return { ...started, sessions, session, records, changes, failures, leader, settings, api, total };
}

async function errorOf(call: Promise<unknown>): Promise<CloudflareError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CloudflareError)) throw new Error("no CloudflareError", { cause: error });
  return error;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not so within 5 s: ${String(condition)}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
  }
}

describe("writes", () => {
  test("are recorded with who, what, why, before and after, and without tokens", async () => {
    const { api, records, pass } = await setUp();
    const mine = api("a.customer.dev", { why: "spec changed" });
    const { hostname } = await mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never);
    await pass(5_000);
    const row = await mine.get(ZONE_ID, hostname.id, never);
    await mine.edit(ZONE_ID, hostname.id, { ssl: { ...ssl, settings: { minTLSVersion: "1.3" } } }, never);
    await mine.delete(ZONE_ID, hostname.id, never);
    const subject = "CustomDomain/shop/a.customer.dev";
    expect(records.map(({ action, outcome, subject, why }) => [action, outcome, subject, why])).toEqual([
      ["create", "done", subject, "spec changed"],
      ["edit", "done", subject, "spec changed"],
      ["delete", "done", subject, "spec changed"],
    ]);
    expect(records[1]).toMatchObject({
      before: { settings: { minTLSVersion: undefined } },
      after: { settings: { minTLSVersion: "1.3" }, hostname: "a.customer.dev" },
    });
    const record = row?.ssl?.validationRecords[0];
    const secrets = [TOKEN, row?.ownershipVerification?.value, record?.kind === "txt" ? record.value : undefined];
    for (const secret of secrets) {
      expect(secret).toBeTruthy();
      expect(JSON.stringify(records)).not.toContain(secret);
    }
  });

  test("are not sent, nor recorded, by who does not lead", async () => {
    const { api, leader, records, simulator } = await setUp();
    const mine = api("a.customer.dev");
    const { hostname } = await mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never);
    leader.leading = false;
    simulator.resetCounters();
    await expect(mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never)).rejects.toThrow("not the leader");
    await expect(mine.edit(ZONE_ID, hostname.id, { ssl }, never)).rejects.toThrow("not the leader");
    await expect(mine.delete(ZONE_ID, hostname.id, never)).rejects.toThrow("not the leader");
    expect([simulator.counters(), records.length]).toEqual([{}, 1]);
  });

  test("touch only rows that were read in this pass and carry a hostname of the domain", async () => {
    const { api, simulator, total } = await setUp();
    const id = simulator.addForeignRow({ hostname: "b.customer.dev" });
    const mine = api("a.customer.dev");
    expect(await errorOf(mine.delete(ZONE_ID, id, never))).toMatchObject({ class: "OperatorBug", ambiguous: false });
    await mine.get(ZONE_ID, id, never);
    expect((await errorOf(mine.delete(ZONE_ID, id, never))).message).toContain("b.customer.dev is not a hostname of");
    expect((await errorOf(mine.edit(ZONE_ID, id, { ssl }, never))).class).toBe("OperatorBug");
    expect((await errorOf(mine.create(ZONE_ID, { hostname: "b.customer.dev", ssl }, never))).class).toBe("OperatorBug");
    expect([total(), simulator.rows().length]).toEqual([1, 1]);
  });

  test("whose answer is lost are recorded as unknown, refused ones as refused", async () => {
    const { api, simulator, records } = await setUp();
    simulator.addFault({ method: "POST", path: "/client/v4/zones/:zone/custom_hostnames", times: 1, dropAfter: true });
    const mine = api("a.customer.dev");
    expect((await errorOf(mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never))).ambiguous).toBe(true);
    expect((await errorOf(mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never))).class).toBe("Duplicate");
    expect(records.map(({ outcome }) => outcome)).toEqual(["unknown", "refused"]);
  });

  test("show at once in the snapshot", async () => {
    const { api, session } = await setUp();
    const mine = api("a.customer.dev");
    const { hostname } = await mine.create(ZONE_ID, { hostname: "a.customer.dev", ssl }, never);
    expect(session.snapshot.byHostname("a.customer.dev").map(({ id }) => id)).toEqual([hostname.id]);
    await mine.delete(ZONE_ID, hostname.id, never);
    expect(session.snapshot.byHostname("a.customer.dev")).toEqual([]);
  });
});

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

describe("budgets", () => {
  test("looking at a zone sends nothing but lists", async () => {
    const { simulator, session, changes, pass, total } = await setUp();
    for (let n = 0; n < 40; n += 1) {
      const hostname = `d${n}.customer.dev`;
      simulator.addForeignRow(n < 30 ? { hostname } : { hostname, method: "txt" });
      session.snapshot.watch(hostname);
    }
    for (let step = 1; step <= 20; step += 1) {
      await until(() => session.snapshot.state().generation >= step);
      await pass(15_000);
    }
    expect([session.snapshot.state().rows, new Set(changes).size]).toEqual([40, 40]);
    expect(Object.keys(simulator.counters())).toEqual([LIST]);
    expect(total()).toBeLessThan(25);
  });

  test("a hundred creates never meet Cloudflare's limit of 15 per minute", async () => {
    const { api, clock, simulator, session } = await setUp();
    let done = 0;
    const work = async (n: number): Promise<void> => {
      const hostname = `d${n}.customer.dev`;
      const timers = new Timers(clock);
      for (;;) {
        try {
          await api(hostname).create(ZONE_ID, { hostname, ssl }, never);
          done += 1;
          return;
        } catch (error) {
          if (!(error instanceof CloudflareError) || error.class !== "RateLimited" || error.status !== undefined) throw error;
          expect(error.reason).toBe("AwaitingCapacity");
          await timers.sleep(error.retryAfterMs ?? 0, never);
        }
      }
    };
    const all = Promise.all(Array.from({ length: 100 }, (_, n) => work(n)));
    while (done < 100) {
      await new Promise<void>((resolve) => setTimeout(resolve, 10));
      clock.advance(2_000);
    }
    await all;
    expect([simulator.counters()[POST], simulator.rows().length]).toEqual([100, 100]);
    expect(session.snapshot.state().rows).toBe(100);
  }, 30_000);

  test("classes that share a credential share its budget, and the smallest limits count", async () => {
    const { sessions, session, settings } = await setUp();
    const sparing = sessions.open("sparing", settings({ requestsPer5Minutes: 100, createsPerMinute: 1 }), TOKEN);
    expect(sparing.budget).toBe(session.budget);
    expect(sparing.snapshot).toBe(session.snapshot);
    const create = (key: string) => session.budget.acquire({ kind: "create", priority: "user", key }, never);
    const first = await create("a");
    if (first.granted) first.settle("sent");
    expect((await create("b")).granted).toBe(false);
    sessions.close("sparing");
    const third = sessions.open("default", settings(), TOKEN);
    expect(third.snapshot).toBe(session.snapshot);
    expect((await create("b")).granted).toBe(true);
    const elsewhere = sessions.open("elsewhere", settings({ apiTokenSecretRef: { name: "second", key: "token" } }), TOKEN);
    expect(elsewhere.budget).not.toBe(session.budget);
  });

  test("a class that is closed stops its snapshot, and is forgotten", async () => {
    const { sessions, session, total, clock } = await setUp();
    session.snapshot.watch("a.customer.dev");
    await session.snapshot.refresh(never);
    sessions.close("default");
    const before = total();
    clock.advance(60_000);
    await sessions.closeAll();
    expect([total(), sessions.get("default")]).toEqual([before, undefined]);
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
