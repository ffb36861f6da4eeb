import { setTimeout as realSleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { SkewedClock } from "../../test/simulators/clock.ts";
import { systemClock } from "./clock.ts";
import { ManualClock } from "./manual-clock.testing.ts";
import { Timers } from "./timers.ts";

const DAY = 24 * 3_600_000;

function manual(): { clock: ManualClock; timers: Timers } {
  const clock = new ManualClock();
  return { clock, timers: new Timers(clock) };
}

describe("firing", () => {
  test("is in order of time, and in order of adding at one instant", () => {
    const { clock, timers } = manual();
    const fired: string[] = [];
    for (const [name, delay] of [
      ["c", 30],
      ["a", 10],
      ["b1", 20],
      ["b2", 20],
      ["at once", -5],
    ] as const) {
      timers.after(delay, () => fired.push(name));
    }
    expect(fired).toEqual([]);
    clock.advance(20);
    expect(fired).toEqual(["at once", "a", "b1", "b2"]);
    clock.advance(10);
    expect(fired).toEqual(["at once", "a", "b1", "b2", "c"]);
  });

  test("happens once, also when cancelled afterwards or twice", () => {
    const { clock, timers } = manual();
    let fired = 0;
    const cancelFired = timers.after(1, () => {
      fired += 1;
    });
    const cancelEarly = timers.after(2, () => {
      fired += 100;
    });
    cancelEarly();
    cancelEarly();
    clock.advance(1);
    cancelFired();
    clock.advance(DAY);
    expect(fired).toBe(1);
  });

  test("goes on with the rest after a callback threw", () => {
    const { clock, timers } = manual();
    const fired: string[] = [];
    timers.after(1, () => {
      throw new Error("broken callback");
    });
    timers.after(2, () => fired.push("rest"));
    expect(() => clock.advance(1)).toThrow("broken callback");
    clock.advance(1);
    expect(fired).toEqual(["rest"]);
  });

  test("a delay that is no number is refused and leaves the others as they were", () => {
    const { clock, timers } = manual();
    const fired: string[] = [];
    timers.after(1, () => fired.push("kept"));
    expect(() => timers.after(Number.NaN, () => fired.push("never"))).toThrow(RangeError);
    clock.advance(10);
    expect(fired).toEqual(["kept"]);
  });
});

describe("the clock's timer", () => {
  test("is one for any number of delays", () => {
    const { clock, timers } = manual();
    for (let index = 0; index < 1_000; index++) timers.after((index * 7919) % 1_000, () => {});
    expect(clock.armed).toBe(1);
    clock.advance(500);
    expect(clock.armed).toBe(1);
  });

  test("is given back when every delay was cancelled, so that the process may end", () => {
    const { clock, timers } = manual();
    const cancels = [5, 1, 9].map((delay) => timers.after(delay, () => {}));
    for (const cancel of cancels) cancel();
    expect(clock.armed).toBe(0);
  });

  test("is given back when a sleep is aborted", async () => {
    const { clock, timers } = manual();
    const abort = new AbortController();
    const sleeping = timers.sleep(DAY, abort.signal);
    abort.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow("enough");
    expect(clock.armed).toBe(0);
  });

  test("holds delays longer than setTimeout can", async () => {
    const timers = new Timers(systemClock);
    let fired = 0;
    timers.after(30 * DAY, () => {
      fired += 1;
    });
    await realSleep(30);
    timers.clear();
    expect(fired).toBe(0);
  });

  test("a jump of the clock fires what it made due, in order, and nothing else", () => {
    const clock = new SkewedClock();
    const timers = new Timers(clock);
    const fired: string[] = [];
    for (const [name, delay] of [
      ["day", DAY],
      ["hour", DAY / 24],
      ["week", 7 * DAY],
    ] as const) {
      timers.after(delay, () => fired.push(name));
    }
    clock.advance(2 * DAY);
    expect(fired).toEqual(["hour", "day"]);
    clock.advance(5 * DAY);
    expect(fired).toEqual(["hour", "day", "week"]);
  });
});

test("cancelled delays do not pile up until they would have been due", () => {
  const { clock, timers } = manual();
  const kept: WeakRef<object>[] = [];
  for (let index = 0; index < 10_000; index++) {
    const payload = { index };
    kept.push(new WeakRef(payload));
    timers.after(DAY, () => expect(payload).toBeUndefined())();
  }
  timers.after(2 * DAY, () => {});
  expect(timers.size).toBeLessThan(100);
  expect(clock.nextDue).toBe(2 * DAY);
});

describe("sleep", () => {
  test("ends after its time", async () => {
    const { clock, timers } = manual();
    const sleeping = timers.sleep(100, new AbortController().signal).then(() => "awake");
    clock.advance(100);
    expect(await sleeping).toBe("awake");
  });

  test("rejects with the reason of an abort, before or during it", async () => {
    const { timers } = manual();
    await expect(timers.sleep(1, AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
    const during = new AbortController();
    const sleeping = timers.sleep(1, during.signal);
    during.abort(new Error("during"));
    await expect(sleeping).rejects.toThrow("during");
  });
});
