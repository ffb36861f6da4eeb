import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Condition, MAX_MESSAGE } from "../api/v1/conditions.ts";
import { conditionsOf, differs, type Finding, findCondition, wholeSeconds } from "./conditions.ts";

const NOW = Date.parse("2026-03-04T05:06:07.890Z");
const NOW_WRITTEN = "2026-03-04T05:06:07Z";
const EARLIER = "2026-03-01T00:00:00Z";

function finding(status: Finding["status"], message = "A sentence."): Finding {
  return { status, reason: "Live", message };
}

function condition(type: string, status: Condition["status"]): Condition {
  return { type, status, reason: "Live", message: "A sentence.", lastTransitionTime: EARLIER, observedGeneration: 1 };
}

describe("lastTransitionTime", () => {
  it.each([
    ["True", "True", EARLIER],
    ["True", "False", NOW_WRITTEN],
    ["False", "Unknown", NOW_WRITTEN],
  ] as const)("%s → %s", (before, after, expected) => {
    const [first] = conditionsOf([condition("Ready", before)], { Ready: finding(after) }, 2, NOW);
    expect(first?.lastTransitionTime).toBe(expected);
  });
  it("stays when only reason and message change", () => {
    const changed: Finding = { status: "True", reason: "Claimed", message: "Another." };
    expect(conditionsOf([condition("Ready", "True")], { Ready: changed }, 2, NOW)).toEqual([
      { type: "Ready", ...changed, observedGeneration: 2, lastTransitionTime: EARLIER },
    ]);
  });
  it("of a new condition is now, in whole seconds", () => {
    expect(conditionsOf([], { Ready: finding("False") }, 2, NOW)[0]?.lastTransitionTime).toBe(NOW_WRITTEN);
    expect(wholeSeconds(NOW)).toBe(NOW_WRITTEN);
  });
});

describe("the list", () => {
  it("has the findings in their order; what is undefined or not named is removed", () => {
    const previous = [condition("Stalled", "True"), condition("Old", "True"), condition("Ready", "False")];
    const after = conditionsOf(previous, { Ready: finding("True"), Stalled: undefined, Claimed: finding("True") }, 2, NOW);
    expect(after.map(({ type }) => type)).toEqual(["Ready", "Claimed"]);
    expect(findCondition(after, "Stalled")).toBeUndefined();
  });
  it("written twice is the same", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("A", "B", "C"), fc.constantFrom("True", "False", "Unknown")), (statuses) => {
        const findings = Object.fromEntries(Object.entries(statuses).map(([type, status]) => [type, finding(status)]));
        const once = conditionsOf([condition("A", "True")], findings, 3, NOW);
        expect(conditionsOf(once, findings, 3, NOW + 100_000)).toEqual(once);
      }),
    );
  });
});

describe("messages", () => {
  const messageOf = (message: string) => conditionsOf([], { Ready: finding("False", message) }, 1, NOW)[0]?.message ?? "";
  it("fit into the schema, and end in an ellipsis when they were cut", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: MAX_MESSAGE + 3 }),
        fc.constantFrom("x", "é", "💡", "e\u0301"),
        fc.nat({ max: 3 }),
        (length, last, times) => {
          const message = "x".repeat(length) + last.repeat(times);
          const kept = messageOf(message);
          expect(kept.length).toBeLessThanOrEqual(MAX_MESSAGE);
          expect(kept === message || kept.endsWith("…")).toBe(true);
          expect(kept.isWellFormed()).toBe(true);
        },
      ),
    );
  });
  it("are not cut through a character, which the API server would store as another", () => {
    const kept = messageOf(`${"x".repeat(MAX_MESSAGE - 2)}💡💡`);
    expect(kept.isWellFormed()).toBe(true);
    expect(kept.length).toBeLessThanOrEqual(MAX_MESSAGE);
  });
});

describe("differs", () => {
  it("sees no difference between absent and undefined, nor in the order of members", () => {
    expect(differs({ a: 1, b: undefined, c: { d: [1, { e: 2 }] } }, { c: { d: [1, { e: 2, f: undefined }] }, a: 1 })).toBe(false);
  });
  it.each<[unknown, unknown]>([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, {}],
    [{}, { a: null }],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], [1, 2]],
    [[], {}],
    [{ a: [] }, { a: {} }],
    ["1", 1],
    [undefined, {}],
    [null, {}],
    [undefined, null],
  ])("%j and %j differ, both ways", (a, b) => {
    expect([differs(a, b), differs(b, a)]).toEqual([true, true]);
  });
  it("leaves out the named members, at any depth, and only those", () => {
    const ignoring = new Set(["at"]);
    expect(differs({ at: 1, list: [{ at: 2, x: 1 }] }, { at: 3, list: [{ x: 1 }] }, ignoring)).toBe(false);
    expect(differs({ at: 1, list: [{ at: 2, x: 1 }] }, { at: 1, list: [{ at: 2, x: 2 }] }, ignoring)).toBe(true);
  });
  it("no value differs from what comes back of it as JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify(value);
        expect(differs(JSON.parse(text), JSON.parse(text))).toBe(false);
      }),
    );
  });
});
