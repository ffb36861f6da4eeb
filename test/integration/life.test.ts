import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findCondition } from "../../src/core/conditions.ts";
import { CLASS, Environment } from "../harness/environment.ts";

let environment: Environment;

beforeAll(async () => {
  environment = await Environment.start({ name: "life" });
  await environment.startOperator();
});
afterAll(() => environment.stop());

describe("the life of a domain", () => {
  it("tells what to publish, verifies, bills and cleans up", async () => {
    const { world } = environment;
    await environment.namespace("lindqvist");
    world.addSubscription("sub_lindqvist");
    await environment.apply({
      apiVersion: "customdomains.dev/v1",
      kind: "BillingAccount",
      metadata: { name: CLASS, namespace: "lindqvist" },
      spec: { subscriptionID: "sub_lindqvist", freeQuantity: 0 },
    });
    await environment.domain("lindqvist", "shop", { domain: "Shop.LindqvistKeramik.se" });

    const domain = () => environment.getDomain("lindqvist", "shop");
    await environment.until("records to publish", async () => ((await domain())?.status?.verificationRecords ?? []).length >= 2);
    const waiting = await domain();
    expect(waiting?.status?.domain).toBe("shop.lindqvistkeramik.se");
    expect(findCondition(waiting?.status?.conditions, "Ready")?.status).toBe("False");
    const required = (waiting?.status?.verificationRecords ?? []).filter((record) => record.required);
    expect(required.map(({ type, purpose }) => `${type} ${purpose}`)).toEqual(["TXT Ownership", "CNAME Routing"]);

    world.publish(required.map(({ type, name, value }) => ({ type: type as "TXT" | "CNAME", name, value })));
    await environment.passUntil("the domain to be verified", async () => (await domain())?.status?.verified === true, 600_000);
    const live = await domain();
    expect(findCondition(live?.status?.conditions, "Ready")?.status).toBe("True");
    expect(live?.status?.verificationRecords).toEqual([]);

    await environment.passUntil(
      "the quantity",
      () => world.chargebee.quantity("sub_lindqvist", world.connection.itemPriceID) === 1,
      60_000,
    );
    await environment.passUntil(
      "BillingSynced",
      async () => findCondition((await domain())?.status?.conditions, "BillingSynced")?.status === "True",
      60_000,
    );

    await environment.delete("CustomDomain", "lindqvist", "shop");
    await environment.passUntil("the domain to be gone", async () => (await domain()) === undefined, 60_000);
    expect(
      world.cloudflare.rows().filter((row) => row.hostname === "shop.lindqvistkeramik.se" && row.status !== "deleted"),
    ).toEqual([]);
    await environment.passUntil(
      "the slot to be released",
      () => (world.chargebee.quantity("sub_lindqvist", world.connection.itemPriceID) ?? 0) === 0,
      300_000,
    );
    expect((await environment.claim("shop.lindqvistkeramik.se"))?.spec.state).toBe("Released");

    const claim = () => environment.claim("shop.lindqvistkeramik.se");
    await environment.passUntil(
      "the name to be free again",
      async () => (await claim()) === undefined,
      9 * 86_400_000,
      43_200_000,
    );
  });
});
