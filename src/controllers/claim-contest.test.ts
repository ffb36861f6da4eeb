import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "./claim-bench.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const reason = (key: string, type = "Claimed") => bench.condition(key, type)?.reason;
const holderOf = (name: string) => `${bench.claim(name)?.spec.holder?.namespace}/${bench.claim(name)?.spec.holder?.name}`;

async function rounds(count: number, ms: number): Promise<void> {
  for (let round = 0; round < count; round += 1) await bench.round(ms);
}

describe("before the proof", () => {
  it("an unproven name takes nothing over that others made, and its deletion leaves it alone", async () => {
    bench.world.cloudflare.addForeignRow({ hostname: "shop.victim-acme.se", createdAt: bench.now - 40 * DAY });
    bench.putDomain("bob/squatter", { domain: "shop.victim-acme.se" });
    await rounds(4, 20_000);
    expect(bench.claim("shop.victim-acme.se")?.spec).toMatchObject({ state: "Pending", rows: [] });
    expect(reason("bob/squatter", "HostnameActive")).toBe("AwaitingProof");
    bench.api.delete("customdomains", "bob/squatter");
    await bench.until("the release", () => bench.claim("shop.victim-acme.se")?.spec.state === "Released");
    expect(bench.hostnames()).toContain("shop.victim-acme.se");
  });

  it("the same row is taken over once the name is proven", async () => {
    const id = bench.world.cloudflare.addForeignRow({ hostname: "shop.migrated.se", createdAt: bench.now - 40 * DAY });
    bench.putDomain("alice/shop", { domain: "shop.migrated.se" });
    await rounds(2, 5_000);
    bench.publishProof("alice", "shop.migrated.se");
    await bench.until("the row", () => bench.claim("shop.migrated.se")?.spec.rows[0]?.id === id);
    expect(bench.events).toContain("Adopted");
  });

  it("no row is made for a name that somebody else wants too", async () => {
    bench.putDomain("alice/shop", { domain: "wanted.alice-pottery.se" });
    bench.putDomain("bob/shop", { domain: "wanted.alice-pottery.se" });
    await rounds(4, 10_000);
    expect(holderOf("wanted.alice-pottery.se")).toBe("alice/shop");
    expect(bench.hostnames()).not.toContain("wanted.alice-pottery.se");
    bench.api.delete("customdomains", "bob/shop");
    await bench.until("the row", () => bench.hostnames().includes("wanted.alice-pottery.se"));
  });
});

describe("a tenant of several namespaces", () => {
  beforeAll(() => {
    for (const name of ["team-1", "team-2", "team-3"]) bench.putNamespace(name, "team");
  });

  it("has one proof and one claim for a name, whichever of them asks", async () => {
    await bench.connect("team-1/shop", "one.team-pottery.se");
    bench.putDomain("team-2/shop", { domain: "one.team-pottery.se" });
    await bench.round();
    expect(bench.claim("one.team-pottery.se")?.spec.tenant).toBe("team");
    expect(reason("team-2/shop")).toBe("DomainExists");
    const values = bench.domain("team-1/shop")?.status?.dnsRecords?.find(({ purpose }) => purpose === "Ownership")?.desired;
    expect(values).toEqual([bench.proofOf("team", "one.team-pottery.se").value]);
  });

  it("of those that wait for a holder the oldest goes first", async () => {
    await bench.connect("team-1/shop", "old.team-pottery.se");
    bench.putDomain("team-3/older", { domain: "old.team-pottery.se" });
    await bench.world.pass(2_000);
    bench.putDomain("team-2/younger", { domain: "old.team-pottery.se" });
    await bench.round();
    bench.strip("team-1/shop");
    for (let turn = 0; turn < 3; turn += 1) await bench.reconcile("team-2/younger");
    expect([reason("team-2/younger"), holderOf("old.team-pottery.se")]).toEqual(["DomainExists", "team-1/shop"]);
    await bench.reconcile("team-3/older");
    expect(holderOf("old.team-pottery.se")).toBe("team-3/older");
  });

  it("one that can never claim the name keeps nobody waiting", async () => {
    await bench.connect("team-1/shop", "never.team-pottery.se");
    bench.putDomain("team-3/older", { domain: "never.team-pottery.se", className: "missing" });
    await bench.world.pass(2_000);
    bench.putDomain("team-2/younger", { domain: "never.team-pottery.se" });
    await bench.round();
    bench.strip("team-1/shop");
    await bench.reconcile("team-2/younger");
    expect(holderOf("never.team-pottery.se")).toBe("team-2/younger");
  });

  it("nor does one that gave the name up for want of a proof", async () => {
    bench.putDomain("team-3/older", { domain: "expired.team-pottery.se" });
    await bench.until("the claim", () => bench.claim("expired.team-pottery.se") !== undefined);
    await bench.world.pass(31 * DAY);
    await bench.until("the end", () => reason("team-3/older", "Stalled") === "ProofExpired");
    await bench.until("the name to be free", () => bench.claim("expired.team-pottery.se") === undefined);
    bench.putDomain("team-1/shop", { domain: "expired.team-pottery.se" });
    await bench.round();
    bench.putDomain("team-2/younger", { domain: "expired.team-pottery.se" });
    await bench.round();
    bench.strip("team-1/shop");
    await bench.reconcile("team-2/younger");
    expect(holderOf("expired.team-pottery.se")).toBe("team-2/younger");
  });
});

