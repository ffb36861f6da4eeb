import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { systemClock } from "./clock.ts";
import { Bench } from "./manager.testing.ts";

class Lost extends Error {}

const benches: Bench[] = [];
function bench(options?: { readonly election: boolean }): Bench {
  const made = new Bench(options);
  benches.push(made);
  return made;
}
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await Promise.all(benches.splice(0).map(({ health }) => health.close()));
});

test("starts caches, then leads, then works; stops in the reverse order and keeps the Lease until it is done", async () => {
  const b = bench();
  b.controller.queue.add("a/1");
  const run = b.manager.run(b.signal.signal);
  await b.see("reconcile a/1");
  b.signal.abort();
  await sleep(50);
  b.finish();
  await run;
  expect(b.happened).toEqual([
    "cache runs",
    "standing for election",
    "elected",
    "leading",
    "reconcile a/1",
    "a/1 done",
    "events flushed",
    "renewing stopped",
    "lease released",
    "cache stopped",
  ]);
});

test("is not ready, and does not stand for election, before its caches are complete", async () => {
  const b = bench();
  b.synced = false;
  const run = b.manager.run(b.signal.signal);
  await b.see("cache runs");
  expect(await b.probe("/readyz")).toBe(500);
  expect(await b.probe("/livez")).toBe(200);
  await sleep(100);
  expect(b.happened).toEqual(["cache runs"]);
  b.synced = true;
  await b.see("leading");
  expect(await b.probe("/readyz")).toBe(200);
  b.signal.abort();
  await run;
});

test("is not alive with a watch in which nothing has happened for ten minutes, not even a failure", async () => {
  const b = bench();
  const run = b.manager.run(b.signal.signal);
  await b.see("leading");
  b.cacheStuckMs = 599_000;
  expect(await b.probe("/livez")).toBe(200);
  b.cacheStuckMs = 601_000;
  expect(await b.probe("/livez")).toBe(500);
  b.signal.abort();
  await run;
});

test("a standby is ready, works on nothing, and stops quietly", async () => {
  const b = bench();
  b.elected = false;
  b.controller.queue.add("a/1");
  const run = b.manager.run(b.signal.signal);
  await b.see("standing for election");
  await sleep(50);
  expect(await b.probe("/readyz")).toBe(200);
  b.signal.abort();
  await run;
  expect(b.happened).toEqual(["cache runs", "standing for election", "events flushed", "cache stopped"]);
});

test("without an election it works as soon as its caches are complete", async () => {
  const b = bench({ election: false });
  b.controller.queue.add("a/1");
  const run = b.manager.run(b.signal.signal);
  await b.see("reconcile a/1");
  b.finish();
  b.signal.abort();
  await run;
  expect(b.happened).toEqual(["cache runs", "leading", "reconcile a/1", "a/1 done", "events flushed", "cache stopped"]);
});

describe("when the Lease is lost", () => {
  test("it rejects at once: nothing is drained, nothing released", async () => {
    const b = bench();
    b.controller.queue.add("a/1");
    const run = b.manager.run(b.signal.signal);
    await b.see("reconcile a/1");
    b.lose(new Lost("renewed too late"));
    await expect(run).rejects.toThrow(Lost);
    expect(b.happened.slice(5)).toEqual(["a/1 aborted", "events flushed", "cache stopped"]);
  });

  test("while it drains, it stops draining", async () => {
    const b = bench();
    b.controller.queue.add("a/1");
    const run = b.manager.run(b.signal.signal);
    await b.see("reconcile a/1");
    b.signal.abort();
    await sleep(20);
    b.lose(new Lost("renewed too late"));
    await expect(run).rejects.toThrow(Lost);
    expect(b.happened.slice(5)).toEqual(["a/1 aborted", "events flushed", "cache stopped"]);
  });
});

describe("liveness", () => {
  test("holds while it drains, however long", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const b = bench();
    b.controller.queue.add("a/1");
    const run = b.manager.run(b.signal.signal);
    await b.see("reconcile a/1");
    b.signal.abort();
    await sleep(20);
    const before = systemClock.monotonic();
    vi.advanceTimersByTime(15_000);
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(15_000);
    expect(await b.probe("/livez")).toBe(200);
    b.finish();
    await run;
  });

  test("ends with a blocked event loop and with a stuck reconcile", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const b = bench();
    const run = b.manager.run(b.signal.signal);
    await b.see("leading");
    b.controller.queue.add("a/1");
    await b.see("reconcile a/1");
    expect(await b.probe("/livez")).toBe(200);
    b.passQueueTime(300_001);
    expect(await b.probe("/livez")).toBe(500);
    b.finish();
    await waitUntil("the reconcile to end", () => b.controller.queue.processingAges().length === 0, { timeoutMs: 5_000 });
    expect(await b.probe("/livez")).toBe(200);
    const later = performance.now() + 15_000;
    vi.spyOn(performance, "now").mockReturnValue(later);
    expect(await b.probe("/livez")).toBe(500);
    vi.advanceTimersByTime(1_000);
    expect(await b.probe("/livez")).toBe(200);
    vi.restoreAllMocks();
    b.signal.abort();
    await run;
  });
});
