import { performance } from "node:perf_hooks";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { controller, settle } from "./controller.testing.ts";

const KEYS = 20_000;

describe("the event loop", () => {
  test("has its turns while thousands of reconciles find nothing to do", async () => {
    let reconciled = 0;
    const { controller: c } = controller(async () => {
      reconciled += 1;
      return {};
    });
    for (let index = 0; index < KEYS; index += 1) c.queue.add(`a/${index}`);
    c.start();
    let turns = 0;
    while (reconciled < KEYS) {
      await turn();
      turns += 1;
    }
    expect(turns).toBeGreaterThan(3);
    await c.stop(0);
  });

  test("rests when there is nothing left to do", async () => {
    let reconciled = 0;
    const { controller: c } = controller(async () => {
      reconciled += 1;
      return {};
    });
    c.start();
    c.queue.add("a/1");
    await waitUntil("the reconcile", () => reconciled === 1, {
      timeoutMs: 5_000,
    });
    await settle();
    const before = performance.eventLoopUtilization();
    await sleep(100);
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
    await c.stop(0);
  });
});
