import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CloudflareSimulator } from "../../test/simulators/cloudflare/cloudflare-simulator.ts";
import { ClaimBench } from "./claim-bench.fixture.ts";
import { killAfterEveryWrite, rowsMade } from "./claim-kill.fixture.ts";
import { hostnamesIn, startSecondZone, ZONE_2 } from "./second-zone.fixture.ts";

let bench: ClaimBench;
let second: CloudflareSimulator;

beforeAll(async () => {
  bench = await ClaimBench.start();
  for (const name of ["alice", "bob"]) bench.putNamespace(name);
  second = await startSecondZone(bench);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await second.close();
});
beforeEach(() => bench.clear());

const rowsOf = (name: string) => bench.claim(name)?.spec.rows ?? [];
const stateOf = (name: string) => bench.claim(name)?.spec.state;
const existing = (name: string) => bench.hostnames().filter((hostname) => hostname === name || hostname === `www.${name}`);

/** As a request that a dead process sent, and that arrives after all. */
async function lateDelete(id: string): Promise<number> {
  const { cloudflareURL, cloudflareToken, zoneID } = bench.world.connection;
  const headers = { authorization: `Bearer ${cloudflareToken}` };
  const answer = await fetch(`${cloudflareURL}/zones/${zoneID}/custom_hostnames/${id}`, { method: "DELETE", headers });
  return answer.status;
}

describe("a process that dies after any of its writes", { timeout: 300_000 }, () => {
  it("the www twin: made once, removed once, made again, and gone with its apex", async () => {
    const writes = await killAfterEveryWrite(bench, "-twin.se", async (name, arm) => {
      await bench.connect("alice/shop", name, { wwwRedirect: "Disabled" });
      const before = bench.world.cloudflare.ledger();
      arm();
      bench.putDomain("alice/shop", { domain: name, wwwRedirect: "Auto" });
      await bench.until("the twin", () => rowsOf(name).length === 2);
      expect(rowsMade(bench, `www.${name}`, before)).toEqual({ created: 1, atOnce: 1, deleted: 0 });
      bench.putDomain("alice/shop", { domain: name, wwwRedirect: "Disabled" });
      await bench.until("the twin to go", () => rowsOf(name).length === 1);
      expect(existing(name)).toEqual([name]);
      bench.putDomain("alice/shop", { domain: name, wwwRedirect: "Auto" });
      await bench.until("the twin again", () => rowsOf(name).length === 2);
      bench.api.delete("customdomains", "alice/shop");
      await bench.until("the release", () => stateOf(name) === "Released");
      expect(existing(name)).toEqual([]);
      expect(rowsMade(bench, `www.${name}`, before)).toEqual({ created: 2, atOnce: 1, deleted: 3 });
    });
    expect(writes).toBeGreaterThan(12);
  });

  it("a move to another zone: the new row is there before the old one goes", async () => {
    const writes = await killAfterEveryWrite(bench, ".moved.se", async (name, arm) => {
      bench.putDomain("alice/shop", { domain: name });
      await bench.until("the row", () => rowsOf(name).length === 1);
      bench.putDomain("bob/shop", { domain: name, className: "second" });
      await bench.round();
      const before = [bench.world.cloudflare.ledger(), second.ledger()] as const;
      arm();
      bench.publishProof("bob", name);
      await bench.until("the move", () => rowsOf(name).length === 1 && rowsOf(name)[0]?.zoneID === ZONE_2);
      expect([hostnamesIn(second).includes(name), existing(name)]).toEqual([true, []]);
      const after = [bench.world.cloudflare.ledger(), second.ledger()] as const;
      expect(
        after.map(({ createdRows, deletes }, at) => [
          createdRows - (before[at]?.createdRows ?? 0),
          deletes - (before[at]?.deletes ?? 0),
        ]),
      ).toEqual([
        [0, 1],
        [1, 0],
      ]);
    });
    expect(writes).toBeGreaterThan(5);
  });

  it("a late row of a dead leader: deleted once, and the name rests again", async () => {
    const writes = await killAfterEveryWrite(bench, ".late-row.se", async (name, arm) => {
      await bench.connect("alice/shop", name);
      bench.api.delete("customdomains", "alice/shop");
      await bench.until("the release", () => stateOf(name) === "Released");
      const { releaseAfterTime = "", tenant } = bench.claim(name)?.spec ?? {};
      const before = bench.world.cloudflare.ledger();
      arm();
      bench.world.cloudflare.addForeignRow({ hostname: name });
      await bench.until("the row to be gone", () => existing(name).length === 0 && stateOf(name) === "Released");
      expect(bench.claim(name)?.spec).toMatchObject({ tenant, rows: [] });
      expect(Date.parse(bench.claim(name)?.spec.releaseAfterTime ?? "")).toBeGreaterThanOrEqual(Date.parse(releaseAfterTime));
      expect(rowsMade(bench, name, before)).toMatchObject({ deleted: 1 });
    });
    expect(writes).toBeGreaterThan(3);
  });

  it("a late DELETE of a dead leader meets an id that nobody has: the successor's row stays", async () => {
    const writes = await killAfterEveryWrite(bench, ".late-delete.se", async (name, arm) => {
      await bench.connect("alice/shop", name);
      const [row] = rowsOf(name);
      arm();
      bench.api.delete("customdomains", "alice/shop");
      await bench.until("the object to be gone", () => bench.domain("alice/shop") === undefined);
      bench.unpublishProof("alice", name);
      bench.publishProof("bob", name);
      bench.putDomain("bob/shop", { domain: name });
      await bench.until("bob to be live", () => bench.condition("bob/shop", "Ready")?.status === "True");
      const [successor] = rowsOf(name);
      expect(successor?.id).not.toBe(row?.id);
      expect(await lateDelete(row?.id ?? "")).toBe(404);
      await bench.round(60_000);
      expect(rowsOf(name)).toEqual([successor]);
      expect([existing(name), bench.condition("bob/shop", "Ready")?.status]).toEqual([[name], "True"]);
    });
    expect(writes).toBeGreaterThan(8);
  });
});
