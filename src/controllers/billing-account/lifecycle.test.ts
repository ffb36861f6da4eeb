import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ADDON, PLAN } from "../../../test/simulators/chargebee/fixture.ts";
import { FINALIZER } from "../../api/v1/group.ts";
import { BillingBench } from "./billing-bench.fixture.ts";

const ACCOUNT = "a/default";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const POST = { method: "POST", path: "/api/v2/subscriptions/:id/update_for_items" } as const;

let bench: BillingBench;
beforeEach(async () => {
  bench = await BillingBench.start({ timeoutMs: 300 });
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

describe("the journal", () => {
  test("finalizer and line are on record before the first POST; without a line neither is needed", async () => {
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    await bench.run(MINUTE);
    expect(bench.account(ACCOUNT).metadata.finalizers).toBeUndefined();
    bench.chargebee.addFault({ ...POST, dropBefore: true });
    bench.addClaims("a", 3);
    await bench.run(6 * SECOND);
    expect(bench.account(ACCOUNT).metadata.finalizers).toEqual([FINALIZER]);
    expect(bench.status(ACCOUNT).lines).toMatchObject([{ subscriptionID: "sub_B", itemPriceID: ADDON, quantity: 0 }]);
    bench.chargebee.clearFaults();
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_B", ADDON)).toBe(2);
  });

  test("a lost race on the journal means no POST on the old copy", async () => {
    bench.addClaims("a", 3);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    await bench.run(3 * SECOND);
    bench.beforeWrite = () => bench.putAccount(ACCOUNT, { subscriptionID: "sub_A" });
    await bench.run(MINUTE);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.chargebee.quantity("sub_B", ADDON)).toBeUndefined();
  });
});

describe("another subscription or price in the spec", () => {
  test("the old line is released, then the new one is raised; the journal forgets the old", async () => {
    await settled(4);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    await bench.run(MINUTE);
    expect([bench.chargebee.quantity("sub_A", ADDON), bench.chargebee.quantity("sub_B", ADDON)]).toEqual([undefined, 3]);
    expect(bench.status(ACCOUNT).lines).toMatchObject([{ subscriptionID: "sub_B", quantity: 3 }]);
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "True", reason: "Synced" });
  });

  test("under Total the old line stays at 1, where its first tier is free", async () => {
    bench.putClass("default", { mode: "Total" });
    await settled(4);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    await bench.run(MINUTE);
    expect([bench.chargebee.quantity("sub_A", ADDON), bench.chargebee.quantity("sub_B", ADDON)]).toEqual([1, 4]);
    expect(bench.status(ACCOUNT).lines).toHaveLength(1);
  });

  test("one that cannot be released now holds nothing up, is told, and is tried again", async () => {
    await settled(4);
    bench.chargebee.setStatus("sub_A", "paused");
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    await bench.run(MINUTE);
    expect([bench.chargebee.quantity("sub_A", ADDON), bench.chargebee.quantity("sub_B", ADDON)]).toEqual([3, 3]);
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "False", reason: "OldLineHeld" });
    expect(bench.condition(ACCOUNT, "Synced")).toMatchObject({ status: "True" });
    bench.chargebee.setStatus("sub_A", "active");
    await bench.run(10 * MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBeUndefined();
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "True", reason: "Synced" });
    expect(bench.condition(ACCOUNT, "Reconciling")).toBeUndefined();
  });

  test.each(["cancelled", "deleted"])("an old subscription that is %s counts as released", async (status) => {
    await settled(4);
    bench.chargebee.setStatus("sub_A", status);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    await bench.run(MINUTE);
    expect(bench.status(ACCOUNT).lines).toMatchObject([{ subscriptionID: "sub_B" }]);
    expect(bench.chargebee.counter("reactivations")).toBe(0);
  });

  test("a fifth line has to wait for one of the four", async () => {
    await settled(4);
    for (const id of ["sub_1", "sub_2", "sub_3", "sub_4"]) {
      bench.chargebee.addSubscription({ id, items: [{ itemPriceID: PLAN }, { itemPriceID: "sla-USD-Monthly" }] });
      bench.chargebee.setStatus(bench.account(ACCOUNT).spec.subscriptionID, "paused");
      bench.putAccount(ACCOUNT, { subscriptionID: id });
      await bench.run(MINUTE);
    }
    expect(bench.status(ACCOUNT).lines?.map((line) => line.subscriptionID)).toEqual(["sub_A", "sub_1", "sub_2", "sub_3"]);
    expect(bench.chargebee.quantity("sub_4", ADDON)).toBeUndefined();
    bench.chargebee.setStatus("sub_A", "active");
    await bench.run(10 * MINUTE);
    expect(bench.chargebee.quantity("sub_4", ADDON)).toBe(3);
  });
});

