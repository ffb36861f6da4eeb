import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CloudflareSimulator } from "../../test/simulators/cloudflare/cloudflare-simulator.ts";
import { ClaimBench } from "./claim-bench.fixture.ts";
import { hostnamesIn, startSecondZone, ZONE_2 } from "./second-zone.fixture.ts";

let bench: ClaimBench;
let second: CloudflareSimulator;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob", "crowd"]) bench.putNamespace(name);
  second = await startSecondZone(bench);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await second.close();
});
beforeEach(() => bench.clear());

const HOUR = 3_600_000;
const stateOf = (name: string) => bench.claim(name)?.spec.state;
const rowsOf = (name: string) => bench.claim(name)?.spec.rows ?? [];

describe("an id that stands for another hostname", () => {
  it("is deleted by nobody: not by a release", async () => {
    await bench.connect("bob/victim", "victim.bob-tea.co.uk");
    await bench.connect("alice/shop", "stale.alice-pottery.se");
    const [row] = rowsOf("stale.alice-pottery.se");
    bench.editClaim("stale.alice-pottery.se", { rows: [{ ...row, id: rowsOf("victim.bob-tea.co.uk")[0]?.id }] });
    bench.api.delete("customdomains", "alice/shop");
    await bench.until("the release", () => stateOf("stale.alice-pottery.se") === "Released");
    expect(bench.hostnames()).toContain("victim.bob-tea.co.uk");
  });

  it("nor as a twin that is not wanted any more", async () => {
    await bench.connect("bob/victim", "other.bob-tea.co.uk");
    await bench.connect("alice/shop", "stale-twin.se");
    await bench.until("the twin", () => rowsOf("stale-twin.se").length === 2);
    const [primary, twin] = rowsOf("stale-twin.se");
    bench.editClaim("stale-twin.se", { rows: [primary, { ...twin, id: rowsOf("other.bob-tea.co.uk")[0]?.id }] });
    bench.putDomain("alice/shop", { domain: "stale-twin.se", wwwRedirect: "Disabled" });
    await bench.until("the id to be dropped", () => rowsOf("stale-twin.se").length === 1);
    expect(bench.hostnames()).toContain("other.bob-tea.co.uk");
  });
});

describe("the ids that a claim can record", () => {
  const inZone = (zoneID: string, name: string, id: string) =>
    [name, `www.${name}`].map((hostname, at) => ({
      hostname,
      role: at === 0 ? "Primary" : "Redirect",
      zoneID,
      id: `${id}-${at}`,
    }));

  it("are full of rows that no class can reach: none is dropped, and none is made that could not be recorded", async () => {
    const name = "crowded.se";
    await bench.connect("alice/shop", name, { wwwRedirect: "Disabled" });
    const lost = [...inZone("e".repeat(32), name, "lost"), ...inZone("d".repeat(32), name, "gone")].slice(0, 3);
    bench.editClaim(name, { rows: [...rowsOf(name), ...lost] });
    bench.putDomain("alice/shop", { domain: name });
    for (let round = 0; round < 4; round += 1) await bench.round(30_000);
    expect(rowsOf(name).slice(1)).toEqual(lost);
    expect(bench.hostnames()).not.toContain(`www.${name}`);
  });

  it("make room as soon as older rows can go, and only those that a newer one replaces", async () => {
    const name = "roomy.se";
    await bench.connect("alice/shop", name);
    await bench.until("the twin", () => rowsOf(name).length === 2);
    for (const row of rowsOf(name)) bench.world.cloudflare.deleteUpstream(row.hostname);
    const ids = [name, `www.${name}`].map((hostname) => second.addForeignRow({ hostname, zoneID: ZONE_2 }));
    const older = inZone(ZONE_2, name, "").map((row, at) => ({ ...row, id: ids[at] }));
    const lost = inZone("e".repeat(32), name, "lost");
    // As after two changes of zone while nothing could be removed.
    bench.editClaim(name, { rows: [...lost, ...older] });
    await bench.until(
      "rows in the own zone",
      () => hostnamesIn(second).length === 0 && bench.hostnames().includes(`www.${name}`),
    );
    await bench.until("them to be recorded", () => rowsOf(name).length === 4);
    expect(rowsOf(name).map(({ zoneID }) => zoneID.slice(0, 1))).toEqual(["0", "0", "e", "e"]);
  });
});

