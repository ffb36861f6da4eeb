import { describe, expect, test } from "vitest";
import { SkewedClock } from "../../test/simulators/clock.ts";
import { Timers } from "../runtime/timers.ts";
import { type BudgetLimits, type BudgetRequest, RequestBudget } from "./budget.ts";

const never = new AbortController().signal;
const read: BudgetRequest = { kind: "read", priority: "normal", key: "a" };

function start(limits: Partial<BudgetLimits> = {}) {
  const clock = new SkewedClock();
  const timers = new Timers(clock);
  const budget = new RequestBudget({ clock, timers, limits: { requestsPer5Minutes: 1000, createsPerMinute: 15, ...limits } });
  return { clock, timers, budget };
}

/** Grants taken until the first refusal; each is settled at once. */
async function takeAll(budget: RequestBudget, request: BudgetRequest): Promise<{ granted: number; waitMs: number }> {
  for (let granted = 0; ; granted += 1) {
    const wait = budget.waitFor(request);
    if (wait > 0) return { granted, waitMs: wait };
    const grant = await budget.acquire(request, never);
    if (!grant.granted) return { granted, waitMs: grant.waitMs };
    grant.settle("sent");
  }
}

interface Run {
  readonly clock: SkewedClock;
  readonly budget: RequestBudget;
  readonly timers: Timers;
  /** Monotonic ms of every grant. */
  readonly granted: number[];
  /** How often somebody asked. */
  asked: number;
}

/** A worker as a reconciler is one: asks, and comes back when it is told to. `callMs` is how long its call takes. */
async function work(run: Run, request: BudgetRequest, callMs = 0): Promise<void> {
  for (;;) {
    run.asked += 1;
    const grant = await run.budget.acquire(request, never);
    if (grant.granted) {
      run.granted.push(run.clock.monotonic());
      if (callMs > 0) await run.timers.sleep(callMs, never);
      grant.settle("sent");
      return;
    }
    await run.timers.sleep(grant.waitMs, never);
  }
}