describe("a namespace", () => {
  it("that the cache has not seen belongs to nobody yet: nothing is claimed for its name", async () => {
    bench.putDomain("unseen/shop", { domain: "unseen.alice-pottery.se" });
    for (let turn = 0; turn < 3; turn += 1) expect(await bench.reconcile("unseen/shop")).toBe(1_000);
    expect(bench.claim("unseen.alice-pottery.se")).toBeUndefined();
    bench.putNamespace("unseen", "alice");
    await bench.round();
    expect(bench.claim("unseen.alice-pottery.se")?.spec.tenant).toBe("alice");
  });

  it("that is given another tenant lives on the old one's record for the grace period only", async () => {
    bench.putClass("strict", { ownership: { gracePeriodHours: 48 } });
    bench.putNamespace("sold", "acme");
    await bench.connect("sold/shop", "sold.acme-pottery.se", { className: "strict" });
    bench.putNamespace("sold", "mallory");
    await rounds(2, 26 * HOUR);
    expect(reason("sold/shop", "OwnershipVerified")).toBe("ProofLost");
    expect(bench.condition("sold/shop", "OwnershipVerified")?.message).toContain(
      bench.proofOf("mallory", "sold.acme-pottery.se").value,
    );
    expect(bench.domain("sold/shop")?.status?.verified).toBe(true);
    await bench.until("the lapse", () => bench.domain("sold/shop")?.status?.verified === false, 12 * HOUR);
    expect(bench.hostnames()).not.toContain("sold.acme-pottery.se");
  });

  it("that is given its tenant back is as it was", async () => {
    bench.putNamespace("sold", "acme");
    await bench.connect("sold/shop", "mistake.acme-pottery.se");
    const { verifiedAt } = bench.domain("sold/shop")?.status ?? {};
    bench.putNamespace("sold", "mallory");
    await bench.until("the loss", () => reason("sold/shop", "OwnershipVerified") === "ProofLost", 12 * HOUR);
    bench.putNamespace("sold", "acme");
    await bench.until("the proof", () => reason("sold/shop", "OwnershipVerified") === "Proven", 12 * HOUR);
    expect(bench.domain("sold/shop")?.status).toMatchObject({ verified: true, verifiedAt });
  });

  it("that is given another tenant loses the name to the old one's other namespace, by the old record", async () => {
    bench.putNamespace("sold", "acme");
    bench.putNamespace("kept", "acme");
    await bench.connect("sold/shop", "back.acme-pottery.se");
    const rows = bench.claim("back.acme-pottery.se")?.spec.rows;
    bench.putDomain("kept/shop", { domain: "back.acme-pottery.se" });
    await bench.round();
    expect(reason("kept/shop")).toBe("DomainExists");
    bench.putNamespace("sold", "mallory");
    await bench.reconcile("kept/shop");
    await bench.round();
    expect(reason("kept/shop")).toBe("DomainAlreadyOwned");
    await bench.until("the transfer", () => holderOf("back.acme-pottery.se") === "kept/shop", 6 * HOUR);
    await bench.until("the loser to be told", () => bench.domain("sold/shop")?.status?.verified === false, HOUR);
    expect(bench.domain("sold/shop")?.status).not.toHaveProperty("verifiedAt");
    expect(reason("sold/shop")).toBe("DomainAlreadyOwned");
    expect(bench.claim("back.acme-pottery.se")?.spec.rows.map(({ id }) => id)).toEqual(rows?.map(({ id }) => id));
  });
});
