import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "./claim-bench.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

const HOUR = 3_600_000;
const FOREIGN = "example.org/backup";
const DELETE_ROW = { method: "DELETE", path: "/client/v4/zones/:zone/custom_hostnames/*" } as const;
const stateOf = (name: string) => bench.claim(name)?.spec.state;

describe("a deletion", () => {
  it("of an object that others hold, and that lost our finalizer, gives the claim up at once", async () => {
    await bench.connect("alice/shop", "held.alice-pottery.se");
    const domain = bench.api.get("customdomains", "alice/shop");
    if (domain !== undefined)
      bench.api.put("customdomains", { ...domain, metadata: { ...domain.metadata, finalizers: [FOREIGN] } });
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("the row to go", () => !bench.hostnames().includes("held.alice-pottery.se"));
    expect(stateOf("held.alice-pottery.se")).toBe("Released");
    expect(bench.domain("alice/shop")?.metadata.finalizers).toEqual([FOREIGN]);
  });

  it("finds the claim of an object whose status was never written, though the cache has not seen it", async () => {
    bench.putDomain("alice/shop", { domain: "unseen.alice-pottery.se" });
    bench.dieAfter(2);
    await bench.reconcile("alice/shop");
    expect(stateOf("unseen.alice-pottery.se")).toBe("Pending");
    await bench.restart();
    bench.forget("domainclaims");
    bench.api.delete("customdomains", "alice/shop");
    await bench.reconcile("alice/shop");
    expect(stateOf("unseen.alice-pottery.se")).toBe("Releasing");
    await bench.restart();
    await bench.until("it to be gone", () => bench.domain("alice/shop") === undefined);
    expect(stateOf("unseen.alice-pottery.se")).toBe("Released");
  });

  it("goes through with a Secret that is missing: the claim stays and is finished later", async () => {
    await bench.connect("alice/shop", "secretless.alice-pottery.se");
    bench.secret = "missing";
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("the object to be gone", () => bench.domain("alice/shop") === undefined);
    expect(stateOf("secretless.alice-pottery.se")).toBe("Releasing");
    expect(await bench.reconcile("secretless.alice-pottery.se")).toBeGreaterThanOrEqual(60_000);
    bench.secret = "value";
    await bench.until("the row to be gone", () => stateOf("secretless.alice-pottery.se") === "Released");
    expect(bench.hostnames()).toEqual([]);
  });

  it("does not hang on a Cloudflare that answers and does not delete, nor ask it every two seconds for ever", async () => {
    await bench.connect("alice/shop", "stuck.alice-pottery.se");
    bench.world.cloudflare.addFault({
      ...DELETE_ROW,
      status: 200,
      body: { success: true, errors: [], messages: [], result: null },
    });
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("the hand-off", () => bench.domain("alice/shop") === undefined, 60_000, 14);
    expect(bench.hostnames()).toContain("stuck.alice-pottery.se");
    expect(await bench.reconcile("stuck.alice-pottery.se")).toBe(60_000);
    bench.world.cloudflare.clearFaults();
    await bench.until("the row to be gone", () => stateOf("stuck.alice-pottery.se") === "Released", 60_000);
    expect(bench.hostnames()).not.toContain("stuck.alice-pottery.se");
  });

  it.each([
    ["is waited for ten minutes", false, 9, 11],
    ["is waited for two minutes where the whole namespace goes", true, 1, 3],
  ])("that Cloudflare cannot do %s", async (_, terminating, stays, gone) => {
    bench.putNamespace("leaving", undefined, { terminating });
    await bench.connect("leaving/shop", `patience-${gone}.alice-pottery.se`);
    bench.world.cloudflare.addFault({ ...DELETE_ROW, status: 500 });
    bench.api.delete("customdomains", "leaving/shop");
    const minutes = async (count: number): Promise<void> => {
      for (let turn = 0; turn < 2 * count; turn += 1) await bench.round(30_000);
    };
    await bench.round(1_000);
    await minutes(stays);
    expect(bench.domain("leaving/shop")).toBeDefined();
    await minutes(gone - stays);
    expect(bench.domain("leaving/shop")).toBeUndefined();
    expect(stateOf(`patience-${gone}.alice-pottery.se`)).toBe("Releasing");
    bench.world.cloudflare.clearFaults();
    await bench.until("the release", () => stateOf(`patience-${gone}.alice-pottery.se`) === "Released", 60_000);
  });

  it("says when it fails, and that Retain is not allowed", async () => {
    await bench.connect("alice/shop", "failing.alice-pottery.se", { deletionPolicy: "Retain" });
    bench.world.cloudflare.addFault({ ...DELETE_ROW, status: 500 });
    bench.api.delete("customdomains", "alice/shop");
    await bench.round();
    await bench.round();
    // One lost answer is weather.
    expect(bench.condition("alice/shop", "Ready")?.reason).toBe("Deleting");
    await bench.until("it to say so", () => bench.condition("alice/shop", "Ready")?.reason === "DeletionStalled", 30_000, 4);
    expect(bench.events.filter((event) => event === "RetainNotAllowed")).toHaveLength(1);
    bench.world.cloudflare.clearFaults();
    await bench.until("it to be gone", () => bench.domain("alice/shop") === undefined, 60_000);
    expect(bench.hostnames()).not.toContain("failing.alice-pottery.se");
  });

  it("Retain, where the class allows it: row, claim and tenant stay, and the tenant gets it all back", async () => {
    bench.putClass("keeper", { policy: { allowRetain: true } });
    const spec = { className: "keeper", deletionPolicy: "Retain" };
    await bench.connect("alice/shop", "retained.alice-pottery.se", spec);
    const ids = bench.claim("retained.alice-pottery.se")?.spec.rows;
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("the object to be gone", () => bench.domain("alice/shop") === undefined);
    expect(bench.claim("retained.alice-pottery.se")?.spec).toMatchObject({ state: "Released", tenant: "alice", rows: ids });
    await bench.world.pass(200 * 24 * HOUR);
    await bench.reconcile("retained.alice-pottery.se");
    const before = bench.world.cloudflare.ledger();
    bench.putDomain("alice/back", { domain: "retained.alice-pottery.se", ...spec });
    await bench.until("it to be live", () => bench.condition("alice/back", "Ready")?.status === "True");
    expect(bench.claim("retained.alice-pottery.se")?.spec.rows).toEqual(ids);
    expect(bench.world.cloudflare.ledger()).toMatchObject({
      posts: before.posts,
      deletes: before.deletes,
      patches: before.patches,
    });
  });
});

