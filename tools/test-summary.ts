import { readFile } from "node:fs/promises";
import { z } from "zod";

/**
 * Reads the JSON reports of vitest that are named as arguments and prints, last, exactly `N passed, N failed`. What did not get to
 * run counts as failed: a file that could not be loaded or set up, a report that is missing or has no test in it, a skipped test.
 */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.enum(["passed", "failed"]),
      message: z.string().default(""),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

interface Counts {
  readonly passed: number;
  /** What failed, in words. */
  readonly failures: readonly string[];
}

async function read(path: string): Promise<Counts> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return { passed: 0, failures: [`${path} is missing`] };
  const report = parse(text);
  if (report === undefined) return { passed: 0, failures: [`${path} is no report of vitest`] };
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  if (tests.length === 0) return { passed: 0, failures: [`${path} has no test in it`, ...report.testResults.flatMap(broken)] };
  const failed = tests.filter(({ status }) => status !== "passed").map(({ fullName, status }) => `${fullName} (${status})`);
  return { passed: tests.length - failed.length, failures: [...failed, ...report.testResults.flatMap(broken)] };
}

function parse(text: string): z.infer<typeof reportSchema> | undefined {
  try {
    return reportSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A file that failed although none of its tests did. */
function broken({ name, status, message, assertionResults }: z.infer<typeof reportSchema>["testResults"][number]): string[] {
  const blamed = assertionResults.some((test) => test.status !== "passed");
  return status === "failed" && !blamed ? [`${name}: ${message.split("\n", 1)[0]}`] : [];
}

const paths = process.argv.slice(2);
const counts = await Promise.all(paths.map(read));
const passed = counts.reduce((sum, count) => sum + count.passed, 0);
const failures = [...counts.flatMap((count) => count.failures), ...(paths.length === 0 ? ["no report was named"] : [])];
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
