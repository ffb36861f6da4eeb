import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { SkewedClock } from "../simulators/clock.ts";
import { Runner, StepFailed } from "./runner.ts";

function runnerWith(clock = new SkewedClock()) {
  const interrupt = new AbortController();
  return { clock, interrupt, runner: new Runner({ clock, interrupt: interrupt.signal }) };
}

function never(): Promise<never> {
  return new Promise(() => {});
}

describe("a step", () => {
  test("that is done has its value and its time", async () => {
    const { clock, runner } = runnerWith();
    const { value, tookMs } = await runner.run("A step", 60_000, async ({ until }) => {
      clock.advance(3_000);
      return until("a number", () => 7);
    });
    expect(value).toBe(7);
    expect(tookMs).toBeGreaterThanOrEqual(3_000);
  });

  test("whose wait ends without an answer says what it waited for", async () => {
    const { runner } = runnerWith();
    const failed = runner.run("A step", 200, ({ until }) => until("a sign", () => false));
    await expect(failed).rejects.toThrow(StepFailed);
    await expect(failed).rejects.toThrow("gave up waiting for a sign after 0.2 s");
  });

  test("that hangs is given up", async () => {
    const { clock, runner } = runnerWith();
    const failed = runner.run("A step", 60_000, never);
    const outcome = expect(failed).rejects.toThrow("it did not end within 60 s");
    clock.advance(66_000);
    await setImmediate();
    clock.advance(6_000);
    await outcome;
  });

  test("that is given up may end what it has begun", async () => {
    const { runner, interrupt } = runnerWith();
    let ended = false;
    const interrupted = runner.run("A step", 60_000, async ({ signal }) => {
      await once(signal, "abort");
      await setImmediate();
      ended = true;
    });
    interrupt.abort(new Error("Ctrl-C"));
    await expect(interrupted).rejects.toThrow("Ctrl-C");
    expect(ended).toBe(true);
  });

  test("fails at once when what it relies on has ended", async () => {
    const { runner } = runnerWith();
    runner.checkAlive = () => {
      throw new Error("the operator has ended");
    };
    const failed = runner.run("A step", 60_000, ({ until }) => until("a sign", () => true));
    await expect(failed).rejects.toThrow("the operator has ended");
  });

  test("ends at an interruption, with its reason", async () => {
    const { runner, interrupt } = runnerWith();
    const interrupted = runner.run("A step", 60_000, ({ until }) => until("a sign", () => false));
    interrupt.abort(new Error("Ctrl-C"));
    await expect(interrupted).rejects.toThrow(new Error("Ctrl-C"));
  });

  test("leaves no timer behind", async () => {
    const timers = new Set<() => void>();
    const counting = {
      ...systemClock,
      setTimer: (delayMs: number, callback: () => void) => {
        const cancel = systemClock.setTimer(delayMs, callback);
        timers.add(cancel);
        return () => {
          timers.delete(cancel);
          cancel();
        };
      },
    };
    await new Runner({ clock: counting, interrupt: new AbortController().signal }).run("A step", 60_000, async () => 1);
    expect(timers.size).toBe(0);
  });
});
