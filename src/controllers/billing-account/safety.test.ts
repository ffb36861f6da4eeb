import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ADDON, PLAN } from "../../../test/simulators/chargebee/fixture.ts";
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

describe("two accounts on one line", () => {
  test("neither is written, both are told; the end of it lets the other go on at once", async () => {
    await settled(3);
    bench.addClaims("b", 7, "b");
    bench.putAccount("b/default");
    bench.putClaim("new.test");
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    for (const key of [ACCOUNT, "b/default"])
      expect(bench.condition(key, "Stalled")).toMatchObject({ reason: "SubscriptionConflict" });
    bench.chargebee.addSubscription({ id: "sub_B", items: [{ itemPriceID: PLAN }] });
    bench.putAccount("b/default", { subscriptionID: "sub_B" });
    await bench.run(MINUTE);
    expect([bench.chargebee.quantity("sub_A", ADDON), bench.chargebee.quantity("sub_B", ADDON)]).toEqual([3, 6]);
  });

  test("an account that is being deleted still holds its line, until it is released", async () => {
    await settled(3);
    bench.chargebee.setStatus("sub_A", "paused");
    bench.deleteAccount(ACCOUNT);
    bench.addClaims("b", 4, "b");
    bench.putAccount("b/default");
    await bench.run(MINUTE);
    expect(bench.condition("b/default", "Stalled")).toMatchObject({ reason: "SubscriptionConflict" });
    bench.chargebee.setStatus("sub_A", "active");
    await bench.run(15 * MINUTE);
    expect(bench.has(ACCOUNT)).toBe(false);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
  });

  test("two classes may bill two prices on one subscription", async () => {
    bench.chargebee.addItem({ id: "premium", type: "addon" });
    bench.chargebee.addItemPrice({ id: "premium-USD", itemID: "premium", price: 900 });
    bench.putClass("premium", { itemPriceID: "premium-USD" });
    await settled(4);
    bench.addClaims("a", 3, "p", "premium");
    bench.putAccount("a/premium");
    await bench.run(MINUTE);
    expect([bench.chargebee.quantity("sub_A", ADDON), bench.chargebee.quantity("sub_A", "premium-USD")]).toEqual([3, 2]);
    expect(bench.chargebee.counter("overlaps")).toBe(0);
  });

  test("reconciled at the same time, they do not meet at Chargebee", async () => {
    bench.chargebee.addItem({ id: "premium", type: "addon" });
    bench.chargebee.addItemPrice({ id: "premium-USD", itemID: "premium", price: 900 });
    bench.putClass("premium", { itemPriceID: "premium-USD", debounceSeconds: 0 });
    bench.putClass("default", { debounceSeconds: 0 });
    bench.addClaims("a", 4);
    bench.addClaims("a", 3, "p", "premium");
    bench.putAccount(ACCOUNT);
    bench.putAccount("a/premium");
    await Promise.all([ACCOUNT, "a/premium", ACCOUNT, "a/premium"].map((key) => bench.reconcile(key)));
    await bench.run(MINUTE);
    expect([bench.chargebee.quantity("sub_A", ADDON), bench.chargebee.quantity("sub_A", "premium-USD")]).toEqual([3, 2]);
    expect(bench.chargebee.counters()).toMatchObject({ overlaps: 0, writes: 2 });
  });
});

describe("the fuse", () => {
  async function lose(from: number, to: number): Promise<void> {
    for (let index = from; index < to; index += 1) bench.loseClaim(`d${index}.test`);
    await bench.run(5 * MINUTE);
  }

  test("claims that vanish are not believed, not even after a restart, until an admin accepts the figure; once", async () => {
    await settled(40);
    await lose(10, 40);
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({ reason: "SuspiciousDrop" });
    bench.restart();
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.status(ACCOUNT)).toMatchObject({ domains: 40, desiredQuantity: 39 });
    bench.annotate(ACCOUNT, { "customdomains.dev/accept-quantity": "8" });
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    bench.annotate(ACCOUNT, { "customdomains.dev/accept-quantity": "9" });
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(9);
    expect(bench.account(ACCOUNT).metadata.annotations).toEqual({});
  });

  test("one by one they are not believed either", async () => {
    await settled(40);
    for (let index = 0; index < 40; index += 1) {
      bench.loseClaim(`d${index}.test`);
      await bench.run(1_000);
    }
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({ reason: "SuspiciousDrop" });
  });

  test("a few may vanish; released ones, ones passed on, and a namespace that goes are explained", async () => {
    await settled(60);
    await lose(0, 10);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(49);
    for (let index = 10; index < 40; index += 1) bench.releaseClaim(`d${index}.test`);
    for (let index = 40; index < 58; index += 1)
      bench.putClaim(`d${index}.test`, { holder: { namespace: "b", name: "x", uid: "y" } });
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(1);
    bench.addClaims("a", 50, "n");
    await bench.run(MINUTE);
    bench.terminateNamespace("a");
    for (let index = 0; index < 50; index += 1) bench.loseClaim(`n${index}.test`);
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(1);
  });

  test("a restore that lost the status and the claims does not take the quantity down", async () => {
    await settled(40);
    for (let index = 0; index < 40; index += 1) bench.loseClaim(`d${index}.test`);
    bench.dropStatus(ACCOUNT);
    bench.restart();
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({ reason: "SuspiciousDrop" });
  });
});

test("before the claims have been listed nothing is read, counted or written", async () => {
  await settled(40);
  bench.restart({ claimsSynced: false });
  await bench.run(60 * MINUTE);
  expect(bench.chargebee.routes()).toEqual({});
  expect(bench.status(ACCOUNT)).toMatchObject({ domains: 40 });
});

test("a process that is not the leader any more writes nothing", async () => {
  await settled(3);
  bench.putClaim("new.test");
  bench.mayWrite = false;
  await expect(bench.run(MINUTE)).rejects.toThrow("not the leader");
  expect(bench.chargebee.posts()).toBe(0);
});