describe("deletion", () => {
  test("gives up the line at once and does not wait for domains; a new account begins anew", async () => {
    await settled(40);
    bench.deleteAccount(ACCOUNT);
    await bench.run(SECOND);
    expect(bench.has(ACCOUNT)).toBe(false);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBeUndefined();
    bench.putAccount(ACCOUNT);
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(39);
  });

  test("waits, visibly, for a subscription that cannot be written, and survives a restart meanwhile", async () => {
    await settled(4);
    bench.chargebee.setStatus("sub_A", "paused");
    bench.deleteAccount(ACCOUNT);
    await bench.run(MINUTE);
    expect(bench.condition(ACCOUNT, "Ready")).toMatchObject({ status: "False", reason: "ReleasePending" });
    bench.restart();
    bench.chargebee.setStatus("sub_A", "active");
    await bench.run(MINUTE);
    expect(bench.has(ACCOUNT)).toBe(false);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBeUndefined();
  });

  test("a suspended account leaves its line as it is, with an event", async () => {
    await settled(4);
    bench.putAccount(ACCOUNT, { suspend: true });
    bench.deleteAccount(ACCOUNT);
    await bench.run(MINUTE);
    expect(bench.has(ACCOUNT)).toBe(false);
    expect(bench.chargebee.posts()).toBe(0);
    expect(bench.events).toMatchObject([{ type: "Warning", reason: "BillingAbandoned" }]);
  });

  test("an admin may settle a subscription by hand when its key is refused for ever", async () => {
    await settled(4);
    bench.chargebee.rotateKey("unknown_key");
    bench.deleteAccount(ACCOUNT);
    await bench.run(HOUR);
    expect(bench.condition(ACCOUNT, "Reconciling")).toMatchObject({ reason: "ReleasePending" });
    bench.annotate(ACCOUNT, { "customdomains.dev/abandon-billing": "sub_other" });
    await bench.run(MINUTE);
    expect(bench.has(ACCOUNT)).toBe(true);
    bench.annotate(ACCOUNT, { "customdomains.dev/abandon-billing": "sub_A" });
    await bench.run(MINUTE);
    expect(bench.has(ACCOUNT)).toBe(false);
    expect(bench.events.map(({ reason }) => reason)).toEqual(["BillingAbandoned"]);
  });

  test("a POST that is still on its way does not bring the line back after the account is gone", async () => {
    bench.addClaims("a", 3);
    bench.putAccount(ACCOUNT, { subscriptionID: "sub_B" });
    await bench.run(3 * SECOND);
    bench.chargebee.addFault({ ...POST, times: 1, delayBeforeMs: 30_000 });
    await bench.run(4 * SECOND);
    expect(bench.chargebee.posts()).toBe(1);
    bench.deleteAccount(ACCOUNT);
    await bench.run(10 * SECOND);
    expect(bench.has(ACCOUNT)).toBe(false);
    await bench.run(MINUTE);
    await expect.poll(() => bench.chargebee.counter("replays")).toBe(1);
    expect(bench.chargebee.quantity("sub_B", ADDON)).toBeUndefined();
  });

  test("an answer that never came is settled before the line is given up", async () => {
    await settled(4);
    bench.chargebee.addFault({ ...POST, times: 1, dropAfter: true });
    bench.putClaim("new.test");
    await bench.run(6 * SECOND);
    bench.deleteAccount(ACCOUNT);
    await bench.run(MINUTE);
    expect(bench.has(ACCOUNT)).toBe(false);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBeUndefined();
  });
});
