import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashFraction, ItemBackoff } from "./backoff.ts";

describe("ItemBackoff", () => {
  test("doubles from 1 s to 5 min for each item by itself, and begins anew after a success", () => {
    const backoff = new ItemBackoff();
    expect(Array.from({ length: 11 }, () => backoff.next("a"))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000,
    ]);
    expect(backoff.next("b")).toBe(1_000);
    expect(backoff.failures("a")).toBe(11);
    backoff.forget("a");
    expect(backoff.failures("a")).toBe(0);
    expect(backoff.next("a")).toBe(1_000);
  });

  test("stays at its limit after thousands of failures", () => {
    const backoff = new ItemBackoff(5, 60_000);
    for (let failure = 0; failure < 5_000; failure++) backoff.next("a");
    expect(backoff.next("a")).toBe(60_000);
  });
});

describe("hashFraction", () => {
  test("is in [0, 1), the same for the same parts, and tells where one part ends", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.integer()), { minLength: 1 }), (parts) => {
        const fraction = hashFraction(...parts);
        expect(fraction).toBeGreaterThanOrEqual(0);
        expect(fraction).toBeLessThan(1);
        expect(hashFraction(...parts)).toBe(fraction);
      }),
    );
    expect(hashFraction("ab", "c")).not.toBe(hashFraction("a", "bc"));
  });

  test("spreads similar inputs evenly: every tenth gets its share of a thousand attempts", () => {
    const tenths = new Array<number>(10).fill(0);
    for (let attempt = 0; attempt < 10_000; attempt++) {
      const tenth = Math.floor(hashFraction("2c8a4d6f-0000-4000-8000-000000000000", attempt) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(850);
    expect(Math.max(...tenths)).toBeLessThan(1_150);
  });
});
