import { describe, expect, onTestFinished, test } from "vitest";
import { SkewedClock } from "../../test/simulators/clock.ts";
import { Timers } from "../runtime/timers.ts";
import type { CloudflareApi, Page, PageQuery } from "./api.ts";
import { answerError, heldBack } from "./errors.ts";
import { pendingCalls } from "./pending-plan.ts";
import { certificatePending, inService, justCreated } from "./recorded-rows.testing.ts";
import { type CustomHostname, parseRow } from "./row.ts";
import { type SnapshotSettings, ZoneSnapshot } from "./zone-snapshot.ts";

const ZONE = "023e105f4ecef8ad9ca31a8372d0c353";
const never = new AbortController().signal;
const settings: SnapshotSettings = { snapshotSeconds: 15, pageSize: 2, requestsPer5Minutes: 1000 };

function row(n: number | string, more: Record<string, unknown> = {}): CustomHostname {
  const parsed = parseRow({ ...inService, id: `id-${n}`, hostname: `h${n}.customer.dev`, ...more });
  if (parsed === undefined) throw new Error("no row");
  return parsed;
}

/** A zone in memory that counts what it is asked. */
class Zone implements Pick<CloudflareApi, "listPage" | "get"> {
  rows: CustomHostname[] = [];
  readonly calls: string[] = [];
  fail: (() => Error | undefined) | undefined;
  /** Runs after a page was cut. */
  afterPage: ((page: number) => void) | undefined;
  maxPerPage = 1000;

  async listPage(_zoneID: string, query: PageQuery): Promise<Page> {
    const filter = query.hostnameStatus ?? query.sslStatus;
    this.calls.push(`list ${query.page}${filter === undefined ? "" : ` ${filter}`}`);
    this.#failIfAsked();
    if (query.perPage > this.maxPerPage) {
      throw answerError(
        { status: 400, errors: [{ code: 99, message: "per_page" }], retryAfterMs: undefined },
        { mutation: false, secrets: [] },
      );
    }
    const wanted = this.rows.filter(
      (one) =>
        (query.hostnameStatus === undefined || one.status === query.hostnameStatus) &&
        (query.sslStatus === undefined || one.ssl?.status === query.sslStatus),
    );
    const start = (query.page - 1) * query.perPage;
    const page = {
      rows: wanted.slice(start, start + query.perPage),
      totalPages: Math.ceil(wanted.length / query.perPage),
      totalCount: wanted.length,
    };
    this.afterPage?.(query.page);
    return page;
  }

  async get(_zoneID: string, id: string): Promise<CustomHostname | undefined> {
    this.calls.push(`get ${id}`);
    this.#failIfAsked();
    return this.rows.find((one) => one.id === id);
  }

  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  #failIfAsked(): void {
    const error = this.fail?.();
    if (error !== undefined) throw error;
  }
}

function start(rows: readonly CustomHostname[], more: Partial<SnapshotSettings> = {}) {
  const clock = new SkewedClock();
  const zone = new Zone();
  zone.rows = [...rows];
  const changes: string[] = [];
  const failures: unknown[] = [];
  const snapshot = new ZoneSnapshot({
    zoneID: ZONE,
    clock,
    timers: new Timers(clock),
    settings: { ...settings, ...more },
    api: () => zone,
    onChange: (hostname) => changes.push(hostname),
    onFailure: (error) => failures.push(error),
  });
  const stop = new AbortController();
  const finished = snapshot.run(stop.signal);
  onTestFinished(async () => {
    stop.abort(new Error("test over"));
    await finished;
  });
  /** Lets everything that is due happen, then passes the time. */
  const pass = async (ms: number): Promise<void> => {
    await quiet();
    clock.advance(ms);
    await quiet();
  };
  return { clock, zone, snapshot, changes, failures, pass, stop, finished };
}

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

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
