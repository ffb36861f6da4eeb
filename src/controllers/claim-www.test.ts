import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CloudflareSimulator } from "../../test/simulators/cloudflare/cloudflare-simulator.ts";
import { ClaimBench } from "./claim-bench.fixture.ts";
import { hostnamesIn, startSecondZone } from "./second-zone.fixture.ts";

let bench: ClaimBench;
let second: CloudflareSimulator;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
  bench.putClass("apart", { dns: { apex: { mode: "Unsupported", addresses: [] } } });
  bench.putClass("late", { dns: { apex: { mode: "Unsupported", addresses: [] } }, ownership: { provision: "AfterProof" } });
  second = await startSecondZone(bench);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await second.close();
});
beforeEach(() => bench.clear());

const idsOf = (name: string) => bench.claim(name)?.spec.rows.map(({ id }) => id) ?? [];
const asked = (key: string) => (bench.domain(key)?.status?.dnsRecords ?? []).map(({ name }) => name);

/** Alice is live on the apex, with its www as the redirect. */
async function pair(apex: string): Promise<void> {
  await bench.connect("alice/apex", apex);
  await bench.until("the twin", () => idsOf(apex).length === 2);
}

describe("the www twin of an apex, and a claim of that very name", () => {
  it("whoever has proven www keeps it for itself: the apex in another zone gets no twin there", async () => {
    await bench.connect("bob/www", "www.split-acme.se", { className: "apart" });
    await bench.connect("alice/apex", "split-acme.se", { className: "second" });
    for (let round = 0; round < 3; round += 1) await bench.round(60_000);
    expect(hostnamesIn(second)).toEqual(["split-acme.se"]);
    expect(asked("alice/apex")).not.toContain("www.split-acme.se");
    expect(bench.hostnames()).toContain("www.split-acme.se");
    expect(bench.condition("bob/www", "Ready")?.status).toBe("True");
  });

  it("whoever proves www later gets it from the apex, whose row goes by its own hand", async () => {
    await pair("twin.se");
    const [primary, twin] = idsOf("twin.se");
    bench.putDomain("bob/www", { domain: "www.twin.se", className: "late" });
    await bench.round();
    expect(idsOf("twin.se")).toEqual([primary, twin]);
    bench.publishProof("bob", "www.twin.se");
    const before = bench.world.cloudflare.ledger();
    await bench.until("bob to have a row", () => idsOf("www.twin.se").length === 1, 30_000);
    expect(idsOf("twin.se")).toEqual([primary]);
    expect(idsOf("www.twin.se")).not.toContain(twin);
    const { deletes, maxRowsPerName } = bench.world.cloudflare.ledger();
    expect({ deletes: deletes - before.deletes, atOnce: maxRowsPerName["www.twin.se"] }).toEqual({ deletes: 1, atOnce: 1 });
    expect(bench.condition("alice/apex", "Ready")?.status).toBe("True");
  });

  it("a suspended apex does not keep it from its owner", async () => {
    await pair("asleep.se");
    bench.putDomain("alice/apex", { domain: "asleep.se", suspend: true });
    bench.putDomain("bob/www", { domain: "www.asleep.se", className: "late" });
    bench.publishProof("bob", "www.asleep.se");
    await bench.until("bob to have a row", () => idsOf("www.asleep.se").length === 1, 30_000);
    expect(idsOf("asleep.se")).toHaveLength(1);
  });

  it("asking for www takes no live redirect away, nor does claiming and leaving it", async () => {
    await pair("squatted.se");
    const ids = idsOf("squatted.se");
    bench.putDomain("bob/www", { domain: "www.squatted.se", className: "apart" });
    for (let round = 0; round < 3; round += 1) await bench.round(30_000);
    expect(bench.claim("www.squatted.se")?.spec).toMatchObject({ state: "Pending", rows: [] });
    bench.api.delete("customdomains", "bob/www");
    await bench.until("bob to be gone", () => bench.claim("www.squatted.se")?.spec.state === "Released");
    for (let round = 0; round < 3; round += 1) await bench.round(30_000);
    expect(idsOf("squatted.se")).toEqual(ids);
    expect(bench.hostnames()).toContain("www.squatted.se");
  });

  it("when the owner of www leaves, the apex gets its redirect", async () => {
    await bench.connect("bob/www", "www.returns.se", { className: "apart" });
    await bench.connect("alice/apex", "returns.se");
    await bench.round();
    expect(idsOf("returns.se")).toHaveLength(1);
    bench.api.delete("customdomains", "bob/www");
    await bench.until("the release", () => bench.claim("www.returns.se")?.spec.state === "Released");
    await bench.until("the twin", () => idsOf("returns.se").length === 2, 60_000);
    expect(bench.hostnames()).toContain("www.returns.se");
  });

  it("a release of www and the making of the twin never meet: both hold the name's lock", async () => {
    bench.putDomain("bob/www", { domain: "www.meeting.se", className: "late" });
    bench.putDomain("alice/apex", { domain: "meeting.se" });
    bench.publishProof("alice", "meeting.se");
    for (let round = 0; round < 2; round += 1) await bench.reconcile("bob/www");
    bench.api.delete("customdomains", "bob/www");
    for (let turn = 0; turn < 12; turn += 1) {
      await Promise.all(["bob/www", "www.meeting.se", "alice/apex"].map((key) => bench.reconcile(key)));
      await bench.world.pass(1_000);
    }
    await bench.until("both to have finished", () => idsOf("meeting.se").length === 2);
    expect(bench.hostnames().filter((name) => name.endsWith("meeting.se"))).toEqual(["meeting.se", "www.meeting.se"]);
    expect(bench.world.cloudflare.ledger().maxRowsPerName["www.meeting.se"]).toBe(1);
  });
});
