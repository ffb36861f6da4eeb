import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "./claim-bench.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

type Story = (name: string, arm: () => void) => Promise<void>;

/** Plays `story` with the process dying after the 1st, 2nd, … write since it called `arm`, until it survives; answers how many there are. */
async function killAfterEveryWrite(label: string, story: Story): Promise<number> {
  for (let writes = 1; ; writes += 1) {
    bench.clear();
    await story(`${label}-${writes}.alice-pottery.se`, () => bench.dieAfter(writes));
    if (bench.writes < writes) return bench.writes;
    await bench.restart();
  }
}

function rowsMade(name: string, before: ReturnType<ClaimBench["world"]["cloudflare"]["ledger"]>) {
  const { createdRows, maxRowsPerName, deletes } = bench.world.cloudflare.ledger();
  return { created: createdRows - before.createdRows, atOnce: maxRowsPerName[name], deleted: deletes - before.deletes };
}

describe("a process that dies after any of its writes", () => {
  it("from nothing to live to gone: one row is made, one deleted, and the name is released", async () => {
    const writes = await killAfterEveryWrite("life", async (name, arm) => {
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
      expect(rowsMade(name, before)).toEqual({ created: 1, atOnce: 1, deleted: 1 });
    });
    expect(writes).toBeGreaterThan(8);
  });

  it("a name that another tenant proves: the row is handed over, never made twice, never deleted", async () => {
    const writes = await killAfterEveryWrite("taken", async (name, arm) => {
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
      expect(rowsMade(name, before)).toEqual({ created: 1, atOnce: 1, deleted: 0 });
    });
    expect(writes).toBeGreaterThan(8);
  });

  it("a lapse: disconnected, and Pending for the same object", async () => {
    const writes = await killAfterEveryWrite("lapse", async (name, arm) => {
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
});
