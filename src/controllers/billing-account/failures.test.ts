import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ADDON, PLAN } from "../../../test/simulators/chargebee/fixture.ts";
import type { Fault } from "../../../test/simulators/fault.ts";
import { BillingBench } from "./billing-bench.fixture.ts";

const ACCOUNT = "a/default";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const POST = { method: "POST", path: "/api/v2/subscriptions/:id/update_for_items" } as const;
const GET = { method: "GET", path: "/api/v2/subscriptions/:id" } as const;

let bench: BillingBench;
beforeEach(async () => {
  bench = await BillingBench.start({ timeoutMs: 300 });
});
afterEach(() => bench.close());

async function settled(count: number): Promise<void> {
  bench.addClaims("a", count);
  bench.putAccount(ACCOUNT);
  await bench.run(2 * MINUTE);
  bench.chargebee.resetCounters();
}

function refusal(code: string, type = "invalid_request") {
  return { message: "x", type, api_error_code: code };
}

describe("an answer that never came", () => {
  const lost: readonly [string, Fault][] = [
    ["the socket closes after it was applied", { ...POST, times: 1, dropAfter: true }],
    ["half the answer", { ...POST, times: 1, truncate: true }],
    ["an HTML 502 after it was applied", { ...POST, times: 1, apply: true, html: "<html>", status: 502 }],
    ["a 500 after it was applied", { ...POST, times: 1, apply: true, status: 500, body: refusal("internal_error") }],
  ];
  test.each(lost)("%s: the next read settles it without another POST", async (_, fault) => {
    await settled(3);
    bench.chargebee.addFault(fault);
    bench.putClaim("new.test");
    await bench.run(MINUTE);
    expect(bench.chargebee.posts()).toBe(1);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.status(ACCOUNT)).toMatchObject({ desiredQuantity: 3, lines: [{ quantity: 3 }] });
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "True" });
    expect(bench.events.filter(({ reason }) => reason === "DriftCorrected")).toEqual([]);
  });

  const unsent: readonly [string, Fault][] = [
    ["the socket closes before", { ...POST, times: 2, dropBefore: true }],
    ["503", { ...POST, times: 2, status: 503, body: refusal("internal_temporary_error", "operation_failed") }],
    ["HTML", { ...POST, times: 2, html: "<html>" }],
  ];
  test.each(unsent)("not applied (%s): the same again until there is an answer", async (_, fault) => {
    await settled(3);
    bench.chargebee.addFault(fault);
    bench.putClaim("new.test");
    await bench.run(2 * MINUTE);
    expect(bench.chargebee.posts()).toBe(3);
    expect(bench.chargebee.counters()).toMatchObject({ writes: 1, charges: 1, keyConflicts: 0 });
    expect(bench.status(ACCOUNT).errorEpoch).toBeUndefined();
  });

  test("applied late, after the next read: the repeated key replays it, and there is one charge", async () => {
    await settled(3);
    bench.chargebee.addFault({ ...POST, times: 1, delayBeforeMs: 2_500 });
    bench.putClaim("new.test");
    await bench.run(MINUTE);
    await expect.poll(() => bench.chargebee.counter("writes")).toBeGreaterThanOrEqual(1);
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.chargebee.counters()).toMatchObject({ charges: 1, keyConflicts: 0 });
  });

  test("another quantity is wanted by now: the old one is settled first, by its own key", async () => {
    await settled(3);
    bench.chargebee.addFault({ ...POST, times: 1, dropBefore: true });
    bench.putClaim("new1.test");
    await bench.run(6 * SECOND);
    expect(bench.chargebee.posts()).toBe(1);
    bench.putClaim("new2.test");
    await bench.run(MINUTE);
    expect(bench.chargebee.posts()).toBe(3);
    expect(bench.chargebee.counters()).toMatchObject({ writes: 2, keyConflicts: 0 });
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(4);
    expect(bench.events.filter(({ reason }) => reason === "DriftCorrected")).toEqual([]);
  });

  test("killed after the POST, before the status: the next process sees that it is equal", async () => {
    await settled(3);
    bench.putClaim("new.test");
    bench.beforeWrite = () => {
      throw new Error("killed");
    };
    await expect(bench.run(MINUTE)).rejects.toThrow("killed");
    expect(bench.status(ACCOUNT).lines).toMatchObject([{ quantity: 2 }]);
    bench.restart();
    await bench.run(3 * MINUTE);
    expect(bench.chargebee.posts()).toBe(1);
    expect(bench.status(ACCOUNT)).toMatchObject({ domains: 4, lines: [{ quantity: 3 }] });
  });

  test("killed with the POST unanswered: the next process sends the same key, and it is replayed", async () => {
    await settled(3);
    bench.chargebee.addFault({ ...POST, times: 1, delayBeforeMs: 4_000 });
    bench.putClaim("new.test");
    await bench.run(6 * SECOND);
    bench.restart();
    await bench.run(2 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.chargebee.counters()).toMatchObject({ charges: 1, keyConflicts: 0 });
  });
});

