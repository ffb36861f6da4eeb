import { describe, expect, it } from "vitest";
import { CloudflareError } from "../../cloudflare/errors.ts";
import { RefusalMemory } from "./refusal-memory.ts";
import { RefusedEdits } from "./refused-edits.ts";

const ROW = "614b3124-cd57-42f0-8307-000000000000";
const HOUR = 3_600_000;

function error(errorClass: CloudflareError["class"], retryAfterMs?: number): CloudflareError {
  return new CloudflareError({ class: errorClass, message: "No", ambiguous: false, retryAfterMs });
}

/** One pass after the other over the same memory. */
function passes() {
  const memory = new RefusalMemory();
  return (now: number, more: { holder?: string; basis?: string } = {}) =>
    new RefusedEdits(memory, { holder: "uid", basis: "1/1", now, ...more });
}

/** How long each of so many refusals in a row holds the edit back, in hours. */
function waits(errorClass: CloudflareError["class"], count: number): number[] {
  const at = passes();
  let now = 0;
  return Array.from({ length: count }, () => {
    const { afterMs } = at(now).refused(ROW, error(errorClass));
    expect(at(now).standing(ROW)?.afterMs).toBe(afterMs);
    now += afterMs;
    return afterMs / HOUR;
  });
}

describe("a refused edit", () => {
  it("is tried less and less often, once a day in the end", () => {
    expect(waits("PlanRequired", 6)).toEqual([1, 4, 16, 24, 24, 24]);
    expect(waits("OriginMissing", 8).map((hours) => hours * 60)).toEqual([0.5, 2, 8, 32, 128, 512, 1_440, 1_440]);
  });

  it("is not sent again where only another one helps: at once for its settings, else the third time", () => {
    expect(waits("InvalidSpec", 1)).toEqual([Number.POSITIVE_INFINITY]);
    expect(waits("NotModifiable", 3).at(-1)).toBe(Number.POSITIVE_INFINITY);
    const at = passes();
    expect([1, 2, 3].map((now) => at(now * HOUR).refused(ROW, error("NotModifiable")).stalled)).toEqual([false, false, true]);
    expect(passes()(0).refused(ROW, error("PlanRequired")).stalled).toBe(false);
  });

  it("counts anew on another basis", () => {
    const at = passes();
    for (const now of [0, HOUR]) at(now).refused(ROW, error("NotModifiable"));
    expect(at(HOUR, { basis: "2/1" }).standing(ROW)).toBeUndefined();
    expect(at(HOUR, { basis: "2/1" }).refused(ROW, error("NotModifiable"))).toMatchObject({ stalled: false, afterMs: 30_000 });
  });

  it("is one holder's and one row's", () => {
    const at = passes();
    at(0).refused(ROW, error("InvalidSpec"));
    expect(at(1, { holder: "another" }).standing(ROW)).toBeUndefined();
    expect(at(1).standing("another")).toBeUndefined();
    expect(at(1).standing(ROW)).toEqual({
      reason: "InvalidSettings",
      message: "No",
      own: true,
      stalled: true,
      afterMs: Number.POSITIVE_INFINITY,
    });
  });

  it("is not held back for a failure of the zone, the credential or the network", () => {
    const at = passes();
    for (const errorClass of ["Transient", "RateLimited", "Unauthorized", "QuotaExceeded"] as const) {
      expect(at(0).refused(ROW, error(errorClass, 5_000))).toMatchObject({ own: false, stalled: false, afterMs: 5_000 });
      expect(at(0).standing(ROW)).toBeUndefined();
    }
  });
});
