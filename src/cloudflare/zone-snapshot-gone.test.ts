import { describe, expect, test } from "vitest";
import { row, start } from "./zone-snapshot.testing.ts";

describe("rows that go", () => {
  test("gone is what two sweeps and a GET do not show, and is told once", async () => {
    const { zone, snapshot, changes, pass } = start([row(1), row(2)]);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    changes.splice(0);
    zone.rows = [row(2)];
    await pass(15_000);
    expect([changes, snapshot.byID("id-1")?.id]).toEqual([[], "id-1"]);
    zone.takeCalls();
    await pass(15_000);
    expect(zone.takeCalls()).toEqual(["list 1", "get id-1"]);
    expect([changes.splice(0), snapshot.byID("id-1")]).toEqual([["h1.customer.dev"], undefined]);
    await pass(15_000);
    expect(changes).toEqual([]);
  });

  test("a list that loses rows loses nothing: the GET shows them", async () => {
    const { zone, snapshot, changes, pass } = start([row(1), row(2)]);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    changes.splice(0);
    zone.listPage = async () => ({ rows: [], totalPages: 0, totalCount: 0 });
    for (let n = 0; n < 4; n += 1) await pass(15_000);
    expect([snapshot.state().rows, changes]).toEqual([2, []]);
  });

  test("rows that slip between shifting pages are not lost", async () => {
    const { zone, snapshot, changes, pass } = start([row(1), row(2), row(3), row(4)]);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    changes.splice(0);
    zone.afterPage = (page) => {
      // h1 goes after page 1 was cut: h3 moves to page 1 and is on no page of this sweep.
      if (page === 1) zone.rows = zone.rows.filter((one) => one.id !== "id-1");
    };
    await pass(15_000);
    zone.afterPage = undefined;
    for (let n = 0; n < 2; n += 1) await pass(15_000);
    expect([snapshot.byID("id-3")?.id, snapshot.byID("id-1"), changes]).toEqual(["id-3", undefined, ["h1.customer.dev"]]);
  });

  test("a row that is being deleted stays visible", async () => {
    const { zone, snapshot, pass } = start([row(1)]);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    zone.rows = [row(1, { status: "pending_deletion" })];
    await pass(15_000);
    expect(snapshot.byHostname("h1.customer.dev")[0]?.status).toBe("pending_deletion");
  });

  test("what a caller's own call showed is known at once and not told again", async () => {
    const { zone, snapshot, changes, pass } = start([]);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    zone.rows = [row(1)];
    snapshot.observe(row(1));
    expect(snapshot.byHostname("h1.customer.dev")).toHaveLength(1);
    await pass(15_000);
    expect(changes).toEqual([]);
    snapshot.forget("id-1");
    expect(snapshot.byHostname("h1.customer.dev")).toEqual([]);
  });
});
