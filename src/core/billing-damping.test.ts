import fc from "fast-check";
import { expect, test } from "vitest";
import { type Damping, damp, dampingWaitMs } from "./billing-damping.ts";

const DELAYS = { debounceMs: 5_000, holdDownMs: 60_000 };

const walk = fc.array(fc.record({ desired: fc.integer({ min: 0, max: 6 }), afterMs: fc.integer({ min: 0, max: 30_000 }) }), {
  maxLength: 60,
});

interface Written {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** Applies the rule at every change and, when due, in between; `current` follows what is written. */
function play(steps: readonly { readonly desired: number; readonly afterMs: number }[], start: number): Written[] {
  const written: Written[] = [];
  let now = 0;
  let current = start;
  let damping: Damping | undefined;
  for (const { desired, afterMs } of [...steps, { desired: steps.at(-1)?.desired ?? start, afterMs: 120_000 }]) {
    const end = now + afterMs;
    damping = damp(damping, desired, current, now);
    while (damping !== undefined && now + dampingWaitMs(damping, DELAYS, now) <= end) {
      now += dampingWaitMs(damping, DELAYS, now);
      written.push({ at: now, from: current, to: desired });
      current = desired;
      damping = damp(damping, desired, current, now);
    }
    now = end;
  }
  return written;
}

test("what is wanted in the end is written in the end", () => {
  fc.assert(
    fc.property(walk, fc.integer({ min: 0, max: 6 }), (steps, start) => {
      const written = play(steps, start);
      expect(written.at(-1)?.to ?? start).toBe(steps.at(-1)?.desired ?? start);
    }),
  );
});

test("nothing is written twice, and no fall within the hold-down of another write of the same value", () => {
  fc.assert(
    fc.property(walk, fc.integer({ min: 0, max: 6 }), (steps, start) => {
      const written = play(steps, start);
      for (const { from, to } of written) expect(from).not.toBe(to);
      for (const [index, write] of written.entries()) {
        const before = written[index - 1];
        if (before !== undefined && write.to < write.from) expect(write.at - before.at).toBeGreaterThanOrEqual(DELAYS.holdDownMs);
      }
    }),
  );
});

test("a change undone before it was due costs nothing", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 4_999 }),
      (start, by, afterMs) => {
        expect(
          play(
            [
              { desired: start + by, afterMs },
              { desired: start, afterMs: 0 },
            ],
            start,
          ),
        ).toEqual([]);
        expect(
          play(
            [
              { desired: start, afterMs: afterMs * 10 },
              { desired: start + by, afterMs: 0 },
            ],
            start + by,
          ),
        ).toEqual([]);
      },
    ),
  );
});

test("a rise waits for quiet, ten debounces at most; a change of direction starts anew", () => {
  let damping = damp(undefined, 3, 2, 0);
  for (let now = 1_000; now <= 40_000; now += 1_000) damping = damp(damping, 3 + now / 1_000, 2, now);
  expect(damping && dampingWaitMs(damping, DELAYS, 40_000)).toBe(5_000);
  for (let now = 41_000; now <= 49_000; now += 1_000) damping = damp(damping, 3 + now / 1_000, 2, now);
  expect(damping && dampingWaitMs(damping, DELAYS, 49_000)).toBe(1_000);
  const falling = damp(damping, 1, 2, 49_000);
  expect(falling && dampingWaitMs(falling, DELAYS, 49_000)).toBe(60_000);
});
