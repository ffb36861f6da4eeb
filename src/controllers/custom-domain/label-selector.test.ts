import { describe, expect, it } from "vitest";
import type { LabelSelector } from "../../api/v1/policy-settings.ts";
import { selects } from "./label-selector.ts";

describe("a label selector", () => {
  const labels = { tier: "gold", region: "eu" };
  it.each<[string, LabelSelector, boolean]>([
    ["empty selects everything", {}, true],
    ["matchLabels, all of them", { matchLabels: { tier: "gold", region: "eu" } }, true],
    ["matchLabels, one is another", { matchLabels: { tier: "gold", region: "us" } }, false],
    ["matchLabels, one is missing", { matchLabels: { team: "x" } }, false],
    ["In", { matchExpressions: [{ key: "tier", operator: "In", values: ["silver", "gold"] }] }, true],
    ["In, missing", { matchExpressions: [{ key: "team", operator: "In", values: ["x"] }] }, false],
    ["NotIn", { matchExpressions: [{ key: "tier", operator: "NotIn", values: ["gold"] }] }, false],
    ["NotIn, missing counts", { matchExpressions: [{ key: "team", operator: "NotIn", values: ["x"] }] }, true],
    ["Exists", { matchExpressions: [{ key: "tier", operator: "Exists" }] }, true],
    ["Exists, missing", { matchExpressions: [{ key: "team", operator: "Exists" }] }, false],
    ["DoesNotExist", { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] }, true],
    ["DoesNotExist, there", { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] }, false],
    [
      "both kinds must hold",
      { matchLabels: { tier: "gold" }, matchExpressions: [{ key: "region", operator: "NotIn", values: ["eu"] }] },
      false,
    ],
  ])("%s", (_, selector, selected) => {
    expect(selects(selector, labels)).toBe(selected);
  });
});