describe("limits", () => {
  test("lock_timeout holds up its subscription only", async () => {
    bench.chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }] });
    await settled(3);
    bench.chargebee.addFault({ ...POST, times: 2, status: 429, body: refusal("lock_timeout", "operation_failed") });
    bench.putClaim("new.test");
    await bench.run(6 * SECOND);
    bench.addClaims("b", 3, "b");
    bench.putAccount("b/default", { subscriptionID: "sub_B" });
    await bench.run(20 * SECOND);
    expect([bench.chargebee.quantity("sub_A", ADDON), bench.chargebee.quantity("sub_B", ADDON)]).toEqual([3, 2]);
    expect(bench.chargebee.counter("charges")).toBe(2);
  });

  const limited: readonly [string, Omit<Fault, "path">][] = [
    ["with Retry-After 2", { status: 429, body: refusal("api_request_limit_exceeded"), headers: { "retry-after": "2" } }],
    ["without Retry-After", { status: 429, body: refusal("api_request_limit_exceeded") }],
    ["as HTML", { status: 429, html: "<html>" }],
  ];
  test.each(limited)("429 %s: nobody calls the site for a minute", async (_, fault) => {
    bench.chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }] });
    await settled(3);
    bench.chargebee.addFault({ ...GET, times: 1, ...fault });
    bench.putClaim("new.test");
    bench.addClaims("b", 3, "b");
    bench.putAccount("b/default", { subscriptionID: "sub_B" });
    await bench.run(55 * SECOND);
    const calls = Object.values(bench.chargebee.routes()).reduce((sum, count) => sum + count, 0);
    expect(calls).toBe(1);
    await bench.run(2 * MINUTE);
    expect([bench.chargebee.quantity("sub_A", ADDON), bench.chargebee.quantity("sub_B", ADDON)]).toEqual([3, 2]);
  });
});

describe("a refused key", () => {
  test("one probe a minute for all accounts; told where a change waits; the new Secret ends it at once", async () => {
    bench.chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }, { itemPriceID: ADDON, quantity: 2 }] });
    bench.addClaims("b", 3, "b");
    bench.putAccount("b/default", { subscriptionID: "sub_B" });
    await settled(3);
    bench.chargebee.rotateKey("new_key");
    bench.putClaim("new.test");
    await bench.run(10 * MINUTE);
    expect(bench.chargebee.counter("unauthenticated")).toBeLessThanOrEqual(11);
    expect(bench.condition(ACCOUNT, "Synced")).toMatchObject({ status: "False", reason: "Unauthorized" });
    expect(bench.condition("b/default", "Ready")).toMatchObject({ status: "True" });
    bench.setKey("new_key");
    await bench.run(5 * SECOND);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "True" });
  });

  test("a missing Secret is told where something waits for it", async () => {
    await settled(3);
    bench.setKey(undefined);
    await bench.run(MINUTE);
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "True" });
    bench.putClaim("new.test");
    await bench.run(MINUTE);
    expect(bench.condition(ACCOUNT, "Synced")).toMatchObject({ reason: "SecretNotFound" });
    bench.setKey("test_key");
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
  });
});

test("an outage is not told to accounts that want nothing; where a change waits it is told once, and made afterwards", async () => {
  await settled(3);
  bench.chargebee.addFault({ ...GET, html: "<html>" });
  const { writes } = bench;
  await bench.run(2 * HOUR);
  expect(bench.writes).toBe(writes);
  bench.putClaim("new.test");
  await bench.run(2 * HOUR);
  expect(bench.writes).toBe(writes + 1);
  expect(bench.condition(ACCOUNT, "Synced")).toMatchObject({ status: "False", reason: "BillingUnavailable" });
  bench.chargebee.clearFaults();
  await bench.run(10 * MINUTE);
  expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
});
