import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const PROGRAM = join(import.meta.dirname, "test-summary.ts");

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "test-summary-"));
});
afterAll(() => rm(directory, { recursive: true }));

interface File {
  readonly status: "passed" | "failed";
  readonly message?: string;
  readonly tests: readonly string[];
}

async function report(name: string, files: readonly File[]): Promise<string> {
  const path = join(directory, `${name}.json`);
  const testResults = files.map(({ status, message = "", tests }, index) => ({
    name: `file-${index}.test.ts`,
    status,
    message,
    assertionResults: tests.map((outcome, number) => ({ fullName: `test ${number}`, title: "test", status: outcome })),
  }));
  await writeFile(path, JSON.stringify({ success: true, numTotalTests: 0, testResults }));
  return path;
}

function summary(...paths: string[]): Promise<{ readonly code: number; readonly last: string; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...paths], (error, stdout) => {
      const last = stdout.trimEnd().split("\n").at(-1) ?? "";
      resolve({ code: typeof error?.code === "number" ? error.code : 0, last, output: stdout });
    });
  });
}

describe("the summary of test reports", () => {
  it("adds up the reports", async () => {
    const suite = await report("suite", [
      { status: "passed", tests: ["passed", "passed"] },
      { status: "passed", tests: ["passed"] },
    ]);
    const verdict = await report("verdict", [{ status: "passed", tests: ["passed"] }]);
    expect(await summary(suite, verdict)).toEqual({ code: 0, last: "4 passed, 0 failed", output: "4 passed, 0 failed\n" });
  });

  it.each<[string, readonly File[], string, string]>([
    ["a failed test", [{ status: "failed", tests: ["passed", "failed"] }], "1 passed, 1 failed", "test 1 (failed)"],
    ["a skipped test", [{ status: "passed", tests: ["passed", "skipped"] }], "1 passed, 1 failed", "test 1 (skipped)"],
    ["a todo", [{ status: "passed", tests: ["passed", "todo"] }], "1 passed, 1 failed", "test 1 (todo)"],
    [
      "a file that could not be loaded",
      [
        { status: "passed", tests: ["passed"] },
        { status: "failed", message: "Cannot find module\nat x", tests: [] },
      ],
      "1 passed, 1 failed",
      "file-1.test.ts: Cannot find module",
    ],
    [
      "a file whose afterAll failed",
      [{ status: "failed", message: "left open", tests: ["passed"] }],
      "1 passed, 1 failed",
      "left open",
    ],
    ["a file whose beforeAll failed", [{ status: "failed", tests: ["skipped", "skipped"] }], "0 passed, 2 failed", "(skipped)"],
    ["no test at all", [], "0 passed, 1 failed", "has no test in it"],
  ])("counts %s", async (name, files, last, named) => {
    const result = await summary(await report(name.replaceAll(" ", "-"), files));
    expect(result).toMatchObject({ code: 1, last });
    expect(result.output).toContain(named);
  });

  it("fails without a report, or with something else", async () => {
    const other = join(directory, "other.json");
    await writeFile(other, "<html>");
    expect(await summary(join(directory, "none.json"))).toMatchObject({ code: 1, last: "0 passed, 1 failed" });
    expect(await summary(other)).toMatchObject({ code: 1, last: "0 passed, 1 failed" });
    expect(await summary()).toMatchObject({ code: 1, last: "0 passed, 1 failed" });
  });
});
