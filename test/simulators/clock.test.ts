import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SkewedClock } from "./clock.ts";

const HOUR = 3_600_000;

test("advance moves wall and monotonic time by the same amount, at once", () => {
  const clock = new SkewedClock();
  const before = { wall: clock.now(), monotonic: clock.monotonic() };
  clock.advance(7 * 24 * HOUR);
  expect(clock.now() - before.wall).toBeGreaterThanOrEqual(7 * 24 * HOUR);
  expect(clock.now() - before.wall).toBeLessThan(7 * 24 * HOUR + 60_000);
  expect(clock.monotonic() - before.monotonic).toBeGreaterThanOrEqual(7 * 24 * HOUR);
});

test("timers fire in due order, and only those that are due", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 30 }),
      fc.integer({ min: 0, max: 1000 }),
      (hours, jump) => {
        const clock = new SkewedClock();
        const fired: number[] = [];
        const cancels = hours.map((hour) => clock.setTimer((hour - 0.5) * HOUR, () => fired.push(hour)));
        clock.advance(jump * HOUR);
        for (const cancel of cancels) cancel();
        clock.advance(2000 * HOUR);
        expect(fired).toEqual(hours.filter((hour) => hour <= jump).sort((a, b) => a - b));
      },
    ),
  );
});

test("a timer set by a callback waits for its own delay", () => {
  const clock = new SkewedClock();
  const fired: string[] = [];
  clock.setTimer(HOUR, () => {
    fired.push("first");
    clock.setTimer(HOUR, () => fired.push("second"));
  });
  clock.advance(10 * HOUR);
  expect(fired).toEqual(["first"]);
  clock.advance(HOUR + 1);
  expect(fired).toEqual(["first", "second"]);
});

test("a callback can cancel a later timer of the same batch", () => {
  const clock = new SkewedClock();
  const fired: string[] = [];
  clock.setTimer(1, () => cancel());
  const cancel = clock.setTimer(2, () => fired.push("cancelled"));
  clock.advance(HOUR);
  expect(fired).toEqual([]);
});

test("real time keeps flowing, never synchronously", async () => {
  const clock = new SkewedClock();
  const fired: string[] = [];
  clock.setTimer(0, () => fired.push("now"));
  clock.setTimer(30, () => fired.push("soon"));
  expect(fired).toEqual([]);
  const deadline = Date.now() + 5000;
  while (fired.length < 2 && Date.now() < deadline) await delay(5);
  expect(fired).toEqual(["now", "soon"]);
});

test("time does not run backwards", () => {
  const clock = new SkewedClock();
  expect(() => clock.advance(-1)).toThrow(RangeError);
  expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
});
