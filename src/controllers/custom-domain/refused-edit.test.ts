import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "../claim-bench.fixture.ts";

let bench: ClaimBench;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const PATCH_ROW = { method: "PATCH", path: "/client/v4/zones/:zone/custom_hostnames/*" } as const;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
});
afterAll(() => bench[Symbol.asyncDispose]());
let name: string;
let tests = 0;
beforeEach(() => {
  tests += 1;
  name = `shop-${tests}.refused.se`;
  bench.clear();
  bench.world.cloudflare.clearFaults();
  putClass();
});

function putClass(cloudflare: Readonly<Record<string, unknown>> = {}, allowedOrigins: readonly string[] = []): void {
  const policy = { overridableSSLFields: ["minTLSVersion", "http2"], allowedOrigins } as const;
  bench.putClass("edits", { policy: { ...policy, allowedOrigins: [...allowedOrigins] }, cloudflare, check: { egress: "Off" } });
}

const connect = (spec: Readonly<Record<string, unknown>> = {}) =>
  bench.connect("alice/shop", name, { className: "edits", ...spec });
const edit = (spec: Readonly<Record<string, unknown>>) =>
  bench.putDomain("alice/shop", { domain: name, className: "edits", ...spec });
const patches = () => bench.world.cloudflare.ledger().patches;
const condition = (type: string) => bench.condition("alice/shop", type);
const warnings = (reason: string) => bench.events.filter((event) => event === reason).length;

function refuse(status: number, code: number, message = "No."): void {
  bench.world.cloudflare.addFault({
    ...PATCH_ROW,
    status,
    body: { success: false, result: null, errors: [{ code, message }], messages: [] },
  });
}

async function rounds(count: number, ms: number): Promise<void> {
  for (let round = 0; round < count; round += 1) await bench.round(ms);
}

/** Status tells of a row that serves as before. */
function expectServed(): void {
  expect([condition("HostnameActive"), condition("CertificateReady")]).toMatchObject([
    { status: "True", reason: "Active" },
    { status: "True" },
  ]);
  expect(bench.domain("alice/shop")?.status?.verified).toBe(true);
}

describe("an edit that Cloudflare refuses", () => {
  it("1439: is tried three times, while the row is told as it is; then only another edit helps, and none is sent", async () => {
    await connect();
    const before = patches();
    refuse(409, 1439, "Modifying the custom hostname is not supported.");
    edit({ ssl: { minTLSVersion: "1.3" } });
    await bench.round(1_000);
    expect(condition("HostnameActive")?.message).toContain("It was not changed");
    await rounds(2, 1_000);
    expect(patches() - before).toBe(1);
    expectServed();
    expect(condition("Ready")).toMatchObject({ status: "True", reason: "Live" });
    expect(condition("HostnameActive")?.message).toBe(
      "Cloudflare serves the hostname. It was not changed: Cloudflare does not let this custom hostname be modified (Modifying the custom hostname is not supported., code 1439).",
    );
    expect(condition("Stalled")).toBeUndefined();
    await rounds(40, HOUR);
    expect(patches() - before).toBe(3);
    expectServed();
    expect(condition("Stalled")).toMatchObject({ status: "True", reason: "ProviderRefused" });
    expect(condition("Ready")).toMatchObject({ status: "False", reason: "ProviderRefused" });
    expect(condition("HostnameActive")?.message).toBe("Cloudflare serves the hostname.");
    expect(warnings("ProviderRefused")).toBeGreaterThanOrEqual(3);
  });

  it("and that is taken back ends as if it had never been", async () => {
    await connect();
    refuse(409, 1439);
    edit({ ssl: { minTLSVersion: "1.3" } });
    await rounds(20, HOUR);
    const before = patches();
    expect(condition("Stalled")?.status).toBe("True");
    edit({});
    await bench.round();
    expect(condition("Stalled")).toBeUndefined();
    expect(condition("Ready")).toMatchObject({ status: "True", reason: "Live" });
    expect(condition("HostnameActive")?.message).toBe("Cloudflare serves the hostname.");
    bench.world.cloudflare.clearFaults();
    edit({ ssl: { minTLSVersion: "1.3" } });
    await rounds(3, 1_000);
    expect(patches() - before).toBe(1);
    expect(bench.events).toContain("Updated");
  });

  it("is another one after an edit of the class, and after a restart of the operator", async () => {
    await connect();
    const before = patches();
    refuse(400, 1425);
    edit({ ssl: { minTLSVersion: "1.3" } });
    await rounds(3, HOUR);
    expect(patches() - before).toBe(1);
    putClass({ snapshotSeconds: 20 });
    await rounds(3, HOUR);
    expect(patches() - before).toBe(2);
    await bench.restart();
    await rounds(3, HOUR);
    expect(patches() - before).toBe(3);
  });

  it("for its settings: one try, and only an edit helps", async () => {
    await connect();
    const before = patches();
    refuse(400, 1425, "The min_tls_version is invalid.");
    edit({ ssl: { minTLSVersion: "1.3" } });
    await rounds(10, DAY / 2);
    expect(patches() - before).toBe(1);
    expectServed();
    expect(condition("Stalled")).toMatchObject({ status: "True", reason: "InvalidSettings" });
  });

  it("for the plan (1459): is tried once a day in the end, stalls nobody, and heals by itself", async () => {
    await connect();
    const before = patches();
    // This plan has no choice of the authority: Cloudflare itself refuses.
    putClass({ rollout: "Existing", ssl: { certificateAuthority: "lets_encrypt" } });
    await rounds(5 * 48, DAY / 48);
    expect(patches() - before).toBeGreaterThanOrEqual(4);
    expect(patches() - before).toBeLessThanOrEqual(8);
    expectServed();
    expect(condition("Ready")?.status).toBe("True");
    expect(condition("Stalled")).toBeUndefined();
    expect(condition("HostnameActive")?.message).toMatch(
      /It was not changed: The Cloudflare plan does not include a setting.*1459\)\.$/,
    );
    putClass({ rollout: "NewOnly" });
    await bench.round();
    expect(condition("HostnameActive")?.message).toBe("Cloudflare serves the hostname.");
  });

  it("for an origin without a record (1421): is made as soon as there is one", async () => {
    const origin = `origin-${tests}.saas-platform.dev`;
    putClass({}, [origin]);
    await connect();
    edit({ origin: { server: origin } });
    await rounds(3, 60_000);
    expectServed();
    expect(condition("HostnameActive")?.message).toMatch(
      /It was not changed: The custom origin server has no A, AAAA or CNAME record/,
    );
    expect(warnings("OriginNotReady")).toBeGreaterThan(0);
    bench.world.dns.setRecords(origin, "A", ["127.0.0.22"]);
    bench.world.dns.flush();
    await bench.until("the change", () => bench.events.includes("Updated"), 60_000, 30);
    expect(condition("HostnameActive")?.message).not.toContain("not changed");
  });

  it("is not sent by a recheck either", async () => {
    await connect();
    refuse(400, 1425);
    edit({ ssl: { minTLSVersion: "1.3" } });
    await rounds(3, HOUR);
    const before = patches();
    for (const token of ["one", "two", "three"]) {
      const spec = { domain: name, className: "edits", ssl: { minTLSVersion: "1.3" } };
      bench.putDomain("alice/shop", spec, { annotations: { "customdomains.dev/recheck": token } });
      await rounds(2, HOUR);
      expect(bench.domain("alice/shop")?.status?.lastHandledRecheck).toBe(token);
    }
    expect(patches()).toBe(before);
  });
});

