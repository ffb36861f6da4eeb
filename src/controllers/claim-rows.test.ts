import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CloudflareSimulator } from "../../test/simulators/cloudflare/cloudflare-simulator.ts";
import { ClaimBench } from "./claim-bench.fixture.ts";
import { startSecondZone, ZONE_2 } from "./second-zone.fixture.ts";

let bench: ClaimBench;
let second: CloudflareSimulator;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
  bench.putClass("apart", { dns: { apex: { mode: "Unsupported", addresses: [] } } });
  second = await startSecondZone(bench);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await second.close();
});

const idsOf = (name: string) => bench.claim(name)?.spec.rows.map(({ id }) => id) ?? [];
const rowAt = (hostname: string) =>
  bench.world.cloudflare.rows().find((row) => row.hostname === hostname && row.status !== "deleted");

describe("rows of two claims that meet in www.<apex>", () => {
  it("deleting the apex leaves www alone where each is a domain of its own", async () => {
    await bench.connect("alice/www", "www.separate.se", { className: "apart" });
    bench.putDomain("alice/apex", { domain: "separate.se", className: "apart" });
    await bench.until("the apex to have a row", () => bench.hostnames().includes("separate.se"));
    bench.putDomain("alice/newer", { domain: "www.older.se", className: "apart" });
    bench.putDomain("alice/older", { domain: "older.se", className: "apart" });
    await bench.until("both", () => bench.hostnames().filter((name) => name.endsWith("older.se")).length === 2);
    for (const name of ["apex", "older"]) bench.api.delete("customdomains", `alice/${name}`);
    await bench.until(
      "both to be gone",
      () => bench.domain("alice/apex") === undefined && bench.domain("alice/older") === undefined,
    );
    expect(bench.hostnames().filter((name) => /separate|older/.test(name))).toEqual(["www.older.se", "www.separate.se"]);
  });
});

describe("a row that was handed over", () => {
  it("loses the former holder's choices by one PATCH, also where the class leaves existing rows alone", async () => {
    bench.putDomain("alice/a", { domain: "handed.alice-pottery.se", ssl: { minTLSVersion: "1.3" } });
    await bench.until("the row", () => bench.hostnames().includes("handed.alice-pottery.se"));
    const { id } = rowAt("handed.alice-pottery.se") ?? {};
    bench.putDomain("bob/b", { domain: "handed.alice-pottery.se" });
    const before = bench.world.cloudflare.ledger();
    bench.publishProof("bob", "handed.alice-pottery.se");
    await bench.until("bob to hold it", () => bench.claim("handed.alice-pottery.se")?.spec.tenant === "bob");
    await bench.round();
    await bench.round();
    expect(bench.claim("handed.alice-pottery.se")?.spec.rows).toEqual([
      { hostname: "handed.alice-pottery.se", role: "Primary", zoneID: bench.world.connection.zoneID, id },
    ]);
    expect(rowAt("handed.alice-pottery.se")).toMatchObject({ id, ssl: { settings: { min_tls_version: "1.2" } } });
    const after = bench.world.cloudflare.ledger();
    expect({ posts: after.posts - before.posts, patches: after.patches - before.patches }).toEqual({ posts: 0, patches: 1 });
  });

  it("moves to the new holder's zone with each zone's own credential", async () => {
    bench.putDomain("alice/m", { domain: "moves.alice-pottery.se" });
    await bench.until("the row", () => bench.hostnames().includes("moves.alice-pottery.se"));
    bench.putDomain("bob/m", { domain: "moves.alice-pottery.se", className: "second" });
    await bench.round();
    bench.publishProof("bob", "moves.alice-pottery.se");
    await bench.until("the row to be in the other zone", () =>
      second.rows().some(({ hostname }) => hostname === "moves.alice-pottery.se"),
    );
    await bench.until("the old row to be gone", () => !bench.hostnames().includes("moves.alice-pottery.se"));
    await bench.until("one id in the claim", () => idsOf("moves.alice-pottery.se").length === 1);
    expect(bench.claim("moves.alice-pottery.se")?.spec.rows[0]?.zoneID).toBe(ZONE_2);
  });
});

describe("rule 13: a claim that was deleted by hand", () => {
  it("a live domain gets its ids back from status, whatever the class adopts", async () => {
    bench.putClass("never", { cloudflare: { adoption: "Never" } });
    await bench.connect("alice/live", "byhand.alice-pottery.se", { className: "never" });
    const ids = idsOf("byhand.alice-pottery.se");
    bench.world.pass(600_000);
    bench.api.delete("domainclaims", "byhand.alice-pottery.se");
    await bench.until("it to be live again", () => bench.claim("byhand.alice-pottery.se")?.spec.verifiedTime !== undefined);
    expect(idsOf("byhand.alice-pottery.se")).toEqual(ids);
    expect(bench.condition("alice/live", "Ready")?.status).toBe("True");
  });

  it("a deleting one leaves no row, also when Cloudflare cannot be asked at the time", async () => {
    await bench.connect("alice/dying", "dying.alice-pottery.se");
    await bench.world.pass(600_000);
    bench.api.delete("domainclaims", "dying.alice-pottery.se");
    bench.secret = "unknown";
    bench.api.delete("customdomains", "alice/dying");
    await bench.round();
    bench.secret = "value";
    await bench.until("it to be gone", () => bench.domain("alice/dying") === undefined);
    await bench.until("the row to be gone", () => !bench.hostnames().includes("dying.alice-pottery.se"));
    expect(bench.claim("dying.alice-pottery.se")?.spec).toMatchObject({ state: "Released", rows: [] });
  });
});
