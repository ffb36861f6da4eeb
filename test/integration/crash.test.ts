import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CLASS, Environment } from "../harness/environment.ts";
import { connect, hostnamesAt, publishAsked, untilGone, untilVerified } from "../harness/journey.ts";

let environment: Environment;

beforeAll(async () => {
  environment = await Environment.start({ name: "crash" });
  await environment.namespace("lindqvist");
  environment.world.addSubscription("sub_lindqvist");
  await environment.apply({
    apiVersion: "customdomains.dev/v1",
    kind: "BillingAccount",
    metadata: { name: CLASS, namespace: "lindqvist" },
    spec: { subscriptionID: "sub_lindqvist", freeQuantity: 0 },
  });
});
beforeEach(async () => {
  if (environment.operator?.running !== true) await environment.startOperator();
});
afterAll(() => environment.stop());

async function restart(): Promise<void> {
  await environment.operator?.kill();
  await environment.startOperator();
}

describe("an operator that is killed", () => {
  it("goes on between provision and verified, with the same row and the same id", async () => {
    await environment.domain("lindqvist", "shop", { domain: "shop.lindqvistkeramik.se" });
    await environment.until("the row", () => hostnamesAt(environment).includes("shop.lindqvistkeramik.se"));
    const [row] = environment.world.cloudflare.rows();
    await restart();
    await publishAsked(environment, "lindqvist", "shop");
    await environment.pass(5_000);
    await restart();
    const domain = await untilVerified(environment, "lindqvist", "shop");
    expect(domain.status?.hostnames?.[0]?.cloudflareID).toBe(row?.id);
    expect(environment.world.cloudflare.ledger()).toMatchObject({
      createdRows: 1,
      deletes: 0,
      maxRowsPerName: { "shop.lindqvistkeramik.se": 1 },
    });
  });

  it("finds the row of a POST whose answer it never saw, and makes no second one", async () => {
    const before = environment.world.cloudflare.ledger();
    environment.world.cloudflare.addFault({
      method: "POST",
      path: "/client/v4/zones/:zone/custom_hostnames",
      times: 1,
      dropAfter: true,
    });
    await environment.domain("lindqvist", "blog", { domain: "blog.lindqvistkeramik.se" });
    await environment.until("the row", () => hostnamesAt(environment).includes("blog.lindqvistkeramik.se"));
    await environment.until("the answer to be lost", () => environment.operator?.log.includes('"outcome":"unknown"') === true);
    await restart();
    await publishAsked(environment, "lindqvist", "blog");
    await untilVerified(environment, "lindqvist", "blog");
    const after = environment.world.cloudflare.ledger();
    expect(after.createdRows - before.createdRows).toBe(1);
    expect(after.posts - before.posts).toBe(1);
    expect(after.maxRowsPerName).toMatchObject({ "blog.lindqvistkeramik.se": 1 });
  });

  it("bills once when it dies around the quantity's write", async () => {
    environment.world.chargebee.addFault({ method: "POST", path: "/api/v2/subscriptions/*", times: 1, dropAfter: true });
    await connect(environment, "lindqvist", "pottery", "pottery.lindqvistkeramik.se");
    const lost = /"provider":"chargebee"[^\n]*"outcome":"unknown"/;
    await environment.passUntil("the answer to be lost", () => lost.test(environment.operator?.log ?? ""), 600_000);
    await restart();
    const quantity = () => environment.world.chargebee.quantity("sub_lindqvist", environment.world.connection.itemPriceID);
    await environment.passUntil("the quantity", () => quantity() === 3, 600_000);
    await environment.pass(3_600_000);
    await environment.until("nothing more", () => quantity() === 3);
    const { unchangedWrites, overlaps, keyConflicts } = environment.world.chargebee.counters();
    expect({ unchangedWrites, overlaps, keyConflicts }).toEqual({ unchangedWrites: 0, overlaps: 0, keyConflicts: 0 });
  });

  it("finishes a deletion that was cut off after Cloudflare's DELETE", async () => {
    environment.world.cloudflare.addFault({
      method: "DELETE",
      path: "/client/v4/zones/:zone/custom_hostnames/*",
      times: 1,
      dropAfter: true,
    });
    await environment.delete("CustomDomain", "lindqvist", "blog");
    await environment.until("the row to go", () => !hostnamesAt(environment).includes("blog.lindqvistkeramik.se"));
    await environment.until("the answer to be lost", () => environment.operator?.log.includes('"outcome":"unknown"') === true);
    await restart();
    await untilGone(environment, "lindqvist", "blog");
    expect((await environment.claim("blog.lindqvistkeramik.se"))?.spec).toMatchObject({ state: "Released", rows: [] });
  });
});
