import { describe, expect, it } from "vitest";
import { ago, DAY, NOW, proven } from "./claim.testing.ts";
import { beginAttempt, isAfterAttempt } from "./claim-attempt.ts";

const MINUTE = 60_000;

describe("an attempt to make a row", () => {
  it.each([
    ["a claim that was just made", 0],
    ["one a few minutes old", 4 * MINUTE],
  ])("needs no write before it: %s", (_, age) => {
    expect(beginAttempt(proven({ createdTime: ago(age) }), NOW)).toBeUndefined();
  });

  it.each([
    ["a proof that took its time", 5 * MINUTE],
    ["a twin that is wanted a year later", 365 * DAY],
    ["a clock that was set back", -MINUTE],
  ])("renews createdTime first: %s", (_, age) => {
    const claim = proven({ createdTime: ago(age), verifiedTime: ago(age) });
    expect(beginAttempt(claim, NOW)).toEqual({ ...claim, createdTime: ago(0) });
  });

  it("makes rows of its own age only", () => {
    expect(isAfterAttempt(ago(0), ago(10 * MINUTE))).toBe(false);
    expect(isAfterAttempt(ago(0), ago(10 * MINUTE + 1))).toBe(true);
    expect(isAfterAttempt(ago(0), ago(-MINUTE))).toBe(false);
  });

  it("leaves time for the slowest answer: the last POST that counts is younger than the last row that does", () => {
    const oldest = [...Array(20).keys()].filter(
      (minutes) => beginAttempt(proven({ createdTime: ago(minutes * MINUTE) }), NOW) === undefined,
    );
    const latest = ago(-3 * MINUTE);
    for (const minutes of oldest) expect(isAfterAttempt(latest, ago(minutes * MINUTE))).toBe(false);
  });
});
