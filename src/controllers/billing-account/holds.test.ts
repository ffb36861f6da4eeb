import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ADDON, PLAN } from "../../../test/simulators/chargebee/fixture.ts";
import type { ItemPriceSeed, ItemSeed } from "../../../test/simulators/chargebee/seeds.ts";
import { BillingBench } from "./billing-bench.fixture.ts";

const ACCOUNT = "a/default";
const MINUTE = 60_000;

let bench: BillingBench;
beforeEach(async () => {
  bench = await BillingBench.start();
});
afterEach(() => bench.close());

async function settled(count: number): Promise<void> {
  bench.addClaims("a", count);
  bench.putAccount(ACCOUNT);
  await bench.run(2 * MINUTE);
  bench.chargebee.resetCounters();
}

describe("the state of the subscription", () => {
  test.each([
    ["cancelled", "SubscriptionCancelled", "Stalled"],
    ["transferred", "SubscriptionTransferred", "Stalled"],
    ["deleted", "SubscriptionNotFound", "Stalled"],
    ["paused", "SubscriptionPaused", "Reconciling"],
    ["foo", "SubscriptionStatusUnknown", "Reconciling"],
  ])("%s: no POST, %s, and no hot loop; it goes on when that ends", async (status, reason, condition) => {
    await settled(3);
    bench.chargebee.setStatus("sub_A", status);
    bench.putClaim("new.test");
    await bench.run(10 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.condition(ACCOUNT, condition)).toMatchObject({ status: "True", reason });
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "False", reason });
    expect(bench.chargebee.routes()["GET /api/v2/subscriptions/:id"]).toBe(1);
    bench.chargebee.setStatus("sub_A", "active");
    await bench.run(36 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.condition(ACCOUNT, condition)).toBeUndefined();
    expect(bench.chargebee.counter("reactivations")).toBe(0);
  });

  test.each(["in_trial", "future", "non_renewing"])("%s is written", async (status) => {
    await settled(3);
    bench.chargebee.setStatus("sub_A", status);
    bench.putClaim("new.test");
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.chargebee.subscription("sub_A").status).toBe(status);
  });

  test("cancelled between the read and the POST: it stays cancelled", async () => {
    bench.chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }] });
    bench.addClaims("a", 3);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    bench.beforeWrite = () => bench.chargebee.setStatus("sub_B", "cancelled");
    await bench.run(MINUTE);
    expect(bench.chargebee.subscription("sub_B").status).toBe("cancelled");
    expect(bench.chargebee.counter("reactivations")).toBe(0);
  });

  test("scheduled changes are not destroyed", async () => {
    await settled(3);
    bench.chargebee.scheduleChange("sub_A", PLAN, 2);
    bench.putClaim("new.test");
    await bench.run(10 * MINUTE);
    expect(bench.condition(ACCOUNT, "Synced")).toMatchObject({ reason: "ScheduledChangesPresent" });
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.chargebee.counter("destroyedSchedules")).toBe(0);
  });

  test("an unknown id is told; correcting it is enough", async () => {
    bench.addClaims("a", 3);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_X" });
    await bench.run(10 * MINUTE);
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({ reason: "SubscriptionNotFound" });
    expect(bench.chargebee.routes()["GET /api/v2/subscriptions/:id"]).toBe(1);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_A" });
    await bench.run(MINUTE);
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "True" });
  });

  test.each(["../customers/x", "a/cancel", ".."])("no call is made for the id %j", async (subscriptionID) => {
    bench.addClaims("a", 3);
    bench.putAccount(ACCOUNT, { subscriptionID });
    await bench.run(MINUTE);
    expect(bench.chargebee.routes()).toEqual({});
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({ reason: "SubscriptionNotFound" });
  });
});

describe("the catalogue, before the first POST on a line", () => {
  const cases: readonly [string, string, (ItemPriceSeed | undefined)?, (ItemSeed | undefined)?][] = [
    ["unknown", "ItemPriceNotFound"],
    ["archived", "ItemPriceArchived", { id: "p", itemID: "i", status: "archived" }],
    ["another currency", "ItemPriceIncompatible", { id: "p", itemID: "i", currency: "EUR" }],
    ["a longer period", "ItemPriceIncompatible", { id: "p", itemID: "i", period: { count: 1, unit: "year" } }],
    ["a period of another kind", "ItemPriceIncompatible", { id: "p", itemID: "i", period: { count: 1, unit: "week" } }],
    ["no quantity", "ItemPriceIncompatible", { id: "p", itemID: "i", pricingModel: "flat_fee" }],
    ["metered", "ItemPriceIncompatible", { id: "p", itemID: "i" }, { id: "i", type: "addon", metered: true }],
    ["a plan", "ItemPriceIncompatible", { id: "p", itemID: "i" }, { id: "i", type: "plan" }],
  ];
  test.each(cases)("%s: no POST, %s", async (_, reason, price, item) => {
    bench.chargebee.addItem(item ?? { id: "i", type: "addon" });
    if (price !== undefined) bench.chargebee.addItemPrice(price);
    bench.addClaims("a", 3);
    bench.putAccount(ACCOUNT, { itemPriceID: "p" });
    await bench.run(10 * MINUTE);
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({ reason });
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.status(ACCOUNT).lines).toBeUndefined();
  });

  test("not applicable to the plan", async () => {
    bench.chargebee.addItem({ id: "pro", type: "plan", applicableItemIDs: ["sla"] });
    bench.chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }] });
    bench.addClaims("a", 3);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    await bench.run(MINUTE);
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({ reason: "ItemPriceIncompatible" });
  });

  test("what stands on the subscription already goes on although archived; the answers are kept for half an hour", async () => {
    bench.chargebee.addItemPrice({ id: ADDON, itemID: "domains", price: 200, status: "archived" });
    await settled(3);
    bench.putClaim("new1.test");
    await bench.run(MINUTE);
    bench.putClaim("new2.test");
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(4);
    expect(bench.chargebee.routes()["GET /api/v2/item_prices/:id"]).toBe(1);
  });
});
