import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLASS, Environment } from "../harness/environment.ts";
import { assertIdle, describeWrite, endOfAuditLog, isLease, operatorWrites } from "../harness/idle.ts";
import { conditionOf, connect } from "../harness/journey.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DOMAINS = { apex: "lindqvistkeramik.se", shop: "shop.lindqvistkeramik.se", blog: "blog.lindqvistkeramik.se" } as const;

let environment: Environment;

beforeAll(async () => {
  environment = await Environment.start({ name: "idle" });
  await environment.startOperator();
  await environment.namespace("lindqvist");
  environment.world.addSubscription("sub_lindqvist");
  await environment.apply({
    apiVersion: "customdomains.dev/v1",
    kind: "BillingAccount",
    metadata: { name: CLASS, namespace: "lindqvist" },
    spec: { subscriptionID: "sub_lindqvist", freeQuantity: 0 },
  });
  for (const [name, domain] of Object.entries(DOMAINS)) await connect(environment, "lindqvist", name, domain);
  await environment.apply({
    apiVersion: "customdomains.dev/v1",
    kind: "CustomDomainRoute",
    metadata: { name: "root", namespace: "lindqvist" },
    spec: { domainRef: { name: "apex" }, backendRef: { name: "web", port: 80 } },
  });
  await environment.passUntil("everything to be billed and owned", isSettled, 10 * MINUTE_MS);
  // What was started is over then: damping, the twin's certificate, the counts on the class.
  for (let minute = 0; minute < 10; minute += 1) await environment.pass(MINUTE_MS);
});
afterAll(() => environment.stop());

async function isSettled(): Promise<boolean> {
  const domains = await Promise.all(Object.keys(DOMAINS).map((name) => environment.getDomain("lindqvist", name)));
  const route = await environment.get("CustomDomainRoute", "root", "lindqvist");
  const billed = environment.world.chargebee.quantity("sub_lindqvist", environment.world.connection.itemPriceID) === 3;
  const owned = route?.metadata.ownerReferences?.length === 1 && route.status !== undefined;
  return billed && owned && domains.every((domain) => conditionOf(domain, "BillingSynced") === "True");
}

describe("an operator with nothing due", () => {
  it("writes nothing but its Lease", async () => {
    await assertIdle(environment, 5_000, 6 * HOUR_MS);
  });

  it("writes once, and only that, when it is asked to look again", async () => {
    const from = await endOfAuditLog(environment);
    const recheck = { metadata: { annotations: { "customdomains.dev/recheck": "please" } } };
    await environment.patch("CustomDomain", "lindqvist", "shop", recheck);
    await environment.until("the token to be handled", async () => {
      const shop = await environment.getDomain("lindqvist", "shop");
      return shop?.status?.lastHandledRecheck === "please";
    });
    await assertIdle(environment, 2_000, 10 * MINUTE_MS);
    expect(await writesSince(from)).toEqual(["update customdomains/status lindqvist/shop: 200"]);
  });

  it("writes nothing but its Lease after a restart, until the next check", async () => {
    const from = await endOfAuditLog(environment);
    expect(await environment.operator?.stop()).toBe(0);
    await environment.startOperator();
    await assertIdle(environment, 5_000);
    expect(await writesSince(from)).toEqual([]);
  });

  it("writes each status once when the daily check comes", async () => {
    const from = await endOfAuditLog(environment);
    const dueAt = await Promise.all(Object.keys(DOMAINS).map(nextCheckAt));
    await environment.pass(Math.max(...dueAt) - environment.clock.now() + MINUTE_MS);
    for (const name of Object.keys(DOMAINS))
      await environment.until("the next check", async () => (await nextCheckAt(name)) > environment.clock.now());
    await assertIdle(environment, 2_000, 10 * MINUTE_MS);
    expect((await writesSince(from)).sort()).toEqual(
      Object.keys(DOMAINS)
        .map((name) => `update customdomains/status lindqvist/${name}: 200`)
        .sort(),
    );
  });
});

describe("a domain that waits for its owner", () => {
  it("is not written by a restart before its next check", async () => {
    await environment.domain("lindqvist", "waits", { domain: "waits.lindqvistkeramik.se" });
    await environment.until("records to publish", async () => {
      const waits = await environment.getDomain("lindqvist", "waits");
      return (waits?.status?.verificationRecords ?? []).length >= 2;
    });
    for (let minute = 0; minute < 70; minute += 5) await environment.pass(5 * MINUTE_MS);
    await environment.until("a check that is minutes away", async () => {
      return (await nextCheckAt("waits")) - environment.clock.now() > 3 * MINUTE_MS;
    });
    const from = await endOfAuditLog(environment);
    expect(await environment.operator?.stop()).toBe(0);
    await environment.startOperator();
    await assertIdle(environment, 3_000, 2 * MINUTE_MS);
    expect(await writesSince(from)).toEqual([]);
  });
});

async function nextCheckAt(name: string): Promise<number> {
  return Date.parse((await environment.getDomain("lindqvist", name))?.status?.nextCheckAt ?? "");
}

/** Leases apart. */
async function writesSince(from: number): Promise<string[]> {
  const to = await endOfAuditLog(environment);
  const writes = await operatorWrites(environment.controlPlane.auditLog, { from, to });
  return writes.filter((event) => !isLease(event)).map(describeWrite);
}
