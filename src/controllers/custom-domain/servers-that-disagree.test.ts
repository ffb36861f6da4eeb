import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeResolver } from "../../../test/simulators/dns/raw-query.ts";
import { platform } from "../../../test/simulators/platform.ts";
import { ClaimBench } from "../claim-bench.fixture.ts";

const SHOP = "alice/shop";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());
afterEach(() => bench.world.dns.clearFaults());

/** What visitors, and a check that asks a resolver, get to see. */
async function resolved(name: string): Promise<readonly string[]> {
  const texts = await nodeResolver(bench.resolver, bench.world.dns.port)
    .resolveTxt(name)
    .catch(() => []);
  return texts.map((chunks) => chunks.join(""));
}

describe("the proof, where resolver and name servers do not say the same,", () => {
  it("is not accepted while one name server lacks it, which is named, although the resolver has it", async () => {
    const name = "one-server.alice-pottery.se";
    const proof = bench.proofOf("alice", name);
    const [, second] = bench.world.dns.nameservers;
    bench.putDomain(SHOP, { domain: name });
    await bench.until("records to publish", () => (bench.domain(SHOP)?.status?.verificationRecords ?? []).length >= 2);
    bench.publish(SHOP);
    expect(await resolved(proof.name)).toEqual([proof.value]);
    bench.world.dns.setRecords(proof.name, "TXT", [], { server: second?.address ?? "" });
    for (let round = 0; round < 4; round += 1) await bench.round();
    expect(await resolved(proof.name)).toEqual([proof.value]);
    expect(bench.claim(name)?.spec.state).toBe("Pending");
    expect(bench.domain(SHOP)?.status?.verified).toBe(false);
    const ownership = bench.condition(SHOP, "OwnershipVerified");
    expect(ownership).toMatchObject({ status: "False", reason: "Propagating" });
    expect(ownership?.message).toContain(`${second?.name} (${second?.address}) not yet`);
    bench.world.dns.setRecords(proof.name, "TXT", [proof.value], { server: second?.address ?? "" });
    await bench.until("it to be live", () => bench.condition(SHOP, "Ready")?.status === "True");
  });

  it("is accepted where all name servers have it, although the resolver still denies it", async () => {
    bench.world.dns.addZone("alice-stale.se", { negativeTTL: 86_400 });
    const name = "shop.alice-stale.se";
    const { name: record, value } = bench.proofOf("alice", name);
    expect(await resolved(record)).toEqual([]);
    bench.putDomain(SHOP, { domain: name });
    bench.world.publish([
      { type: "TXT", name: record, value },
      { type: "CNAME", name, value: platform.target },
    ]);
    await bench.until("it to be live", () => bench.condition(SHOP, "Ready")?.status === "True");
    expect(await resolved(record)).toEqual([]);
    expect(bench.claim(name)?.spec).toMatchObject({ state: "Proven", proofValue: value });
    expect(bench.domain(SHOP)?.status?.verified).toBe(true);
  });
});

describe("a name server that was hijacked", () => {
  it("proves nothing by sending us elsewhere", async () => {
    const name = "hijacked.alice-pottery.se";
    const proof = bench.proofOf("alice", name);
    const { stranger, nameservers } = bench.world.dns;
    bench.putDomain(SHOP, { domain: name });
    await bench.until("records to publish", () => (bench.domain(SHOP)?.status?.verificationRecords ?? []).length >= 2);
    bench.world.publish([{ type: "CNAME", name, value: platform.target }]);
    bench.world.dns.addZone(proof.name, { servers: [stranger.name], nameservers: [stranger], delegated: false });
    bench.world.dns.setRecords(proof.name, "TXT", [proof.value], { server: stranger.name });
    const to = { zone: proof.name, nameservers: [stranger] };
    bench.world.dns.addFault({ server: nameservers[1]?.address ?? "", kind: "referral", name: proof.name, to });
    for (let round = 0; round < 4; round += 1) await bench.round();
    expect(bench.claim(name)?.spec.state).toBe("Pending");
    expect(bench.condition(SHOP, "OwnershipVerified")).toMatchObject({ status: "Unknown", reason: "InconsistentDelegation" });
  });
});
