import { expect, test } from "vitest";
import { CERTIFICATE_ATTEMPTS, CheckCurve, HOSTNAME_ATTEMPTS } from "./timings.ts";

const HOUR = 3_600_000;
const attempts = (count: number) => new CheckCurve(count, 1).end() / HOUR;

test("the curve has the documented lengths", () => {
  expect(attempts(10) * 60).toBeCloseTo(13, -0.5);
  expect(attempts(20)).toBeCloseTo(1.6, 0);
  expect(attempts(30)).toBeCloseTo(7.1, 0);
  expect(attempts(40)).toBeCloseTo(29.5, 0);
  expect(attempts(HOSTNAME_ATTEMPTS) / 24).toBeCloseTo(7.06, 0);
  expect(attempts(CERTIFICATE_ATTEMPTS) / 24).toBeCloseTo(14.6, 0);
});

test("the next attempt is the first one that has not passed", () => {
  const curve = new CheckCurve(HOSTNAME_ATTEMPTS, 1);
  expect(curve.next(0)).toBe(60_000);
  expect(curve.next(60_000)).toBe(123_000);
  expect(curve.next(100_000)).toBe(123_000);
  expect(curve.next(curve.end() - 1)).toBe(curve.end());
  expect(curve.next(curve.end())).toBeUndefined();
});

test("scale compresses the whole curve", () => {
  expect(new CheckCurve(HOSTNAME_ATTEMPTS, 0.5).end()).toBe(new CheckCurve(HOSTNAME_ATTEMPTS, 1).end() / 2);
});
