import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { STORY } from "../../test/demo/story.ts";
import { blockOf, withBlock } from "./blocks.ts";
import { demoExcerpt, testExcerpt } from "./excerpts.ts";

const STATUSES = /^statuses judged: (\d+ [A-Z]\w+(?:, \d+ [A-Z]\w+)*)$/;
const WINDOWS = /^idle windows judged: (\d+ s(?:, \d+ s)*)$/;

function counts(line: string | undefined): readonly number[] {
  return [...(line ?? "").matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

describe("the README", () => {
  let readme: string;
  beforeAll(async () => {
    readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
  });

  test("shows the end of `make test`, with counts that agree", () => {
    const [files, tests, statuses, windows, verdictFiles, verdictTests, sum, ...more] = blockOf(readme, "test").split("\n");
    expect(more).toEqual([]);
    for (const line of [files, verdictFiles]) expect(line).toMatch(/^ Test Files {2}(\d+) passed \(\1\)$/);
    for (const line of [tests, verdictTests]) expect(line).toMatch(/^ {6}Tests {2}(\d+) passed \(\1\)$/);
    expect(statuses).toMatch(STATUSES);
    expect(windows).toMatch(WINDOWS);
    const passed = (counts(tests)[0] ?? 0) + (counts(verdictTests)[0] ?? 0);
    expect(sum).toBe(`${passed} passed, 0 failed`);
    expect(Math.min(...counts(files), ...counts(tests), ...counts(statuses), ...counts(windows))).toBeGreaterThan(0);
  });

  test("shows the demo as it is told now: every step with its time, which together make the whole", () => {
    const lines = blockOf(readme, "demo").split("\n");
    const summary = lines.slice(lines.indexOf("Summary"));
    const titles = ["Setting up", ...STORY.map(({ title }, index) => `${index + 1}. ${title}`)];
    const times = [...titles, "The whole demo"].map((title) => {
      const line = summary.find((text) => text.replace(/^ +\d+\.\d s +/, "").startsWith(title));
      return Number(/^ +(\d+\.\d) s /.exec(line ?? "")?.[1]);
    });
    const [whole = Number.NaN] = times.splice(-1);
    const steps = times.reduce((total, time) => total + time, 0);
    expect(Math.abs(whole - steps)).toBeLessThan(1.5);
    expect(summary.join("\n")).toMatch(/Writes at Cloudflare: \d+ POST, \d+ PATCH, \d+ DELETE\. Writes at Chargebee: \d+ POST\./);
    expect(lines[0]).toBe(titles[2]);
  });
});

describe("a block", () => {
  const readme =
    "# Title\n\n<!-- output of `make demo`, written by `make readme` -->\n```\nold\n```\n<!-- end of output -->\n\nEnd.\n";

  test("is replaced, and nothing else", () => {
    const changed = withBlock(readme, "demo", "new\nlines\n");
    expect(blockOf(changed, "demo")).toBe("new\nlines");
    expect(withBlock(changed, "demo", "old")).toBe(readme);
  });

  test("that is not there, twice there or not ended is told", () => {
    expect(() => withBlock(readme, "test", "x")).toThrow("must have once: <!-- output of `make test`");
    expect(() => withBlock(readme + readme, "demo", "x")).toThrow("must have once");
    expect(() => blockOf(readme.replace("<!-- end of output -->", ""), "demo")).toThrow("must have after");
  });
});

describe("the excerpt of the demo", () => {
  const told = [
    ...["Welcome.", "", "1. One", "   a", "", "2. Two", "   b", "   ✓ c", "", "5. Five", "   d", "     TYPE  NAME  DESIRED  X"],
    ...["     CNAME  x", '   "why"', "   e", "", "Summary", "     1.0 s  One", "Everything is stopped.", ""],
  ];

  test("is three parts of it", () => {
    expect(demoExcerpt(told.join("\n")).split("\n")).toEqual([
      ...["2. Two", "   b", "   ✓ c", "…", "5. Five", "     TYPE  NAME  DESIRED  X", "     CNAME  x", '   "why"', "…"],
      ...["Summary", "     1.0 s  One", "Everything is stopped."],
    ]);
  });

  test("needs all of them", () => {
    expect(() => demoExcerpt(told.filter((line) => !line.includes("why")).join("\n"))).toThrow('told nothing like /^ +"/');
    expect(() => demoExcerpt("interrupted")).toThrow("told nothing like /^2\\. /");
  });
});

describe("the excerpt of the tests", () => {
  const report = (total: number, passed: number, files: readonly string[]) =>
    JSON.stringify({ numTotalTests: total, numPassedTests: passed, testResults: files.map((status) => ({ status })) });

  test("is what is printed at the end", () => {
    const suite = report(30, 30, ["passed", "passed"]);
    expect(testExcerpt(suite, report(4, 4, ["passed"]), "statuses judged: 3 CustomDomain\n").split("\n")).toEqual([
      ...[" Test Files  2 passed (2)", "      Tests  30 passed (30)", "statuses judged: 3 CustomDomain"],
      ...[" Test Files  1 passed (1)", "      Tests  4 passed (4)", "34 passed, 0 failed"],
    ]);
  });

  test.each([
    ["a test failed", report(30, 29, ["failed"]), "1 tests and 1 files did not pass"],
    ["a file could not be loaded", report(30, 30, ["failed", "passed"]), "0 tests and 1 files did not pass"],
  ])("is none when %s", (_, suite, why) => {
    expect(() => testExcerpt(suite, report(4, 4, ["passed"]), "")).toThrow(why);
  });
});
