import { describe, expect, it } from "vitest";
import { isOf, suitesWithEvidence } from "./suites.ts";

describe("what must leave evidence", () => {
  it("is every test file that starts an environment", async () => {
    const suites = await suitesWithEvidence();
    expect(suites).toEqual(expect.arrayContaining(["dockerfile", "idle", "life"]));
    expect(suites).not.toContain("operator-rbac");
  });

  it("is every demo that starts anything", async () => {
    const demos = (await suitesWithEvidence()).filter((suite) => suite.startsWith("demo"));
    expect(demos).toEqual(["demo-billing", "demo-dns", "demo-interrupted", "demo-kept", "demo-story"]);
  });

  it.each([
    ["life", "life", true],
    ["life", "life-second", true],
    ["life", "lifetime", false],
    ["life", "idle", false],
  ])("%s: %s %s", (suite, name, expected) => {
    expect(isOf(suite, name)).toBe(expected);
  });
});
