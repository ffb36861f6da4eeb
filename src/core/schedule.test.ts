import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jitter, nextCheckDelayMs } from "./schedule.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The interval without its jitter. */
function step(elapsedMs: number, changes: { readonly verified?: boolean; readonly healthy?: boolean } = {}): number {
  const uid = "uid-1";
  const delay = nextCheckDelayMs({ uid, verified: false, healthy: false, elapsedMs, ...changes });
  return Math.round(delay / jitter(uid, Math.floor(elapsedMs / SECOND)));
}

/** Undoing the jitter of a rounded delay may be off by one. */
function near(actual: number, expected: number): boolean {
  return Math.abs(actual - expected) <= 1;
}

describe("while unverified", () => {
  it.each([
    [0, 5 * SECOND],
    [MINUTE - 1, 5 * SECOND],
    [MINUTE, 30 * SECOND],
    [15 * MINUTE - 1, 30 * SECOND],
    [15 * MINUTE, 5 * MINUTE],
    [HOUR, 5 * MINUTE],
    [HOUR + 5 * MINUTE - 1, 5 * MINUTE],
    [HOUR + 5 * MINUTE, 5 * MINUTE * 1.15],
    [HOUR + 5 * MINUTE + 5 * MINUTE * 1.15, 5 * MINUTE * 1.15 ** 2],
    [30 * DAY, 4 * HOUR],
    [400 * DAY, 4 * HOUR],
  ])("%i ms after the start the step is %d ms", (elapsed, expected) => {
    expect(near(step(elapsed), Math.round(expected))).toBe(true);
  });

  it("the nth step after the first hour is 5 min · 1.15ⁿ up to 4 h, whoever walks it and however often it is restarted", () => {
    let elapsed = HOUR;
    for (let n = 0; n < 60; n += 1) {
      const expected = Math.min(5 * MINUTE * 1.15 ** n, 4 * HOUR);
      expect(near(step(Math.ceil(elapsed)), Math.round(expected))).toBe(true);
      elapsed += expected;
    }
  });

  it("never shrinks as time goes by", () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 * DAY }), fc.nat({ max: DAY }), (elapsed, more) => {
        expect(step(elapsed + more)).toBeGreaterThanOrEqual(step(elapsed) - 1);
      }),
    );
  });

  it("reaches 4 h within two days", () => {
    expect(near(step(2 * DAY), 4 * HOUR)).toBe(true);
  });
});

describe("once verified", () => {
  it.each([
    [true, DAY],
    [false, 5 * MINUTE],
  ])("healthy %s: every %i ms, however old", (healthy, expected) => {
    for (const elapsed of [0, HOUR, 300 * DAY]) expect(near(step(elapsed, { verified: true, healthy }), expected)).toBe(true);
  });
});

describe("jitter", () => {
  it("lies in ±20 % and depends on its inputs only", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (uid, attempt) => {
        const factor = jitter(uid, attempt);
        expect(factor).toBeGreaterThanOrEqual(0.8);
        expect(factor).toBeLessThan(1.2);
        expect(jitter(uid, attempt)).toBe(factor);
      }),
    );
  });

  it("spreads a thousand domains that were created at once evenly", () => {
    const tenths = new Array(10).fill(0);
    for (let index = 0; index < 1_000; index += 1) tenths[Math.floor((jitter(`uid-${index}`, 3_600) - 0.8) * 25)] += 1;
    expect(Math.min(...tenths)).toBeGreaterThan(60);
    expect(Math.max(...tenths)).toBeLessThan(140);
  });

  it("is another for each check of a domain", () => {
    expect(new Set([5, 10, 15, 20].map((second) => jitter("uid-1", second))).size).toBe(4);
  });
});
