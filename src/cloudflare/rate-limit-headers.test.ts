import { expect, test } from "vitest";
import { rateLimitOf, retryAfterMs } from "./rate-limit-headers.ts";

function headers(values: Record<string, string>): Headers {
  return new Headers(values);
}

test("the tightest policy counts", () => {
  const ratelimit = '"default";r=900;t=200, "burst";r=3;t=30';
  expect(rateLimitOf(200, headers({ ratelimit }))).toEqual({ remaining: 3, resetMs: 30_000, pauseMs: undefined });
});

test.each(["", "nonsense", '"default"', '"default";r=x;t=y', ";;;,"])("%j says nothing", (ratelimit) => {
  expect(rateLimitOf(200, headers({ ratelimit }))).toEqual({ remaining: undefined, resetMs: undefined, pauseMs: undefined });
});

test("a 429 pauses for Retry-After, for five minutes without one, and never for more than an hour", () => {
  expect(rateLimitOf(429, headers({ "retry-after": "240" })).pauseMs).toBe(240_000);
  expect(rateLimitOf(429, headers({})).pauseMs).toBe(300_000);
  expect(rateLimitOf(429, headers({ "retry-after": "soon" })).pauseMs).toBe(300_000);
  expect(rateLimitOf(429, headers({ "retry-after": "99999999" })).pauseMs).toBe(3_600_000);
  expect(rateLimitOf(429, headers({ "retry-after": "0" })).pauseMs).toBe(1_000);
});

test("a 503 pauses only when it says for how long, other answers never", () => {
  expect(rateLimitOf(503, headers({ "retry-after": "30" })).pauseMs).toBe(30_000);
  expect(rateLimitOf(503, headers({})).pauseMs).toBeUndefined();
  expect(rateLimitOf(500, headers({ "retry-after": "30" })).pauseMs).toBeUndefined();
});

test("a date counts from the answer's own Date", () => {
  const values = { date: "Mon, 05 Oct 2026 12:00:00 GMT", "retry-after": "Mon, 05 Oct 2026 12:00:30 GMT" };
  expect(retryAfterMs(headers(values))).toBe(30_000);
  expect(retryAfterMs(headers({ "retry-after": values["retry-after"] }))).toBeUndefined();
});
