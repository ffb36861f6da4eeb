import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ADDON } from "../../../test/simulators/chargebee/fixture.ts";
import { BillingBench } from "./billing-bench.fixture.ts";

const ACCOUNT = "a/default";
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const POST = { method: "POST", path: "/api/v2/subscriptions/:id/update_for_items" } as const;

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

function refusal(code: string, type = "invalid_request") {
  return { message: "x", type, api_error_code: code };
}

describe("a final refusal", () => {
  test("is told with one write and tried again after an hour, each time with another key", async () => {
    await settled(3);
    bench.chargebee.addFault({ ...POST, times: 2, status: 400, body: refusal("configuration_incompatible") });
    const { writes } = bench;
    bench.putClaim("new.test");
    await bench.run(50 * MINUTE);
    expect(bench.chargebee.posts()).toBe(1);
    expect(bench.writes).toBe(writes + 1);
    expect(bench.status(ACCOUNT).errorEpoch).toBe(1);
    expect(bench.condition(ACCOUNT, "Stalled")).toMatchObject({
      reason: "BillingRejected",
      message: expect.stringContaining("configuration_incompatible"),
    });
    await bench.run(2 * HOUR);
    expect(bench.chargebee.posts()).toBe(3);
    expect(bench.status(ACCOUNT).errorEpoch).toBe(2);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.condition(ACCOUNT, "Stalled")).toBeUndefined();
  });

  test("payment: not applied, told with its cause; a webhook after the new card is enough", async () => {
    bench.putClass("default", { invoiceImmediately: true });
    await settled(3);
    bench.chargebee.setPaymentsFail("sub_A", true);
    bench.putClaim("new.test");
    await bench.run(30 * MINUTE);
    expect(bench.chargebee.posts()).toBe(1);
    expect(bench.condition(ACCOUNT, "Stalled")?.message).toContain("payment");
    bench.chargebee.setPaymentsFail("sub_A", false);
    bench.annotate(ACCOUNT, { "customdomains.dev/recheck": "ev_1" });
    await bench.run(5 * SECOND);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.chargebee.counter("replays")).toBe(0);
  });

  test.each(["spec", "class", "secret"])("a change of the %s is a reason to try again", async (what) => {
    await settled(3);
    bench.chargebee.addFault({ ...POST, times: 1, status: 400, body: refusal("configuration_incompatible") });
    bench.putClaim("new.test");
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(2);
    if (what === "spec") bench.putAccount(ACCOUNT, { maxQuantity: 50 });
    if (what === "class") bench.putClass("default", { maxQuantity: 50 });
    if (what === "secret") {
      bench.chargebee.rotateKey("new_key");
      bench.setKey("new_key");
    }
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
  });

  test("422: one more try with a new key, then once an hour", async () => {
    await settled(3);
    bench.chargebee.addFault({ ...POST, status: 422, body: refusal("unable_to_process_request") });
    bench.putClaim("new.test");
    await bench.run(30 * MINUTE);
    expect(bench.chargebee.posts()).toBe(2);
    expect(bench.status(ACCOUNT).errorEpoch).toBe(2);
  });

  test("409: a new read says which state it is", async () => {
    await settled(3);
    bench.putClaim("new.test");
    bench.chargebee.addFault({ ...POST, times: 1, status: 409, body: refusal("invalid_state_for_request") });
    await bench.run(6 * SECOND);
    bench.chargebee.setStatus("sub_A", "paused");
    await bench.run(MINUTE);
    expect(bench.condition(ACCOUNT, "Synced")).toMatchObject({ reason: "SubscriptionPaused" });
    expect(bench.chargebee.posts()).toBe(1);
  });
});
