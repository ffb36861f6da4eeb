import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "../claim-bench.fixture.ts";

let bench: ClaimBench;
const MINUTE = 60_000;
const POST_ROW = { method: "POST", path: "/client/v4/zones/:zone/custom_hostnames" } as const;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
let name: string;
let tests = 0;
beforeEach(() => {
  tests += 1;
  name = `shop-${tests}.provision.se`;
  bench.clear();
  bench.world.cloudflare.clearFaults();
});

const posts = () => bench.world.cloudflare.ledger().posts;
const hostname = () => bench.condition("alice/shop", "HostnameActive");
const told = (reason: string) => bench.events.filter((event) => event === reason).length;

function refuse(status: number, code: number, message: string): void {
  const body = { success: false, result: null, errors: [{ code, message }], messages: [] };
  bench.world.cloudflare.addFault({ ...POST_ROW, status, body });
}

async function rounds(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) await bench.round(MINUTE);
}

/** A domain with its proof in place, reconciled once. */
async function proven(spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
  bench.publishProof("alice", name);
  bench.putDomain("alice/shop", { domain: name, ...spec });
  await bench.round(1_000);
}

describe("a create that Cloudflare refuses for reasons of its own", () => {
  it("is sent once an hour, however often events bring the domain back; an edit has it sent at once", async () => {
    refuse(400, 1425, "The min_tls_version is invalid.");
    const before = posts();
    await proven();
    await rounds(50);
    expect(posts() - before).toBe(1);
    expect(hostname()).toMatchObject({ status: "False", reason: "InvalidSettings" });
    expect(bench.condition("alice/shop", "Stalled")?.reason).toBe("InvalidSettings");
    await rounds(15);
    expect(posts() - before).toBe(2);
    bench.putDomain("alice/shop", { domain: name, ssl: { minTLSVersion: "1.3" } });
    await rounds(5);
    expect(posts() - before).toBe(3);
    bench.world.cloudflare.clearFaults();
    bench.putDomain("alice/shop", { domain: name });
    await bench.until("the row", () => bench.hostnames().includes(name));
    expect(posts() - before).toBe(4);
    expect(bench.condition("alice/shop", "Stalled")).toBeUndefined();
  });

  it("is sent again for somebody who asks, and by the next process", async () => {
    refuse(400, 1425, "No.");
    const before = posts();
    await proven();
    await rounds(3);
    const annotations = { "customdomains.dev/recheck": "please" };
    bench.putDomain("alice/shop", { domain: name }, { annotations });
    await rounds(3);
    expect(posts() - before).toBe(2);
    await bench.restart();
    await rounds(3);
    expect(posts() - before).toBe(3);
  });

  it("is forgotten once the row is there: one that vanishes upstream is made again at once", async () => {
    refuse(400, 1425, "No.");
    await proven();
    bench.world.cloudflare.clearFaults();
    bench.putDomain("alice/shop", { domain: name }, { annotations: { "customdomains.dev/recheck": "please" } });
    await rounds(2);
    expect(bench.hostnames()).toContain(name);
    bench.world.cloudflare.deleteUpstream(name);
    await rounds(10);
    expect(bench.hostnames()).toContain(name);
  });

  it("because its origin has no record yet (1421) waits for that, and says so", async () => {
    const origin = `origin-${tests}.saas-platform.dev`;
    bench.putClass("origins", { policy: { allowedOrigins: [origin] } });
    await proven({ className: "origins", origin: { server: origin } });
    expect(hostname()).toMatchObject({ status: "False", reason: "OriginNotReady" });
    expect(hostname()?.message).toMatch(/^The custom origin server has no A, AAAA or CNAME record in the zone yet \(.*1421\)$/);
    expect(bench.condition("alice/shop", "Stalled")).toBeUndefined();
    bench.world.dns.setRecords(origin, "A", ["127.0.0.22"]);
    bench.world.dns.flush();
    await rounds(2);
    expect(bench.hostnames()).toContain(name);
  });
});

describe("a name that Cloudflare says exists (1406), and that is not in the zone", () => {
  it("is held elsewhere: it is tried less and less often, every ten minutes in the end, and made once it is free", async () => {
    refuse(409, 1406, "Duplicate custom hostname found.");
    const before = posts();
    await proven();
    const message = `Cloudflare holds ${name} elsewhere, or is still deleting it: it is tried again`;
    expect(hostname()).toMatchObject({ status: "False", reason: "HostnameConflict", message });
    // Whatever brings the domain back, it waits for its time.
    for (let event = 0; event < 20; event += 1) await bench.reconcile("alice/shop");
    expect(posts() - before).toBe(1);
    await rounds(20);
    expect(posts() - before).toBeLessThanOrEqual(9);
    const later = posts();
    await rounds(60);
    expect(posts() - later).toBeGreaterThanOrEqual(5);
    expect(posts() - later).toBeLessThanOrEqual(6);
    expect(bench.condition("alice/shop", "Stalled")).toBeUndefined();
    bench.world.cloudflare.clearFaults();
    await rounds(11);
    expect(bench.claim(name)?.spec.rows).toHaveLength(1);
  });

  it("is still being deleted: the next domain has it seconds later", async () => {
    await proven();
    expect(bench.hostnames()).toContain(name);
    bench.world.cloudflare.deleteUpstream(name);
    bench.strip("alice/shop");
    bench.api.delete("domainclaims", name);
    await proven();
    expect(hostname()?.reason).toBe("HostnameConflict");
    for (let round = 0; round < 5; round += 1) await bench.round(5_000);
    expect(bench.hostnames()).toContain(name);
  });
});

describe("a name that several rows have", () => {
  it("is an administrator's affair: none of them is chosen, and nothing is made beside them", async () => {
    const before = posts();
    const row = (id: string) => ({ id, hostname: name, status: "active", created_at: new Date(bench.now).toISOString() });
    const two = [row("614b3124-cd57-42f0-8307-000000000001"), row("614b3124-cd57-42f0-8307-000000000002")];
    const result_info = { page: 1, per_page: 50, count: 2, total_count: 2, total_pages: 1 };
    const body = { success: true, errors: [], messages: [], result: two, result_info };
    bench.world.cloudflare.addFault({ method: "GET", path: POST_ROW.path, status: 200, body });
    await proven();
    expect(hostname()).toMatchObject({ status: "False", reason: "HostnameConflict" });
    expect(hostname()?.message).toBe(`Cloudflare lists 2 custom hostnames named ${name}: an administrator deletes all but one`);
    expect(posts()).toBe(before);
    expect(bench.claim(name)?.spec.rows).toEqual([]);
  });
});

describe("a create beyond what the plan includes", () => {
  it("is made, and told to whoever pays", async () => {
    bench.world.cloudflare.setQuota({ allocated: 0, hardCap: 1_000 });
    try {
      await proven();
      expect(bench.hostnames()).toContain(name);
      expect([told("QuotaSoftExceeded"), told("Created")]).toEqual([1, 0]);
    } finally {
      bench.world.cloudflare.setQuota({ allocated: 100, hardCap: 50_000 });
    }
  });

  it("is no news within it", async () => {
    await proven();
    expect([told("QuotaSoftExceeded"), told("Created")]).toEqual([0, 1]);
  });
});
