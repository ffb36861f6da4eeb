import { describe, expect, test } from "vitest";
import { answerError, heldBack } from "./errors.ts";
import { never, row, settings, start } from "./zone-snapshot.testing.ts";

describe("sweeps", () => {
  test("nothing is asked while nobody watches", async () => {
    const { zone, snapshot, pass } = start([row(1)]);
    await pass(3_600_000);
    expect([zone.calls, snapshot.state().generation]).toEqual([[], 0]);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    expect([zone.takeCalls(), snapshot.state().generation]).toEqual([["list 1"], 1]);
    snapshot.unwatch("h1.customer.dev");
    await pass(15_000);
    zone.takeCalls();
    await pass(3_600_000);
    expect(zone.calls).toEqual([]);
  });

  test("all pages are read, and told once as new, then only when something changes", async () => {
    const { zone, snapshot, changes, pass } = start([row(1), row(2), row(3), row(4), row(5)]);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    expect(zone.takeCalls()).toEqual(["list 1", "list 2", "list 3"]);
    expect(changes.splice(0)).toHaveLength(5);
    await pass(15_000);
    expect([zone.takeCalls().length, changes]).toEqual([3, []]);
    zone.rows[3] = row(4, { status: "moved" });
    await pass(15_000);
    expect(changes).toEqual(["h4.customer.dev"]);
    expect(snapshot.byHostname("h4.customer.dev")[0]?.status).toBe("moved");
    expect(snapshot.state()).toMatchObject({ generation: 3, rows: 5, failure: undefined });
  });

  test("the interval grows with the pages so that sweeps use a quarter of the budget", async () => {
    const rows = Array.from({ length: 200 }, (_, n) => row(n));
    const { zone, snapshot, pass } = start(rows);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    expect(zone.takeCalls()).toHaveLength(100);
    await pass(119_000);
    expect(zone.takeCalls()).toEqual([]);
    await pass(2_000);
    expect(zone.takeCalls()).toHaveLength(100);
  });

  test("new settings count at once", async () => {
    const { zone, snapshot, pass } = start([row(1)], { snapshotSeconds: 3600 });
    snapshot.watch("h1.customer.dev");
    await pass(60_000);
    expect(zone.takeCalls()).toEqual(["list 1"]);
    snapshot.setSettings({ ...settings, snapshotSeconds: 30 });
    await pass(0);
    expect(zone.takeCalls()).toEqual(["list 1"]);
    snapshot.setSettings({ ...settings, snapshotSeconds: 30 });
    await pass(20_000);
    expect(zone.takeCalls()).toEqual([]);
  });

  test("a page size that Cloudflare refuses falls back to 50 for good", async () => {
    const rows = Array.from({ length: 120 }, (_, n) => row(n));
    const { zone, snapshot, failures, pass } = start(rows, { pageSize: 1000 });
    zone.maxPerPage = 50;
    snapshot.watch("h1.customer.dev");
    await pass(0);
    expect(zone.takeCalls()).toEqual(["list 1", "list 1", "list 2", "list 3"]);
    await pass(15_000);
    expect([zone.takeCalls(), snapshot.state().rows, failures]).toEqual([["list 1", "list 2", "list 3"], 120, []]);
  });

  test("refreshes share one sweep, and one asked for during a sweep gets the next", async () => {
    const { zone, snapshot, pass } = start([row(1)]);
    const both = Promise.all([snapshot.refresh(never), snapshot.refresh(never)]);
    let third: Promise<void> | undefined;
    zone.afterPage = () => {
      zone.afterPage = undefined;
      third = snapshot.refresh(never);
    };
    await pass(0);
    await both;
    await third;
    expect(zone.calls).toEqual(["list 1", "list 1"]);
  });

  test("a refresh ends with its signal, with the failure of its sweep, and with the snapshot", async () => {
    const { zone, snapshot, stop, finished, pass } = start([row(1)]);
    const own = new AbortController();
    const aborted = snapshot.refresh(own.signal);
    own.abort(new Error("gone"));
    await expect(aborted).rejects.toThrow("gone");
    await pass(0);
    zone.fail = () => new Error("unreachable");
    await expect(snapshot.refresh(never)).rejects.toThrow("unreachable");
    stop.abort(new Error("over"));
    await finished;
    await expect(snapshot.refresh(AbortSignal.abort(new Error("late")))).rejects.toThrow("late");
  });

  test("a failing sweep keeps the rows, is reported, and is tried less and less often", async () => {
    const { zone, snapshot, failures, pass, clock } = start([row(1)]);
    snapshot.watch("h1.customer.dev");
    await pass(0);
    zone.fail = () => new Error("unreachable");
    zone.takeCalls();
    for (let n = 0; n < 3_600; n += 15) await pass(15_000);
    expect(zone.takeCalls().length).toBeLessThan(20);
    expect(failures.length).toBeGreaterThan(5);
    expect(snapshot.byHostname("h1.customer.dev")).toHaveLength(1);
    expect(snapshot.state()).toMatchObject({ generation: 1, failure: new Error("unreachable") });
    expect(snapshot.state().ageMs).toBeGreaterThan(3_500_000);
    zone.fail = undefined;
    snapshot.retryNow();
    await pass(0);
    expect(snapshot.state()).toMatchObject({ generation: 2, failure: undefined });
    expect(clock.monotonic()).toBeGreaterThan(0);
  });

  test("a pause of Cloudflare's is waited out, a short wait of our own budget does not end the sweep", async () => {
    const { zone, snapshot, failures, pass } = start([row(1), row(2), row(3)]);
    let refusals = 1;
    zone.fail = () => (zone.calls.at(-1) === "list 2" && refusals-- > 0 ? heldBack("RateLimited", "own", 5_000) : undefined);
    snapshot.watch("h1.customer.dev");
    await pass(5_000);
    expect([zone.takeCalls(), snapshot.state().generation, failures]).toEqual([["list 1", "list 2", "list 2"], 1, []]);
    zone.fail = () =>
      answerError(
        { status: 429, errors: [{ code: 10429, message: "" }], retryAfterMs: 900_000 },
        { mutation: false, secrets: [] },
      );
    await pass(15_000);
    zone.takeCalls();
    for (let n = 0; n < 14; n += 1) await pass(60_000);
    expect([zone.takeCalls(), failures.length]).toEqual([[], 1]);
    zone.fail = undefined;
    await pass(60_000);
    expect(snapshot.state().generation).toBe(2);
  });
});
