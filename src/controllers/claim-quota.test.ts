import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ClaimBench } from "./claim-bench.fixture.ts";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
  bench.putClass("small", { policy: { maxDomainsPerNamespace: 2 } });
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());

const keys = [...Array(8).keys()].map((index) => `alice/d${index}`);
const claims = () => bench.api.list("domainclaims").length;
const reasons = () => keys.map((key) => bench.condition(key, "Claimed")?.reason).sort();

function burst(): void {
  for (const key of keys) bench.putDomain(key, { domain: `${key.replace("alice/", "")}.burst.se`, className: "small" });
}

/** All at once, as the workers of a controller do it. */
async function storm(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.all(keys.map((key) => bench.reconcile(key)));
}

describe("the quota of a namespace", () => {
  it("is not exceeded by domains that are claimed at the same moment", async () => {
    bench.putClass("small", { policy: { maxDomainsPerNamespace: 0 } });
    burst();
    await storm(2);
    expect(reasons()).toEqual(Array(8).fill("QuotaExceeded"));
    bench.putClass("small", { policy: { maxDomainsPerNamespace: 2 } });
    await storm(6);
    expect(claims()).toBe(2);
    expect(reasons()).toEqual([...Array(2).fill("Claimed"), ...Array(6).fill("QuotaExceeded")]);
  });

  it.each([1, 3, 9, 11, 14])(
    "nor by a process that takes over from one that died after write %i of the burst",
    async (writes) => {
      burst();
      bench.dieAfter(writes);
      await storm(3);
      await bench.restart();
      await storm(6);
      expect(claims()).toBe(2);
      expect(reasons().filter((reason) => reason === "QuotaExceeded")).toHaveLength(6);
    },
  );

  it("counts what it has when it is lowered, and takes nothing away", async () => {
    burst();
    await storm(6);
    bench.putClass("small", { policy: { maxDomainsPerNamespace: 1 } });
    await storm(3);
    bench.putClass("small", { policy: { maxDomainsPerNamespace: 2 } });
    expect(claims()).toBe(2);
  });
});