/** Passes time until all are done. */
async function settle(run: Run, workers: readonly Promise<void>[], stepMs: number): Promise<void> {
  let done = false;
  const all = Promise.all(workers).then(() => {
    done = true;
  });
  while (!done) {
    for (let turn = 0; turn < 4; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    if (!done) run.clock.advance(stepMs);
  }
  await all;
}

/** The most instants within any half-open window of `windowMs`. */
function most(times: readonly number[], windowMs: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(...sorted.map((start) => sorted.filter((time) => time >= start && time < start + windowMs).length));
}

describe("requests", () => {
  test("never more than the limit in any five minutes, and nearly as many", async () => {
    const run: Run = { ...start({ requestsPer5Minutes: 200 }), granted: [], asked: 0 };
    await settle(
      run,
      Array.from({ length: 500 }, (_, n) => work(run, { ...read, key: String(n) })),
      500,
    );
    expect(most(run.granted, 300_000)).toBeLessThanOrEqual(200);
    expect((Math.max(...run.granted) - Math.min(...run.granted)) / 1000).toBeLessThan((500 / 200) * 300 * 1.2);
    // Told when to come back, each asks a few times, not every second.
    expect(run.asked).toBeLessThan(500 * 4);
  });

  test("deletes may use what others leave, users come before the rest", async () => {
    const { budget } = start();
    const counts = [
      await takeAll(budget, read),
      await takeAll(budget, { ...read, priority: "snapshot" }),
      await takeAll(budget, { ...read, priority: "user" }),
      await takeAll(budget, { ...read, kind: "delete" }),
    ].map(({ granted }) => granted);
    expect(counts).toEqual([80, 10, 5, 5]);
  });

  test("waits up to a second by itself, and ends with the signal", async () => {
    const { budget, clock } = start({ requestsPer5Minutes: 1000 });
    await takeAll(budget, { ...read, kind: "delete" });
    const stop = new AbortController();
    const waiting = budget.acquire({ ...read, kind: "delete" }, stop.signal);
    const refused = await budget.acquire(read, never);
    expect(refused).toMatchObject({ granted: false, cause: "Requests" });
    clock.advance(1_000);
    expect((await waiting).granted).toBe(true);
    await takeAll(budget, { ...read, kind: "delete" });
    const aborted = budget.acquire({ ...read, kind: "delete" }, stop.signal);
    stop.abort(new Error("stop"));
    await expect(aborted).rejects.toThrow("stop");
  });

  test("those that must wait are told different times", async () => {
    const { budget } = start();
    await takeAll(budget, { ...read, kind: "delete" });
    const waits = [];
    for (let n = 0; n < 50; n += 1) {
      const grant = await budget.acquire({ ...read, key: String(n) }, never);
      if (!grant.granted) waits.push(grant.waitMs);
    }
    expect(new Set(waits).size).toBe(waits.length);
    expect(waits.length).toBeGreaterThan(40);
  });

  test("a smaller limit holds at once", async () => {
    const { budget } = start();
    budget.setLimits({ requestsPer5Minutes: 50, createsPerMinute: 1 });
    expect((await takeAll(budget, { ...read, kind: "delete" })).granted).toBe(5);
  });
});

describe("what Cloudflare says", () => {
  test("a pause stops everything, deletes too, for exactly as long", async () => {
    const { budget, clock } = start();
    budget.onRateLimit({ remaining: undefined, resetMs: undefined, pauseMs: 240_000 });
    for (const kind of ["read", "create", "write", "delete"] as const) {
      const grant = await budget.acquire({ kind, priority: "user", key: kind }, never);
      expect(grant).toMatchObject({ granted: false, cause: "Paused" });
      expect(grant.granted ? 0 : grant.waitMs).toBeGreaterThan(239_000);
    }
    clock.advance(239_000);
    expect(budget.waitFor({ ...read, kind: "delete" })).toBeGreaterThan(0);
    clock.advance(1_000);
    expect(budget.waitFor({ ...read, kind: "delete" })).toBe(0);
  });

  test("what others use of the limit slows us down, until the window ends", async () => {
    const { budget, clock } = start();
    budget.onRateLimit({ remaining: 30, resetMs: 60_000, pauseMs: undefined });
    expect((await takeAll(budget, { ...read, kind: "delete" })).granted).toBeLessThanOrEqual(30);
    const wait = budget.waitFor({ ...read, kind: "delete" });
    expect(wait).toBeGreaterThan(1_000);
    clock.advance(61_000);
    expect(budget.waitFor(read)).toBe(0);
  });

  test("requests under way are taken off what is said to be left", async () => {
    const { budget } = start();
    for (let n = 0; n < 10; n += 1) await budget.acquire(read, never);
    budget.onRateLimit({ remaining: 12, resetMs: 60_000, pauseMs: undefined });
    expect((await takeAll(budget, { ...read, kind: "delete" })).granted).toBe(3);
  });

  test("plenty left changes nothing", async () => {
    const { budget } = start();
    budget.onRateLimit({ remaining: 1190, resetMs: 300_000, pauseMs: undefined });
    expect((await takeAll(budget, { ...read, kind: "delete" })).granted).toBe(100);
  });
});

describe("creates", () => {
  const create = (n: number): BudgetRequest => ({ kind: "create", priority: "normal", key: `CustomDomain/shop/d${n}` });

  test("a hundred at once: at most 15 in any minute however long calls take, in order, asking about once each", async () => {
    const run: Run = { ...start(), granted: [], asked: 0 };
    const order: number[] = [];
    const workers = Array.from({ length: 100 }, (_, n) => work(run, create(n), (n % 7) * 300).then(() => void order.push(n)));
    await settle(run, workers, 1_000);
    expect(most(run.granted, 60_000)).toBeLessThanOrEqual(15);
    expect((Math.max(...run.granted) - Math.min(...run.granted)) / 1000).toBeLessThan(7 * 66);
    expect(order.slice(0, 15).every((n) => n < 15)).toBe(true);
    expect(order.slice(-10).every((n) => n >= 85)).toBe(true);
    expect(run.asked).toBeLessThan(100 * 3);
  });

  test("a refused create gives its place back, one whose answer is unknown does not", async () => {
    const { budget } = start({ createsPerMinute: 2 });
    for (const [n, outcome] of [
      [1, "refused"],
      [2, "sent"],
      [3, "sent"],
    ] as const) {
      const grant = await budget.acquire(create(n), never);
      if (grant.granted) grant.settle(outcome);
    }
    const grant = await budget.acquire(create(4), never);
    expect(grant).toMatchObject({ granted: false, cause: "Creates" });
    expect(grant.granted ? 0 : grant.waitMs).toBeGreaterThan(59_000);
  });

  test("a user goes before those that wait already", async () => {
    const { budget, clock } = start({ createsPerMinute: 1 });
    const first = await budget.acquire(create(0), never);
    if (first.granted) first.settle("sent");
    for (let n = 1; n < 5; n += 1) budget.waitFor(create(n));
    expect(budget.waitFor({ ...create(9), priority: "user" })).toBeLessThanOrEqual(60_000);
    clock.advance(60_001);
    expect((await budget.acquire(create(1), never)).granted).toBe(false);
    expect((await budget.acquire({ ...create(9), priority: "user" }, never)).granted).toBe(true);
  });

  test("who never comes back loses the place", async () => {
    const { budget, clock } = start({ createsPerMinute: 1 });
    const first = await budget.acquire(create(0), never);
    if (first.granted) first.settle("sent");
    for (let n = 1; n < 5; n += 1) budget.waitFor(create(n));
    clock.advance(4 * 60_000 + 121_000);
    expect(budget.waitFor(create(7))).toBe(0);
  });
});
