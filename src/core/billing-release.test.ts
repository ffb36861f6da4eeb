import { describe, expect, test } from "vitest";
import { decideRelease } from "./billing-release.ts";
import { LINE, subscription } from "./billing-subscription.fixture.ts";

describe("giving up a line", () => {
  const base = { line: LINE, mode: "Overage" as const, pending: undefined, refusal: undefined };
  test.each([
    ["gone", undefined, "released"],
    ["cancelled", subscription({ status: "cancelled" }, 3), "released"],
    ["the line is not there", subscription({}, undefined), "released"],
    ["transferred: a human must look", subscription({ status: "transferred" }, 3), "held"],
    ["paused", subscription({ status: "paused" }, 3), "held"],
    ["scheduled changes", subscription({ hasScheduledChanges: true }, 3), "held"],
    ["otherwise", subscription({}, 3), "write"],
  ])("%s", (_, read, kind) => {
    expect(decideRelease({ ...base, subscription: read }).kind).toBe(kind);
  });

  test("a write without an answer comes first, then the release; under Total 1 stays", () => {
    const pending = { quantity: 5, idempotencyKey: "k", sentAt: 0 };
    expect(decideRelease({ ...base, subscription: subscription({}, 3), pending })).toEqual({
      kind: "write",
      quantity: 5,
      repeat: pending,
    });
    expect(decideRelease({ ...base, subscription: subscription({}, 5), pending })).toEqual({
      kind: "write",
      quantity: 0,
      repeat: undefined,
    });
    expect(decideRelease({ ...base, mode: "Total", subscription: subscription({}, 5) })).toMatchObject({ quantity: 1 });
    expect(decideRelease({ ...base, mode: "Total", subscription: subscription({}, 1) })).toEqual({ kind: "released" });
  });
});
