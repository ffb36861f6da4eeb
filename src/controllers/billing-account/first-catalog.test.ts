import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ADDON, PLAN } from "../../../test/simulators/chargebee/fixture.ts";
import { BillingBench } from "./billing-bench.fixture.ts";

const ACCOUNT = "a/default";
const MINUTE = 60_000;

let bench: BillingBench;
beforeEach(async () => {
  bench = await BillingBench.start({ site: { catalog: "Addons" }, settings: { catalog: "Addons" } });
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

describe("Product Catalog 1.0", () => {
  test("a rise, and a removal beside another add-on; the last one is held", async () => {
    await settled(3);
    bench.putClaim("new.test");
    await bench.run(MINUTE);
    expect(bench.chargebee.quantity("sub_A", ADDON)).toBe(3);
    expect(bench.chargebee.counters()).toMatchObject({ writes: 1, planLines: 0, unknownParameters: 0, badRequests: 0 });
    for (const name of ["new", "d0", "d1", "d2"]) bench.releaseClaim(`${name}.test`);
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.subscription("sub_A").lines.map((line) => line.itemPriceID)).toEqual([PLAN, "sla-USD-Monthly"]);
    bench.chargebee.addSubscription({ id: "sub_L", items: [{ itemPriceID: PLAN }, { itemPriceID: ADDON }] });
    bench.putAccount("b/default", { subscriptionID: "sub_L" });
    await bench.run(5 * MINUTE);
    expect(bench.chargebee.quantity("sub_L", ADDON)).toBe(1);
    expect(bench.condition("b/default", "Synced")).toMatchObject({ reason: "BillingRejected" });
  });
});
