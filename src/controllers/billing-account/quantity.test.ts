import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ADDON, PLAN } from "../../../test/simulators/chargebee/fixture.ts";
import { BillingBench } from "./billing-bench.fixture.ts";

const ACCOUNT = "a/default";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let bench: BillingBench;
beforeEach(async () => {
  bench = await BillingBench.start();
});
afterEach(() => bench.close());

/** The account with `count` domains, at rest. */
async function settled(count: number): Promise<void> {
  bench.addClaims("a", count);
  bench.putAccount(ACCOUNT);
  await bench.run(2 * MINUTE);
  bench.chargebee.resetCounters();
  bench.events.length = 0;
}

describe("the quantity follows the claims", () => {
  test("equal: no POST, one GET, Synced; ten resyncs are about ten GETs and write nothing", async () => {
    bench.addClaims("a", 3);
    bench.putAccount(ACCOUNT);
    await bench.run(MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.chargebee.routes()["GET /api/v2/subscriptions/:id"]).toBe(1);
    expect(bench.status(ACCOUNT)).toMatchObject({ domains: 3, desiredQuantity: 2, lines: [{ itemPriceID: ADDON, quantity: 2 }] });
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "True", reason: "Synced" });
    const { writes } = bench;
    bench.chargebee.resetCounters();
    await bench.run(10 * 36 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    const reads = bench.chargebee.routes()["GET /api/v2/subscriptions/:id"] ?? 0;
    expect(reads).toBeGreaterThanOrEqual(10);
    expect(reads).toBeLessThanOrEqual(15);
    expect(bench.writes).toBe(writes);
  });

  test("2 → 3 is one POST of the one line, absolute, and the status tells", async () => {
    await settled(3);
    bench.putClaim("new.test");
    await bench.run(MINUTE);
    expect(bench.chargebee.posts()).toBe(1);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.chargebee.counters()).toMatchObject({
      writes: 1,
      unchangedWrites: 0,
      planLines: 0,
      unknownParameters: 0,
      badRequests: 0,
    });
    expect(bench.status(ACCOUNT)).toMatchObject({ domains: 4, desiredQuantity: 3, lines: [{ quantity: 3 }] });
    expect(bench.events.map(({ reason }) => reason)).toEqual(["QuantityChanged"]);
  });

  test("a burst is one POST, five quiet seconds after its last domain", async () => {
    await settled(3);
    for (let index = 0; index < 10; index += 1) {
      bench.putClaim(`burst${index}.test`);
      await bench.run(SECOND);
    }
    await bench.run(3 * SECOND);
    expect(bench.chargebee.posts()).toBe(0);
    await bench.run(2 * SECOND);
    expect(bench.chargebee.posts()).toBe(1);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(12);
  });

  test("domains that keep coming put a rise off for 50 seconds at most", async () => {
    await settled(3);
    for (let index = 0; index < 27; index += 1) {
      bench.putClaim(`steady${index}.test`);
      await bench.run(2 * SECOND);
    }
    expect(bench.chargebee.posts()).toBe(1);
  });

  test("a rise undone within the debounce, and a fall undone within the hold-down, cost nothing", async () => {
    await settled(3);
    bench.putClaim("brief.test");
    await bench.run(4 * SECOND);
    bench.releaseClaim("brief.test");
    await bench.run(10 * SECOND);
    bench.releaseClaim("d0.test");
    await bench.run(50 * SECOND);
    bench.putClaim("d0.test");
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.chargebee.counter("charges") + bench.chargebee.counter("credits")).toBe(0);
  });

  test("a fall is written after the hold-down", async () => {
    await settled(6);
    bench.releaseClaim("d0.test");
    bench.releaseClaim("d1.test");
    await bench.run(55 * SECOND);
    expect(bench.chargebee.posts()).toBe(0);
    await bench.run(10 * SECOND);
    expect(bench.chargebee.posts()).toBe(1);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
  });

  test("other classes, other namespaces, Releasing, and a name without a Primary row do not count; Retain does", async () => {
    bench.addClaims("a", 3);
    bench.putClaim("other-class.test", { className: "other" });
    bench.putClaim("other-namespace.test", { holder: { namespace: "b", name: "x", uid: "y" } });
    bench.putClaim("going.test", { state: "Releasing" });
    bench.putClaim("waiting.test", { state: "Pending", rows: [] });
    bench.putClaim("twin.test", { rows: [{ hostname: "www.twin.test", role: "Redirect", zoneID: "0".repeat(32), id: "1" }] });
    bench.putClaim("kept.test", { state: "Released" });
    bench.putAccount(ACCOUNT);
    await bench.run(MINUTE);
    expect(bench.status(ACCOUNT)).toMatchObject({ domains: 4, desiredQuantity: 3 });
  });

  test("a sync that covers another domain is put on record even if the number is the same", async () => {
    await settled(3);
    bench.putClaim("early.test", { state: "Pending", rows: [] });
    await bench.run(10 * MINUTE);
    const { lastSyncedTime = "" } = bench.status(ACCOUNT);
    const row = { hostname: "early.test", role: "Primary", zoneID: "0".repeat(32), id: "1" } as const;
    bench.putClaim("early.test", { state: "Proven", rows: [row] });
    bench.releaseClaim("d0.test");
    await bench.run(MINUTE);
    expect(bench.status(ACCOUNT).domains).toBe(3);
    expect(Date.parse(bench.status(ACCOUNT).lastSyncedTime ?? "")).toBeGreaterThan(Date.parse(lastSyncedTime));
    expect(bench.chargebee.posts()).toBe(0);
  });

  test("the account's own values win over the class's", async () => {
    bench.addClaims("a", 10);
    bench.putAccount(ACCOUNT, { freeQuantity: 4, maxQuantity: 5 });
    await bench.run(MINUTE);
    expect(bench.status(ACCOUNT).desiredQuantity).toBe(6);
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({ reason: "QuotaExceeded" });
    expect(bench.chargebee.posts()).toBe(0);
    bench.putAccount(ACCOUNT, { maxQuantity: 6 });
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(6);
    expect(bench.condition(ACCOUNT, "Stalled")).toBeUndefined();
  });

  test("a negotiated price is kept, and a site that counts in decimals is written so", async () => {
    bench.chargebee.setUnitPrice("sub_A", ADDON, 150);
    await settled(3);
    bench.putClaim("new.test");
    await bench.run(MINUTE);
    expect(bench.chargebee.subscription("sub_A").lines.find((line) => line.itemPriceID === ADDON)).toMatchObject({
      quantity: 3,
      unitPrice: 150,
    });
    expect(bench.chargebee.counter("priceResets")).toBe(0);
    bench.chargebee.addSubscription({ id: "sub_D", decimal: true, items: [{ itemPriceID: PLAN }] });
    bench.putAccount("b/default", { subscriptionID: "sub_D" });
    bench.addClaims("b", 3, "b");
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_D", ADDON)).toBe(2);
  });
});

