import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClassBench } from "./class-bench.fixture.ts";

const ANY_CALL = { path: "/client/v4/*" } as const;
const ORIGIN = "origin.saas-platform.dev";
let bench: ClassBench;

beforeEach(async () => {
  bench = await ClassBench.start();
  bench.sync("domainclaims", "billingaccounts");
  bench.putClass("default");
});
afterEach(() => bench[Symbol.asyncDispose]());

/** As an administrator of the zone does it. */
async function putFallbackOrigin(origin: string): Promise<void> {
  const { cloudflareURL, cloudflareToken, zoneID } = bench.world.connection;
  await fetch(`${cloudflareURL}/zones/${zoneID}/custom_hostnames/fallback_origin`, {
    method: "PUT",
    headers: { authorization: `Bearer ${cloudflareToken}` },
    body: JSON.stringify({ origin }),
  });
  await bench.world.cloudflare.idle();
}

/** What was told of the zone once it is asked again. */
async function toldAgain() {
  bench.world.clock.advance(300_000);
  await bench.reconcile();
  return bench.condition("FallbackOriginActive");
}

describe("the fallback origin", () => {
  it("that is missing", async () => {
    bench.world.cloudflare.setFallbackOrigin(undefined);
    await bench.reconcile();
    const message = "The zone has no fallback origin, and without one no hostname validates: set it at Cloudflare.";
    expect(bench.condition("FallbackOriginActive")).toEqual({ status: "False", reason: "FallbackOriginMissing", message });
    expect(bench.condition("Ready")).toEqual({ status: "False", reason: "FallbackOriginMissing", message });
  });

  it("that is not the one that the class expects", async () => {
    bench.putClass("default", { cloudflare: { fallbackOrigin: "other.saas-platform.dev" } });
    await bench.reconcile();
    const message = `The zone's fallback origin is ${ORIGIN}, the class expects other.saas-platform.dev: change one of the two`;
    expect(bench.condition("FallbackOriginActive")).toEqual({ status: "False", reason: "FallbackOriginMismatch", message });
    expect(bench.condition("Ready")?.reason).toBe("FallbackOriginMismatch");
    bench.world.cloudflare.setFallbackOrigin("active", undefined, "other.saas-platform.dev");
    expect(await toldAgain()).toMatchObject({ status: "True", reason: "Active" });
    expect(bench.condition("Ready")?.reason).toBe("Available");
  });

  it.each(["initializing", "pending_deployment", "deployment_timed_out", "pending_deletion", "deletion_timed_out"] as const)(
    "that Cloudflare reports as %s",
    async (status) => {
      bench.world.cloudflare.setFallbackOrigin(status);
      await bench.reconcile();
      const message = `Cloudflare reports the fallback origin ${ORIGIN} as ${status}: no hostname validates before it is active.`;
      expect(bench.condition("FallbackOriginActive")).toEqual({ status: "False", reason: "FallbackOriginPending", message });
      expect(bench.condition("Ready")?.reason).toBe("FallbackOriginPending");
    },
  );

  it("that waits for its record, in Cloudflare's words, until it is active", async () => {
    await putFallbackOrigin("new.saas-platform.dev");
    await bench.reconcile();
    const detail = "DNS records are not setup correctly. Origin should be a proxied A/AAAA/CNAME dns record";
    expect(bench.condition("FallbackOriginActive")?.message).toBe(
      `Cloudflare reports the fallback origin new.saas-platform.dev as pending_deployment (${detail}): no hostname validates before it is active.`,
    );
    bench.world.dns.setRecords("new.saas-platform.dev", "A", ["127.0.0.22"]);
    bench.world.dns.flush();
    await bench.world.pass(300_000);
    await bench.world.pass(10_000);
    expect(await toldAgain()).toMatchObject({ status: "True", message: "The fallback origin new.saas-platform.dev is active." });
  });
});

describe("the credential", () => {
  it("that Cloudflare refuses, and then nothing else is asked", async () => {
    bench.putSecret("cloudflare/token", "wrong");
    await bench.reconcile();
    expect(bench.condition("CredentialsValid")).toMatchObject({ status: "False", reason: "Unauthorized" });
    expect(bench.condition("CredentialsValid")?.message).toMatch(
      /: put a token with permission SSL and Certificates: Edit into the Secret$/,
    );
    expect(bench.condition("FallbackOriginActive")).toEqual({
      status: "Unknown",
      reason: "NotChecked",
      message: "Not looked at: the credential does not work.",
    });
    bench.putSecret("cloudflare/token", bench.world.connection.cloudflareToken);
    await bench.reconcile();
    expect(bench.condition("Ready")?.reason).toBe("Available");
  });

  it("whose Secret is missing: Cloudflare is not asked at all", async () => {
    bench.secrets.delete("cloudflare/token");
    await bench.reconcile();
    expect(bench.condition("CredentialsValid")).toEqual({
      status: "False",
      reason: "SecretNotFound",
      message: "Secret cloudflare does not exist in namespace operator",
    });
    expect(bench.condition("FallbackOriginActive")?.status).toBe("Unknown");
    expect(bench.calls()).toBe(0);
  });

  it("of a zone without Cloudflare for SaaS", async () => {
    bench.world.cloudflare.setQuota(undefined);
    await bench.reconcile();
    expect(bench.condition("CredentialsValid")).toMatchObject({ status: "False", reason: "SaaSNotEnabled" });
    expect(bench.condition("Ready")?.reason).toBe("SaaSNotEnabled");
  });
});

