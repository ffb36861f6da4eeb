import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANNOTATION_RECHECK, ANNOTATION_REVALIDATE } from "../../api/v1/group.ts";
import { ClaimBench } from "../claim-bench.fixture.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const SHOP = "alice/shop";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

const status = () => bench.domain(SHOP)?.status;
const patches = (): number => bench.world.cloudflare.ledger().patches;
const reads = (): number =>
  Object.entries(bench.world.cloudflare.counters())
    .filter(([route]) => route.startsWith("GET ") && route.endsWith("/custom_hostnames/:id"))
    .reduce((sum, [, count]) => sum + count, 0);

function ask(name: string, annotations: Readonly<Record<string, string>>): void {
  bench.putDomain(SHOP, { domain: name }, { annotations });
  bench.dieAfter(Number.POSITIVE_INFINITY);
}

describe("a recheck", () => {
  it("asks Cloudflare for the row itself, which the schedule's check does not", async () => {
    const name = "fresh.alice-pottery.se";
    await bench.connect(SHOP, name);
    await bench.world.pass(MINUTE_MS);
    const before = reads();
    ask(name, { [ANNOTATION_RECHECK]: "please" });
    await bench.reconcile(SHOP);
    expect([status()?.lastHandledRecheck, reads() - before]).toEqual(["please", 1]);
    await bench.world.pass(2 * DAY_MS);
    const checkedAt = status()?.lastCheckedAt;
    await bench.reconcile(SHOP);
    expect(status()?.lastCheckedAt).not.toBe(checkedAt);
    expect(reads() - before).toBe(1);
  });

  it("that comes too soon is told so, once per token, and is made in its time", async () => {
    const name = "soon.alice-pottery.se";
    await bench.connect(SHOP, name);
    await bench.world.pass(MINUTE_MS);
    ask(name, { [ANNOTATION_RECHECK]: "one" });
    await bench.reconcile(SHOP);
    const checkedAt = Date.parse(status()?.lastCheckedAt ?? "");
    for (const token of ["two", "three"]) {
      ask(name, { [ANNOTATION_RECHECK]: token });
      let requeueAfterMs: number | undefined;
      for (let pass = 0; pass < 3; pass += 1) requeueAfterMs = await bench.reconcile(SHOP);
      expect(bench.writes).toBe(1);
      expect(status()?.lastHandledRecheck).toBe("one");
      expect(status()?.pendingRequests).toEqual([
        {
          annotation: ANNOTATION_RECHECK,
          token,
          notBefore: status()?.nextCheckAt,
          reason: "RecheckTooSoon",
          message: expect.stringContaining(`again at ${status()?.nextCheckAt}`),
        },
      ]);
      const allowedAt = Date.parse(status()?.nextCheckAt ?? "");
      expect([allowedAt - checkedAt >= 30_000, allowedAt - checkedAt <= 31_000]).toEqual([true, true]);
      expect(requeueAfterMs).toBeLessThanOrEqual(31_000);
    }
    await bench.world.pass(31_000);
    bench.dieAfter(Number.POSITIVE_INFINITY);
    for (let pass = 0; pass < 3; pass += 1) await bench.reconcile(SHOP);
    expect(status()).toMatchObject({ lastHandledRecheck: "three" });
    expect(status()).not.toHaveProperty("pendingRequests");
    expect(bench.writes).toBe(1);
  });

  it("is made although the schedule looks more often than rechecks may", async () => {
    const name = "waits.alice-pottery.se";
    bench.putDomain(SHOP, { domain: name });
    await bench.until("records to publish", () => (status()?.verificationRecords ?? []).length >= 2, 1_000);
    ask(name, { [ANNOTATION_RECHECK]: "please" });
    const askedAt = bench.now;
    while (status()?.lastHandledRecheck !== "please" && bench.now - askedAt < 2 * MINUTE_MS) await bench.round(4_000);
    expect(bench.now - askedAt).toBeLessThan(40_000);
  });
});

describe("a restart of validation", () => {
  it("is not sent more often than every five minutes, however many tokens there are", async () => {
    const name = "tokens.alice-pottery.se";
    await bench.connect(SHOP, name);
    bench.world.cloudflare.block(name);
    await bench.until("it to be seen", () => bench.condition(SHOP, "HostnameActive")?.status === "False", MINUTE_MS);
    const before = patches();
    const startedAt = bench.now;
    const told = new Set<string>();
    for (let token = 1; token <= 12; token += 1) {
      ask(name, { [ANNOTATION_REVALIDATE]: `token-${token}` });
      await bench.round(16_000);
      for (const { reason } of status()?.pendingRequests ?? []) told.add(reason);
    }
    expect(patches() - before).toBe(1);
    expect([...told]).toEqual(["RevalidateTooSoon"]);
    expect(status()?.pendingRequests).toEqual([
      expect.objectContaining({
        annotation: ANNOTATION_REVALIDATE,
        token: "token-12",
        message: expect.stringContaining("300 s"),
      }),
    ]);
    await bench.until("the last token to be handled", () => status()?.lastHandledRevalidate === "token-12", 16_000);
    expect(patches() - before).toBe(2);
    expect(bench.now - startedAt).toBeGreaterThan(300_000);
    expect(status()).not.toHaveProperty("pendingRequests");
  });

  it("that waits is written once per token, and comes back in its time", async () => {
    const name = "once.alice-pottery.se";
    await bench.connect(SHOP, name);
    bench.world.cloudflare.block(name);
    await bench.until("it to be seen", () => bench.condition(SHOP, "HostnameActive")?.status === "False", MINUTE_MS);
    ask(name, { [ANNOTATION_REVALIDATE]: "one" });
    await bench.until("it to be blocked again", () => status()?.lastHandledRevalidate === "one", 30_000);
    bench.world.cloudflare.block(name);
    await bench.until("it to be seen", () => bench.condition(SHOP, "HostnameActive")?.reason === "Blocked", 20_000);
    ask(name, { [ANNOTATION_REVALIDATE]: "two" });
    let requeueAfterMs: number | undefined;
    for (let pass = 0; pass < 3; pass += 1) requeueAfterMs = await bench.reconcile(SHOP);
    expect(status()?.pendingRequests).toHaveLength(1);
    expect(bench.writes).toBe(1);
    expect(requeueAfterMs).toBeLessThan(300_000);
  });

  it("is not sent for a suspended domain, and then it is", async () => {
    const name = "paused.alice-pottery.se";
    await bench.connect(SHOP, name);
    bench.world.cloudflare.block(name);
    await bench.until("it to be seen", () => bench.condition(SHOP, "HostnameActive")?.status === "False", MINUTE_MS);
    const before = patches();
    const annotations = { [ANNOTATION_REVALIDATE]: "please" };
    bench.putDomain(SHOP, { domain: name, suspend: true }, { annotations });
    for (let round = 0; round < 3; round += 1) await bench.round(MINUTE_MS);
    expect([patches() - before, status()?.lastHandledRevalidate]).toEqual([0, undefined]);
    bench.putDomain(SHOP, { domain: name }, { annotations });
    await bench.until("it to be handled", () => status()?.lastHandledRevalidate === "please");
    expect(patches() - before).toBe(1);
  });
});
