import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ADDON, PLAN } from "../../../test/simulators/chargebee/fixture.ts";
import { BillingBench } from "./billing-bench.fixture.ts";

const ACCOUNT = "a/default";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

let bench: BillingBench;
beforeEach(async () => {
  bench = await BillingBench.start();
  bench.chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }, { itemPriceID: "sla-USD-Monthly" }] });
});
afterEach(() => bench.close());

async function settled(count: number): Promise<void> {
  bench.addClaims("a", count);
  bench.putAccount(ACCOUNT);
  await bench.run(2 * MINUTE);
  bench.chargebee.resetCounters();
  bench.events.length = 0;
}

describe("what others write", () => {
  test("is set right once in ten minutes, with an event", async () => {
    await settled(4);
    bench.chargebee.foreignWrite("sub_A", ADDON, 7);
    bench.annotate(ACCOUNT, { "customdomains.dev/recheck": "ev_1" });
    await bench.run(2 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.events.map(({ reason }) => reason)).toContain("DriftCorrected");
    bench.chargebee.foreignWrite("sub_A", ADDON, 1);
    bench.annotate(ACCOUNT, { "customdomains.dev/recheck": "ev_2" });
    await bench.run(7 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(1);
    await bench.run(4 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
  });

  test("is found by the resync without a webhook", async () => {
    await settled(4);
    bench.chargebee.foreignWrite("sub_A", ADDON, 1);
    await bench.run(37 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
  });

  test("the same webhook twice is one read, and our own echo causes no POST", async () => {
    await settled(4);
    for (let round = 0; round < 2; round += 1) {
      bench.annotate(ACCOUNT, { "customdomains.dev/recheck": "ev_1" });
      await bench.run(MINUTE);
    }
    expect(bench.chargebee.routes()).toEqual({ "GET /api/v2/subscriptions/:id": 1 });
  });
});

test("after a restart nothing is read for a minute; then a hundred accounts cost one list", async () => {
  for (let index = 0; index < 100; index += 1) {
    bench.chargebee.addSubscription({ id: `sub_${index}`, items: [{ itemPriceID: PLAN }, { itemPriceID: ADDON, quantity: 1 }] });
    bench.addClaims(`n${index}`, 2, `n${index}-`);
    bench.putAccount(`n${index}/default`, { subscriptionID: `sub_${index}` });
  }
  await bench.run(MINUTE);
  bench.restart();
  bench.chargebee.resetCounters();
  await bench.run(55 * SECOND);
  expect(bench.chargebee.routes()).toEqual({});
  bench.chargebee.foreignWrite("sub_77", ADDON, 5);
  await bench.run(10 * SECOND);
  expect(bench.chargebee.routes()).toEqual({ "GET /api/v2/subscriptions": 1 });
  await bench.run(2 * MINUTE);
  expect(bench.chargebee.quantity("sub_77", ADDON)).toBe(1);
  expect(bench.chargebee.posts()).toBe(1);
});

describe("suspend", () => {
  test("reads go on, nothing is written, Ready keeps its value; afterwards it catches up", async () => {
    await settled(4);
    bench.putAccount(ACCOUNT, { suspend: true });
    bench.putClaim("new.test");
    await bench.run(HOUR);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.condition(ACCOUNT, "Paused")).toMatchObject({ status: "True", reason: "Suspended" });
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "True" });
    expect(bench.condition(ACCOUNT, "Synced")).toMatchObject({ status: "False" });
    bench.putAccount(ACCOUNT, { suspend: false });
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(4);
    expect(bench.condition(ACCOUNT, "Paused")).toBeUndefined();
  });

  test("an old line is not released either", async () => {
    await settled(4);
    bench.putAccount(ACCOUNT, { suspend: true, subscriptionID: "sub_B" });
    await bench.run(HOUR);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
  });
});

test("a class that is not there is told, and its arrival is enough", async () => {
  bench.addClaims("a", 3, "g", "gold");
  bench.putAccount("a/gold", { subscriptionID: "sub_B" });
  await bench.run(MINUTE);
  expect(bench.condition("a/gold", "Stalled")).toMatchObject({ reason: "ClassNotFound" });
  bench.putClass("gold");
  await bench.run(MINUTE);
  expect(bench.chargebee.quantity("sub_B", ADDON)).toBe(2);
});
