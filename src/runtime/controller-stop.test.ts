import { describe, expect, test } from "vitest";
import { controller, gate, settle } from "./controller.testing.ts";

describe("stop", () => {
  test("takes nothing new and waits for what runs", async () => {
    const { reconcile, running, open } = gate();
    const { controller: c } = controller(reconcile, { maxConcurrent: 1 });
    c.start();
    c.queue.add("a/1");
    c.queue.add("a/2");
    await settle();
    let stopped = false;
    const stopping = c.stop(60_000).then(() => {
      stopped = true;
    });
    c.queue.add("a/3");
    await settle();
    expect(stopped).toBe(false);
    open();
    await stopping;
    await settle();
    expect(running).toEqual([]);
  });

  test("aborts what has not ended by then, without a retry or an error line", async () => {
    const { controller: c, log } = controller(
      (_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    c.start();
    c.queue.add("a/1");
    await settle();
    await c.stop(10);
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
    expect(c.queue.depth).toBe(0);
  });

  test("may be hurried up: the first call ends with the second", async () => {
    const { controller: c } = controller(
      (_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    c.start();
    c.queue.add("a/1");
    await settle();
    const started = performance.now();
    await Promise.all([c.stop(60_000), c.stop(0)]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("does not wait for ever for a reconcile that ignores its signal", async () => {
    const { reconcile } = gate();
    const { controller: c, log } = controller(reconcile);
    c.start();
    c.queue.add("a/1");
    await settle();
    const started = performance.now();
    await c.stop(10);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(log.at(-1)).toMatchObject({ level: "warn", running: 1 });
  }, 20_000);

  test("of an idle controller is over at once", async () => {
    const { controller: c } = controller(async () => ({}));
    c.start();
    const started = performance.now();
    await c.stop(60_000);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
