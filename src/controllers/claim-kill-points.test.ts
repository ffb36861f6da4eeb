import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "./claim-bench.fixture.ts";
import { killAfterEveryWrite, rowsMade } from "./claim-kill.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

describe("a process that dies after any of its writes", { timeout: 300_000 }, () => {
  it("from nothing to live to gone: one row is made, one deleted, and the name is released", async () => {
    const writes = await killAfterEveryWrite(bench, ".life.se", async (name, arm) => {
      arm();
      const before = bench.world.cloudflare.ledger();
      await bench.connect("alice/shop", name);
      const { verifiedTime } = bench.claim(name)?.spec ?? {};
      expect(bench.domain("alice/shop")?.status?.verified).toBe(true);
      bench.api.delete("customdomains", "alice/shop");
      await bench.until("it to be gone", () => bench.domain("alice/shop") === undefined);
      await bench.until("the release", () => bench.claim(name)?.spec.state === "Released");
      expect(verifiedTime).toBeDefined();
      expect(bench.hostnames()).not.toContain(name);
      expect(rowsMade(bench, name, before)).toEqual({ created: 1, atOnce: 1, deleted: 1 });
    });
    expect(writes).toBeGreaterThan(8);
  });

  it("a name that another tenant proves: the row is handed over, never made twice, never deleted", async () => {
    const writes = await killAfterEveryWrite(bench, ".taken.se", async (name, arm) => {
      arm();
      const before = bench.world.cloudflare.ledger();
      bench.putDomain("alice/shop", { domain: name, ssl: { minTLSVersion: "1.3" } });
      await bench.until("the row", () => bench.claim(name)?.spec.rows.length === 1);
      bench.putDomain("bob/shop", { domain: name });
      bench.publishProof("bob", name);
      const claim = () => bench.claim(name)?.spec;
      await bench.until(
        "bob to have it, compared",
        () => claim()?.tenant === "bob" && claim()?.rows[0]?.handedOver === undefined,
      );
      await bench.until("alice to be told", () => bench.condition("alice/shop", "Claimed")?.reason === "DomainAlreadyOwned");
      bench.api.delete("customdomains", "alice/shop");
      await bench.until("the loser to be gone", () => bench.domain("alice/shop") === undefined);
      expect(claim()).toMatchObject({ state: "Proven", holder: { namespace: "bob" } });
      expect(rowsMade(bench, name, before)).toEqual({ created: 1, atOnce: 1, deleted: 0 });
    });
    expect(writes).toBeGreaterThan(8);
  });

  it("a lapse: disconnected, and Pending for the same object", async () => {
    const writes = await killAfterEveryWrite(bench, ".lapse.se", async (name, arm) => {
      bench.putClass("strict", { ownership: { gracePeriodHours: 1 } });
      await bench.connect("alice/shop", name, { className: "strict" });
      arm();
      bench.unpublishProof("alice", name);
      await bench.until("the lapse", () => bench.claim(name)?.spec.state === "Pending", 7_200_000);
      await bench.round();
      expect(bench.claim(name)?.spec).toMatchObject({ state: "Pending", holder: { name: "shop" } });
      expect(bench.claim(name)?.spec).not.toHaveProperty("verifiedTime");
      expect(bench.domain("alice/shop")?.status).toMatchObject({ verified: false });
      expect(bench.hostnames()).not.toContain(name);
    });
    expect(writes).toBeGreaterThan(5);
  });

  it("a transfer: the row goes from tenant to tenant as it is, once", async () => {
    const writes = await killAfterEveryWrite(bench, ".transfer.se", async (name, arm) => {
      await bench.connect("alice/shop", name);
      const { rows = [] } = bench.claim(name)?.spec ?? {};
      const claim = () => bench.claim(name)?.spec;
      bench.unpublishProof("alice", name);
      bench.putDomain("bob/shop", { domain: name });
      await bench.until("the loss", () => claim()?.proofLostTime !== undefined, 7_200_000);
      await bench.world.pass(25 * 3_600_000);
      const before = bench.world.cloudflare.ledger();
      arm();
      bench.publishProof("bob", name);
      await bench.until("the transfer", () => claim()?.tenant === "bob" && claim()?.rows[0]?.handedOver === undefined);
      await bench.until("bob to be live", () => bench.condition("bob/shop", "Ready")?.status === "True", 60_000);
      await bench.until("alice to be told", () => bench.condition("alice/shop", "Claimed")?.reason === "DomainAlreadyOwned");
      expect(bench.domain("alice/shop")?.status).not.toHaveProperty("verifiedAt");
      expect(claim()).toMatchObject({ state: "Proven", holder: { namespace: "bob" }, rows });
      expect(claim()).not.toHaveProperty("proofLostTime");
      expect(rowsMade(bench, name, before)).toMatchObject({ created: 0, deleted: 0 });
    });
    expect(writes).toBeGreaterThan(5);
  });

  it("a rebind: nothing but the uid is another", async () => {
    const writes = await killAfterEveryWrite(bench, ".rebind.se", async (name, arm) => {
      await bench.connect("alice/shop", name);
      const { holder: _, ...kept } = bench.claim(name)?.spec ?? { id: undefined };
      const before = bench.world.cloudflare.ledger();
      arm();
      bench.restore("alice/shop");
      await bench.until("it to be live", () => bench.condition("alice/shop", "Ready")?.status === "True");
      const uid = bench.domain("alice/shop")?.metadata.uid;
      expect(bench.claim(name)?.spec).toEqual({ ...kept, holder: { namespace: "alice", name: "shop", uid } });
      expect(bench.domain("alice/shop")?.status?.id).toBe(kept.id);
      expect(bench.world.cloudflare.ledger()).toMatchObject({
        posts: before.posts,
        deletes: before.deletes,
        patches: before.patches,
      });
    });
    expect(writes).toBeGreaterThan(2);
  });

  it("a takeover within a tenant: the sibling goes on with rows, proof and past", async () => {
    bench.putNamespace("alice-2", "alice");
    const writes = await killAfterEveryWrite(bench, ".takeover.se", async (name, arm) => {
      await bench.connect("alice/shop", name);
      bench.putDomain("alice-2/spare", { domain: name });
      await bench.round();
      const { rows, verifiedTime, proofValue, provenTime } = bench.claim(name)?.spec ?? {};
      const before = bench.world.cloudflare.ledger();
      arm();
      bench.strip("alice/shop");
      await bench.until("it to be live", () => bench.condition("alice-2/spare", "Ready")?.status === "True");
      const holder = { namespace: "alice-2", name: "spare" };
      expect(bench.claim(name)?.spec).toMatchObject({ state: "Proven", holder, rows, verifiedTime, proofValue, provenTime });
      expect(rowsMade(bench, name, before)).toMatchObject({ created: 0, deleted: 0 });
    });
    expect(writes).toBeGreaterThan(1);
  });

  it("an orphan: noticed, released after an hour, its row deleted once", async () => {
    const writes = await killAfterEveryWrite(bench, ".orphan.se", async (name, arm) => {
      await bench.connect("alice/shop", name);
      const before = bench.world.cloudflare.ledger();
      arm();
      bench.strip("alice/shop");
      const orphaned = (): string | undefined => bench.claim(name)?.spec.orphanedTime;
      await bench.until("it to be noticed", () => orphaned() !== undefined);
      const { state } = bench.claim(name)?.spec ?? {};
      expect(state).toBe("Proven");
      await bench.until("the release", () => bench.claim(name)?.spec.state === "Released", 600_000);
      expect(bench.hostnames()).not.toContain(name);
      expect(rowsMade(bench, name, before)).toMatchObject({ created: 0, deleted: 1 });
    });
    expect(writes).toBeGreaterThan(3);
  });

  it("Retain: the name leaves with its row and comes back with it", async () => {
    bench.putClass("keeper", { policy: { allowRetain: true } });
    const writes = await killAfterEveryWrite(bench, ".retain.se", async (name, arm) => {
      const spec = { className: "keeper", deletionPolicy: "Retain" };
      await bench.connect("alice/shop", name, spec);
      const { rows = [] } = bench.claim(name)?.spec ?? {};
      const before = bench.world.cloudflare.ledger();
      arm();
      bench.api.delete("customdomains", "alice/shop");
      await bench.until("the object to be gone", () => bench.domain("alice/shop") === undefined);
      expect(bench.claim(name)?.spec).toMatchObject({ state: "Released", tenant: "alice", rows });
      bench.putDomain("alice/back", { domain: name, ...spec });
      await bench.until("it to be live", () => bench.condition("alice/back", "Ready")?.status === "True");
      expect(bench.claim(name)?.spec).toMatchObject({ state: "Proven", rows });
      expect(rowsMade(bench, name, before)).toMatchObject({ created: 0, deleted: 0 });
    });
    expect(writes).toBeGreaterThan(6);
  });
});
