import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SkewedClock } from "../../test/simulators/clock.ts";
import { Timers } from "../runtime/timers.ts";
import { CredentialBreaker } from "./breaker.ts";
import { ChargebeeError } from "./errors.ts";
import { SiteBudget } from "./site-budget.ts";

const NEVER = new AbortController().signal;

/** Lets promise callbacks run. */
async function turn(): Promise<void> {
  for (let index = 0; index < 5; index += 1) await Promise.resolve();
}

function budgetOf(clock: SkewedClock, requestsPerMinute: number): SiteBudget {
  return new SiteBudget({ clock, timers: new Timers(clock), requestsPerMinute });
}

describe("a site's budget", () => {
  test("never starts more calls in any minute than configured, and in the long run nearly as many", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 6, max: 300 }), fc.integer({ min: 50, max: 2_000 }), async (perMinute, stepMs) => {
        const clock = new SkewedClock();
        const budget = budgetOf(clock, perMinute);
        const started: number[] = [];
        const stop = new AbortController();
        const ask = (): void => {
          budget.acquire(stop.signal).then(
            (release) => {
              started.push(clock.monotonic());
              release();
              ask();
            },
            () => {},
          );
        };
        for (let index = 0; index < 8; index += 1) ask();
        for (let passed = 0; passed < 180_000; passed += stepMs) {
          await turn();
          clock.advance(stepMs);
        }
        await turn();
        stop.abort();
        const most = Math.max(...started.map((from) => started.filter((at) => at >= from && at < from + 60_000).length));
        expect(most).toBeLessThanOrEqual(perMinute);
        expect(started.length).toBeGreaterThan(2 * perMinute);
      }),
      { numRuns: 15 },
    );
  });

  test("at most four calls are under way, and they are granted in the order of asking", async () => {
    const budget = budgetOf(new SkewedClock(), 600);
    const order: number[] = [];
    const releases: (() => void)[] = [];
    for (let index = 0; index < 6; index += 1) {
      void budget.acquire(NEVER).then((release) => {
        order.push(index);
        releases.push(release);
      });
    }
    await turn();
    expect(order).toEqual([0, 1, 2, 3]);
    releases[2]?.();
    releases[2]?.();
    await turn();
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  test("a pause refuses what waits and what comes, and a shorter one does not shorten it", async () => {
    const clock = new SkewedClock();
    const budget = budgetOf(clock, 6);
    (await budget.acquire(NEVER))();
    const waiting = budget.acquire(NEVER);
    budget.pause(90_000);
    budget.pause(1_000);
    await expect(waiting).rejects.toMatchObject({ class: "paused" });
    clock.advance(60_000);
    const error = await budget.acquire(NEVER).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ChargebeeError);
    expect(budget.pausedMs).toBeGreaterThan(29_000);
    clock.advance(30_001);
    await expect(budget.acquire(NEVER)).resolves.toBeTypeOf("function");
  });

  test("whoever gives up waiting leaves the queue", async () => {
    const clock = new SkewedClock();
    const budget = budgetOf(clock, 6);
    (await budget.acquire(NEVER))();
    const stop = new AbortController();
    const impatient = budget.acquire(stop.signal);
    const patient = budget.acquire(NEVER);
    stop.abort(new Error("stopping"));
    await expect(impatient).rejects.toThrow("stopping");
    clock.advance(13_000);
    await expect(patient).resolves.toBeTypeOf("function");
    await expect(budget.acquire(stop.signal)).rejects.toThrow("stopping");
  });
});

describe("a refused key", () => {
  const refusal = new ChargebeeError({ class: "credentials", code: "api_authentication_failed", status: 401 });

  test("one probe a minute; its success closes the breaker", () => {
    const clock = new SkewedClock();
    const breaker = new CredentialBreaker(clock);
    breaker.enter();
    breaker.refused(refusal);
    expect(() => breaker.enter()).toThrow(ChargebeeError);
    clock.advance(60_000);
    breaker.enter();
    expect(() => breaker.enter()).toThrow(ChargebeeError);
    expect(breaker.open).toBe(true);
    breaker.accepted();
    breaker.enter();
    expect(breaker.open).toBe(false);
  });
});