describe("an outage of Cloudflare", () => {
  it.each([503, 429])("(%d) leaves standing what was known", async (status) => {
    await bench.reconcile();
    const before = bench.class()?.status;
    bench.world.cloudflare.addFault({ ...ANY_CALL, status, body: {} });
    for (let round = 0; round < 10; round += 1) await toldAgain();
    expect(bench.class()?.status).toEqual(before);
  });

  it("at the first look is told as not known", async () => {
    bench.world.cloudflare.addFault({ ...ANY_CALL, html: "<html>bad gateway</html>" });
    await bench.reconcile();
    const unknown = { status: "Unknown", reason: "NotChecked", message: "Cloudflare could not be asked yet." };
    expect([bench.condition("CredentialsValid"), bench.condition("FallbackOriginActive")]).toEqual([unknown, unknown]);
    expect(bench.condition("Ready")).toMatchObject({ status: "False", reason: "NotChecked" });
    bench.world.cloudflare.clearFaults();
    expect(await toldAgain()).toMatchObject({ status: "True" });
  });
});

describe("how often Cloudflare is asked", () => {
  it("every five minutes while it is well, once a minute while it is not, and at once for another key or spec", async () => {
    const asked = async (): Promise<boolean> => {
      const before = bench.calls();
      await bench.reconcile();
      return bench.calls() > before;
    };
    expect(await asked()).toBe(true);
    for (let event = 0; event < 20; event += 1) expect(await asked()).toBe(false);
    bench.world.clock.advance(235_000);
    expect(await asked()).toBe(false);
    bench.world.clock.advance(10_000);
    expect(await asked()).toBe(true);
    bench.putClass("default", { dns: { acceptedTargets: ["another.saas-platform.dev"] } });
    expect(await asked()).toBe(true);
    bench.putSecret("cloudflare/token", "wrong");
    expect(await asked()).toBe(true);
    bench.world.clock.advance(40_000);
    expect(await asked()).toBe(false);
    bench.world.clock.advance(10_000);
    expect(await asked()).toBe(true);
  });

  it("and when the next look is due, is said", async () => {
    const healthy = (await bench.reconcile()) ?? 0;
    expect(healthy).toBeGreaterThanOrEqual(270_000);
    expect(healthy).toBeLessThanOrEqual(330_000);
    bench.world.clock.advance(100_000);
    const later = (await bench.reconcile()) ?? 0;
    expect(healthy - later).toBeGreaterThan(99_000);
    bench.putSecret("cloudflare/token", "wrong");
    const unhealthy = (await bench.reconcile()) ?? 0;
    expect(unhealthy).toBeGreaterThanOrEqual(54_000);
    expect(unhealthy).toBeLessThanOrEqual(66_000);
  });
});

describe("the counts", () => {
  const row = (hostname: string, id: string) =>
    ({ hostname, role: "Primary", zoneID: bench.world.connection.zoneID, id }) as const;

  it("of domains that hold a claim, of the quota, and of hostnames that nobody answers for", async () => {
    const mine = bench.world.cloudflare.addForeignRow({ hostname: "mine.acme.com" });
    const twin = bench.world.cloudflare.addForeignRow({ hostname: "www.mine.acme.com" });
    for (const name of ["manual-1.acme.com", "manual-2.acme.com"]) bench.world.cloudflare.addForeignRow({ hostname: name });
    bench.putClaim("mine.acme.com", { rows: [row("mine.acme.com", mine), row("www.mine.acme.com", twin)] });
    bench.putClaim("waits.acme.com", { state: "Pending" });
    for (const state of ["Releasing", "Released"] as const) bench.putClaim(`${state.toLowerCase()}.acme.com`, { state });
    bench.putClaim("elsewhere.acme.com", { className: "other" });
    await bench.reconcile();
    expect(bench.class()?.status).toMatchObject({ domains: 2, quota: { allocated: 100, used: 4 } });
    // Not known before the zone was listed: nothing is told then.
    expect(bench.class()?.status).not.toHaveProperty("unmanagedHostnames");
    await bench.listZone();
    bench.world.clock.advance(30_000);
    await bench.reconcile();
    expect(bench.class()?.status?.unmanagedHostnames).toBe(2);
  });

  it("leave out a hostname that is on its way out", async () => {
    const going = bench.world.cloudflare.addForeignRow({ hostname: "going.acme.com" });
    await bench.listZone();
    bench.world.cloudflare.deleteUpstream("going.acme.com");
    await bench.lookUp(going);
    await bench.reconcile();
    expect(bench.class()?.status?.unmanagedHostnames).toBe(0);
  });

  it("are written every 30 seconds at most, and what is said of them comes at once", async () => {
    await bench.reconcile();
    const version = () => bench.class()?.metadata.resourceVersion;
    const first = version();
    bench.putClaim("a.acme.com");
    expect(await bench.reconcile()).toBeLessThanOrEqual(30_000);
    expect(version()).toBe(first);
    bench.world.clock.advance(15_000);
    bench.putClaim("b.acme.com");
    expect(await bench.reconcile()).toBeLessThanOrEqual(15_000);
    expect(version()).toBe(first);
    bench.world.clock.advance(15_000);
    await bench.reconcile();
    expect(bench.class()?.status?.domains).toBe(2);
    // Counts are no news.
    expect(bench.events).toEqual(["Normal Available"]);
    bench.putClaim("c.acme.com");
    bench.secrets.delete("domain-check/signingKey");
    await bench.reconcile();
    expect(bench.class()?.status?.domains).toBe(3);
    expect(bench.condition("Ready")?.reason).toBe("SecretNotFound");
  });

  it("nothing new is nothing written", async () => {
    await bench.reconcile();
    const version = bench.class()?.metadata.resourceVersion;
    for (let round = 0; round < 5; round += 1) await toldAgain();
    expect(bench.class()?.metadata.resourceVersion).toBe(version);
  });
});
