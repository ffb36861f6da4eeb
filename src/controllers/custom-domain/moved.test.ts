import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { platform } from "../../../test/simulators/platform.ts";
import { ANNOTATION_RECHECK } from "../../api/v1/group.ts";
import { ClaimBench } from "../claim-bench.fixture.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SHOP = "alice/shop";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

const patches = (): number => bench.world.cloudflare.ledger().patches;
const statusAt = (name: string): unknown => bench.world.cloudflare.rows().find(({ hostname }) => hostname === name)?.status;

const isLive = (): boolean => bench.condition(SHOP, "Ready")?.status === "True";

function point(name: string, target: string): void {
  bench.world.dns.setRecords(name, "CNAME", [target]);
  bench.world.dns.flush();
}

/** DNS leads elsewhere until Cloudflare gives up; the operator sees nothing of it. */
async function move(name: string): Promise<void> {
  point(name, "elsewhere.other-store.net");
  for (let hour = 0; hour < 6 && statusAt(name) !== "moved"; hour += 1) await bench.world.pass(HOUR_MS);
  expect(statusAt(name)).toBe("moved");
}

async function moved(name: string): Promise<number> {
  await bench.connect(SHOP, name);
  await move(name);
  return patches();
}

async function recheck(name: string, token: string): Promise<void> {
  bench.putDomain(SHOP, { domain: name }, { annotations: { [ANNOTATION_RECHECK]: token } });
  await bench.reconcile(SHOP);
  expect(bench.domain(SHOP)?.status?.lastHandledRecheck).toBe(token);
}

describe("a row that Cloudflare gave up on", () => {
  it("is not revived by a recheck, however right DNS is and however often it is asked for", async () => {
    const name = "recheck.alice-pottery.se";
    const before = await moved(name);
    point(name, platform.target);
    for (const token of ["one", "two", "three"]) {
      await recheck(name, token);
      expect(bench.condition(SHOP, "DNSConfigured")?.status).toBe("True");
      // What comes after it, with nothing due, does not send it either.
      await bench.reconcile(SHOP);
      await bench.world.pass(MINUTE_MS);
    }
    expect(bench.condition(SHOP, "HostnameActive")?.reason).toBe("Moved");
    expect(patches() - before).toBe(0);
    // The schedule's own check does, in its own time.
    await bench.until("it to be live again", isLive, MINUTE_MS);
    expect(patches() - before).toBe(1);
    expect(bench.events.filter((event) => event === "ValidationRestarted")).toHaveLength(1);
  });

  it("is revived by the schedule's check in its time, while rechecks go on", async () => {
    const name = "both.alice-pottery.se";
    const before = await moved(name);
    point(name, platform.target);
    await recheck(name, "first");
    const dueAt = Date.parse(bench.domain(SHOP)?.status?.nextCheckAt ?? "");
    for (let token = 1; bench.now < dueAt - MINUTE_MS; token += 1) {
      await bench.world.pass(MINUTE_MS);
      await recheck(name, `token-${token}`);
    }
    expect(patches() - before).toBe(0);
    await bench.world.pass(dueAt - bench.now + 1_000);
    await bench.reconcile(SHOP);
    expect(patches() - before).toBe(1);
  });

  it("is left alone while DNS leads elsewhere, whatever status still says of it", async () => {
    const name = "elsewhere.alice-pottery.se";
    const before = await moved(name);
    expect(bench.condition(SHOP, "DNSConfigured")?.status).toBe("True");
    for (let round = 0; round < 5; round += 1) await bench.round(10 * MINUTE_MS);
    expect(bench.condition(SHOP, "DNSConfigured")?.status).toBe("False");
    expect(patches() - before).toBe(0);
    point(name, platform.target);
    await bench.until("it to be live again", isLive, 10 * MINUTE_MS);
    expect(patches() - before).toBe(1);
  });

  it("is left alone while DNS cannot be read", async () => {
    const name = "unread.alice-pottery.se";
    const before = await moved(name);
    point(name, platform.target);
    for (const { address } of bench.world.dns.nameservers) bench.world.dns.addFault({ server: address, kind: "servfail", name });
    for (let round = 0; round < 3; round += 1) await bench.round(10 * MINUTE_MS);
    expect(bench.condition(SHOP, "DNSConfigured")?.status).toBe("True");
    expect(patches() - before).toBe(0);
    bench.world.dns.clearFaults();
    await bench.until("it to be live again", isLive, 10 * MINUTE_MS);
  });

  it("is revived once in six hours", async () => {
    const name = "often.alice-pottery.se";
    const before = await moved(name);
    point(name, platform.target);
    await bench.until("it to be live again", () => patches() - before === 1 && isLive(), MINUTE_MS);
    const first = Date.parse(bench.domain(SHOP)?.status?.lastRevalidatedAt ?? "");
    await move(name);
    point(name, platform.target);
    expect(bench.now - first).toBeLessThan(5.5 * HOUR_MS);
    while (bench.now - first < 6 * HOUR_MS - 5 * MINUTE_MS) await bench.round(5 * MINUTE_MS);
    expect([bench.condition(SHOP, "HostnameActive")?.reason, patches() - before]).toEqual(["Moved", 1]);
    await bench.until("it to be live again", isLive, 5 * MINUTE_MS);
    expect(patches() - before).toBe(2);
    expect(Date.parse(bench.domain(SHOP)?.status?.lastRevalidatedAt ?? "") - first).toBeGreaterThanOrEqual(6 * HOUR_MS);
  });

  it("stays as it is where the class wants no automatic restart", async () => {
    const name = "manual.alice-pottery.se";
    bench.putClass("default", { cloudflare: { autoRestartValidation: false } }, true);
    const before = await moved(name);
    point(name, platform.target);
    for (let round = 0; round < 5; round += 1) await bench.round(10 * MINUTE_MS);
    expect(patches() - before).toBe(0);
    bench.putClass("default", {}, true);
  });

  it("is its www twin, and DNS of the name itself does not count for that", async () => {
    const name = "alice-twin.se";
    await bench.connect(SHOP, name);
    bench.world.publish([{ type: "CNAME", name: `www.${name}`, value: platform.target }]);
    await bench.until("the twin to be active", () => statusAt(`www.${name}`) === "active", MINUTE_MS);
    await move(`www.${name}`);
    const before = patches();
    for (let round = 0; round < 3; round += 1) await bench.round((25 * HOUR_MS) / 3);
    expect(bench.condition(SHOP, "DNSConfigured")?.status).toBe("True");
    expect(patches() - before).toBe(0);
    point(`www.${name}`, platform.target);
    await bench.until("the twin to be active", () => statusAt(`www.${name}`) === "active", 6 * HOUR_MS);
    expect(patches() - before).toBe(1);
  });
});
