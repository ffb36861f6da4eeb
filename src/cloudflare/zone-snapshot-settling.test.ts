import { describe, expect, test } from "vitest";
import { pendingCalls } from "./pending-plan.ts";
import { certificatePending, inService, justCreated } from "./recorded-rows.testing.ts";
import { row, start } from "./zone-snapshot.testing.ts";

describe("rows that are settling", () => {
  const pending = (n: number) => row(n, { status: "pending" });

  test("a fresh row is read again within seconds, until its validation records are there", async () => {
    const { zone, snapshot, changes, pass } = start([row(9)], { snapshotSeconds: 3600 });
    snapshot.watch("h1.customer.dev");
    await pass(0);
    changes.splice(0);
    zone.takeCalls();
    const fresh = row(1, { ...justCreated, id: "id-1", hostname: "h1.customer.dev" });
    zone.rows.push(fresh);
    snapshot.observe(fresh);
    await pass(2_000);
    expect([zone.takeCalls(), changes]).toEqual([["get id-1"], []]);
    zone.rows[1] = row(1, { ...certificatePending, id: "id-1", hostname: "h1.customer.dev" });
    await pass(6_000);
    expect([zone.takeCalls(), changes]).toEqual([["get id-1"], ["h1.customer.dev"]]);
    await pass(60_000);
    expect(zone.calls).toEqual([]);
  });

  test("between the sweeps of a large zone only watched ones are read, by the cheaper way", async () => {
    const many = Array.from({ length: 100 }, (_, n) => row(n));
    const { zone, snapshot, changes, pass } = start([...many, pending(100), pending(101), pending(102)], {
      pageSize: 3,
      requestsPer5Minutes: 400,
    });
    for (const n of [100, 101]) snapshot.watch(`h${n}.customer.dev`);
    await pass(0);
    expect(zone.takeCalls()).toHaveLength(35);
    changes.splice(0);
    await pass(15_000);
    expect(zone.takeCalls()).toEqual(["list 1 pending"]);
    zone.rows[101] = row(101);
    await pass(15_000);
    expect(zone.takeCalls()).toEqual(["list 1 pending", "get id-101"]);
    expect(changes).toEqual(["h101.customer.dev"]);
    await pass(15_000);
    // Two pending rows fill one page, of which one is watched: asking for that one alone is no dearer.
    expect(zone.takeCalls()).toEqual(["get id-100"]);
  });

  test("a thousand served and two hundred pending hostnames cost far fewer than 600 requests in five minutes", async () => {
    const rows = Array.from({ length: 1200 }, (_, n) => (n < 1000 ? row(n) : pending(n)));
    const { zone, snapshot, pass } = start(rows, { pageSize: 50 });
    for (const { hostname } of rows) snapshot.watch(hostname);
    for (let second = 0; second < 300; second += 3) {
      if (second % 30 === 0) zone.rows[1000 + second / 3] = row(1000 + second / 3);
      await pass(3_000);
    }
    expect([snapshot.state().rows, snapshot.byID("id-1090")?.status]).toEqual([1200, "active"]);
    expect(zone.calls.length).toBeGreaterThan(200);
    expect(zone.calls.length).toBeLessThan(500);
  });

  test("the plan takes whichever is fewer calls for each status, and never the rows of nobody", () => {
    const rows = [
      ...Array.from({ length: 10 }, (_, n) => pending(n)),
      row(20, { ssl: { ...inService.ssl, status: "pending_validation" } }),
      row(21, { status: "pending_migration" }),
      row(22, { ...justCreated, id: "id-22", hostname: "h22.customer.dev", status: "" }),
      row(23),
      row(24, { status: "moved" }),
      row(25, { status: "deleted", ssl: { ...inService.ssl, status: "pending_validation" } }),
    ];
    const watched = new Set([0, 1, 2, 20, 21, 22, 23, 24, 25].map((n) => `h${n}.customer.dev`));
    expect(pendingCalls(rows, watched, 5)).toEqual([
      { kind: "list", filter: { hostnameStatus: "pending" }, pages: 2, ids: ["id-0", "id-1", "id-2"] },
      { kind: "get", id: "id-20" },
      { kind: "get", id: "id-21" },
      { kind: "get", id: "id-22" },
    ]);
    expect(pendingCalls(rows, new Set(), 5)).toEqual([]);
  });
});
