import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "./claim-bench.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

/** Runs `work` while the cache hears of nothing that happens, as behind a watch that fell silent. */
async function deaf(work: () => Promise<void>): Promise<void> {
  const { changed } = bench.api;
  bench.api.changed = () => {};
  try {
    await work();
  } finally {
    bench.api.changed = changed;
  }
}

describe("a replica whose cache is behind without knowing it", () => {
  it("takes no name and makes no row for a domain that is gone, and forgets it", async () => {
    bench.putDomain("alice/shop", { domain: "deaf.alice-pottery.se" }, { finalizers: ["customdomains.dev/finalizer"] });
    const created = bench.world.cloudflare.ledger().createdRows;
    await deaf(async () => {
      bench.strip("alice/shop");
      expect(bench.ledger.domains.get("alice/shop")).toBeDefined();
      for (let round = 0; round < 3; round += 1) await bench.reconcile("alice/shop");
    });
    expect(bench.ledger.domains.get("alice/shop")).toBeUndefined();
    expect(bench.claim("deaf.alice-pottery.se")).toBeUndefined();
    expect(bench.world.cloudflare.ledger().createdRows).toBe(created);
  });

  it("takes no name for a domain that is being deleted", async () => {
    bench.putDomain("alice/blog", { domain: "deaf.alice-pottery.se" }, { finalizers: ["customdomains.dev/finalizer"] });
    await deaf(async () => {
      bench.api.delete("customdomains", "alice/blog");
      await bench.reconcile("alice/blog");
    });
    expect(bench.claim("deaf.alice-pottery.se")).toBeUndefined();
  });
});