describe("a release of a claim that is full", () => {
  it("finds the row that nobody recorded once the recorded ones are seen gone", async () => {
    const name = "full.alice-pottery.se";
    const { zoneID } = bench.world.connection;
    bench.putDomain("alice/shop", { domain: name });
    await bench.until("the row", () => rowsOf(name).length === 1);
    const stale = [...Array(4).keys()].map(() => ({ hostname: name, role: "Primary", zoneID, id: crypto.randomUUID() }));
    bench.editClaim(name, { rows: stale, state: "Releasing" });
    bench.strip("alice/shop");
    await bench.until("the release", () => stateOf(name) === "Released");
    expect(bench.hostnames()).not.toContain(name);
  });
});

describe("createdTime", () => {
  it("begins anew when the last row vanished and none may be made", async () => {
    const name = "emptied.alice-pottery.se";
    bench.putDomain("alice/shop", { domain: name });
    await bench.until("the row", () => rowsOf(name).length === 1);
    const { createdTime } = bench.claim(name)?.spec ?? {};
    bench.putDomain("bob/shop", { domain: name });
    await bench.world.pass(HOUR);
    bench.world.cloudflare.deleteUpstream(name);
    await bench.until("the id to go", () => rowsOf(name).length === 0, 30_000);
    expect(Date.parse(bench.claim(name)?.spec.createdTime ?? "") - Date.parse(createdTime ?? "")).toBeGreaterThanOrEqual(HOUR);
  });

  it("is renewed before a late POST, and not for an early one", async () => {
    bench.putClass("after", { ownership: { provision: "AfterProof" } });
    bench.putDomain("alice/shop", { domain: "late.alice-pottery.se", className: "after" });
    bench.putDomain("alice/early", { domain: "early.alice-pottery.se" });
    await bench.until(
      "both claims",
      () => bench.claim("late.alice-pottery.se") !== undefined && rowsOf("early.alice-pottery.se").length === 1,
    );
    const timeOf = (name: string) => Date.parse(bench.claim(name)?.spec.createdTime ?? "");
    const [late, early] = [timeOf("late.alice-pottery.se"), timeOf("early.alice-pottery.se")];
    await bench.world.pass(6 * HOUR);
    bench.publishProof("alice", "late.alice-pottery.se");
    await bench.until("the row", () => rowsOf("late.alice-pottery.se").length === 1, HOUR);
    expect(timeOf("late.alice-pottery.se") - late).toBeGreaterThanOrEqual(6 * HOUR);
    expect(timeOf("early.alice-pottery.se")).toBe(early);
  });
});

describe("rule 11: a mass loss of proofs", () => {
  const lost = (index: number) => {
    const domain = `d${index}.lost.se`;
    const holder = { namespace: "crowd", name: `d${index}`, uid: `lost-${index}` };
    const past = new Date(bench.now - 2 * HOUR).toISOString();
    const times = { createdTime: past, provenTime: past, proofLostTime: past };
    const spec = { state: "Proven", domain, tenant: "crowd", id: `id-${index}`, className: "fused", holder, ...times, rows: [] };
    bench.api.put("domainclaims", { apiVersion: "customdomains.dev/v1", kind: "DomainClaim", metadata: { name: domain }, spec });
  };

  it("lapses nothing, until it is over", async () => {
    bench.putClass("fused", { ownership: { gracePeriodHours: 1 } });
    await bench.connect("alice/shop", "fused.alice-pottery.se", { className: "fused" });
    for (let index = 0; index < 25; index += 1) lost(index);
    bench.unpublishProof("alice", "fused.alice-pottery.se");
    for (let turn = 0; turn < 6; turn += 1) {
      await bench.reconcile("alice/shop");
      await bench.world.pass(6 * HOUR);
    }
    expect(bench.claim("fused.alice-pottery.se")?.spec).toMatchObject({ state: "Proven", proofLostTime: expect.any(String) });
    expect(bench.domain("alice/shop")?.status?.verified).toBe(true);
    for (let index = 0; index < 25; index += 1) bench.api.delete("domainclaims", `d${index}.lost.se`);
    await bench.until("the lapse", () => stateOf("fused.alice-pottery.se") === "Pending", HOUR);
  });
});