describe("zero", () => {
  test("Overage with other add-ons: they replace the list and the plan is not touched", async () => {
    await settled(3);
    bench.chargebee.setUnitPrice("sub_A", "sla-USD-Monthly", 990);
    bench.releaseClaim("d0.test");
    bench.releaseClaim("d1.test");
    await bench.run(2 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBeUndefined();
    expect(bench.chargebee.subscription("sub_A").lines.map((line) => [line.itemPriceID, line.unitPrice])).toEqual([
      [PLAN, 1500],
      ["sla-USD-Monthly", 990],
    ]);
    expect(bench.chargebee.counters()).toMatchObject({
      planLines: 0,
      chargeItems: 0,
      priceResets: 0,
      badRequests: 0,
      unknownParameters: 0,
    });
    expect(bench.status(ACCOUNT).lines).toMatchObject([{ itemPriceID: ADDON, quantity: 0 }]);
  });

  test("Overage with the last add-on: the plan line as it is replaces the list; charges are not repeated", async () => {
    bench.chargebee.addSubscription({
      id: "sub_L",
      items: [
        { itemPriceID: PLAN, quantity: 3, unitPrice: 1200 },
        { itemPriceID: ADDON, quantity: 2 },
        { itemPriceID: "setup-USD" },
      ],
    });
    bench.addClaims("b", 1, "b");
    bench.putAccount("b/default", { subscriptionID: "sub_L" });
    await bench.run(2 * MINUTE);
    expect(bench.chargebee.quantity("sub_L", ADDON)).toBeUndefined();
    expect(bench.chargebee.subscription("sub_L").lines[0]).toMatchObject({ itemPriceID: PLAN, quantity: 3, unitPrice: 1200 });
    expect(bench.chargebee.counters()).toMatchObject({ writes: 1, chargeItems: 0, priceResets: 0, badRequests: 0 });
  });

  test("the last add-on of a subscription that ends with its term is held: the plan line could take the end back", async () => {
    bench.chargebee.addSubscription({
      id: "sub_N",
      status: "non_renewing",
      items: [{ itemPriceID: PLAN }, { itemPriceID: ADDON, quantity: 2 }],
    });
    bench.putAccount("b/default", { subscriptionID: "sub_N" });
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.chargebee.subscription("sub_N").status).toBe("non_renewing");
    expect(bench.condition("b/default", "Synced")).toMatchObject({ status: "False", reason: "BillingRejected" });
  });

  test("Total: never below 1, and a mandatory line that comes back is told, not fought", async () => {
    bench.putClass("default", { mode: "Total" });
    bench.addClaims("a", 2);
    bench.putAccount(ACCOUNT);
    await bench.run(MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    bench.releaseClaim("d0.test");
    bench.releaseClaim("d1.test");
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(1);
    expect(bench.status(ACCOUNT)).toMatchObject({ domains: 0, desiredQuantity: 1 });
  });

  test("a removal that Chargebee undoes at once is refused, once an hour", async () => {
    bench.chargebee.addSubscription({
      id: "sub_M",
      items: [{ itemPriceID: PLAN }, { itemPriceID: ADDON, quantity: 2, mandatory: true }, { itemPriceID: "sla-USD-Monthly" }],
    });
    bench.putAccount("b/default", { subscriptionID: "sub_M" });
    await bench.run(30 * MINUTE);
    expect(bench.chargebee.posts()).toBe(1);
    expect(bench.condition("b/default", "Stalled")).toMatchObject({ reason: "BillingRejected" });
    expect(bench.status("b/default").errorEpoch).toBe(1);
  });
});