describe("rule 12: a mass loss of objects", () => {
  const claimOf = (index: number, changes: Readonly<Record<string, unknown>>) => {
    const domain = `d${index}.mass.se`;
    const holder = { namespace: "alice", name: `d${index}`, uid: `lost-${index}` };
    const past = new Date(bench.now - 2 * HOUR).toISOString();
    const held = { state: "Pending", holder, id: `id-${index}`, orphanedTime: past };
    const spec = { domain, tenant: "alice", className: "default", createdTime: past, rows: [], ...held, ...changes };
    bench.api.put("domainclaims", { apiVersion: "customdomains.dev/v1", kind: "DomainClaim", metadata: { name: domain }, spec });
  };

  it("stops the release, however many tombstones there are beside the held claims", async () => {
    const tombstone = { state: "Released", holder: undefined, id: undefined, orphanedTime: undefined };
    for (let index = 0; index < 25; index += 1) claimOf(index, {});
    for (let index = 25; index < 400; index += 1)
      claimOf(index, { ...tombstone, releaseAfterTime: new Date(bench.now + HOUR).toISOString() });
    await bench.reconcile("d0.mass.se");
    expect(stateOf("d0.mass.se")).toBe("Pending");
  });

  it("is no mass loss below twenty", async () => {
    for (let index = 0; index < 19; index += 1) claimOf(index, {});
    await bench.reconcile("d0.mass.se");
    expect(stateOf("d0.mass.se")).toBe("Releasing");
  });
});