describe("an edit that fails for everybody's reasons", () => {
  it.each([
    ["a server error", { status: 500, body: {} }],
    ["the rate limit", { status: 429, headers: { "retry-after": "5" }, body: {} }],
    ["a lost answer", { dropAfter: true }],
  ])("%s: leaves the row as it is told, and is made later", async (_, fault) => {
    await connect();
    bench.world.cloudflare.addFault({ ...PATCH_ROW, ...fault, times: 1 });
    edit({ ssl: { minTLSVersion: "1.3" } });
    await bench.round(1_000);
    expectServed();
    expect(condition("HostnameActive")?.message).toBe("Cloudflare serves the hostname.");
    expect(condition("Stalled")).toBeUndefined();
    const settings = () => bench.world.cloudflare.rows().find(({ hostname }) => hostname === name)?.ssl;
    await bench.until("the change", () => JSON.stringify(settings()).includes('"min_tls_version":"1.3"'), 60_000);
    await rounds(2, 60_000);
    expect(condition("Ready")?.status).toBe("True");
  });
});

describe("a row that was handed over", () => {
  it("is compared again until the former holder's choices are gone, also where the edit is refused at first", async () => {
    bench.putDomain("alice/shop", { domain: name, className: "edits", ssl: { minTLSVersion: "1.3" } });
    await bench.until("the row", () => bench.hostnames().includes(name));
    refuse(409, 1439);
    bench.putDomain("bob/shop", { domain: name, className: "edits" });
    bench.publishProof("bob", name);
    await bench.until("bob to hold it", () => bench.claim(name)?.spec.tenant === "bob");
    await rounds(2, 1_000);
    expect(bench.claim(name)?.spec.rows).toMatchObject([{ hostname: name, handedOver: true }]);
    bench.world.cloudflare.clearFaults();
    await rounds(3, 60_000);
    expect(bench.claim(name)?.spec.rows[0]).not.toHaveProperty("handedOver");
    const row = bench.world.cloudflare.rows().find(({ hostname }) => hostname === name);
    expect(row?.ssl).toMatchObject({ settings: { min_tls_version: "1.2" } });
  });
});
