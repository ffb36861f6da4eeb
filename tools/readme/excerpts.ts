import { z } from "zod";

interface Excerpt {
  /** Of the section that it is from. */
  readonly heading: RegExp;
  /** Its first and its last line after the heading; without them, the whole section. */
  readonly lines?: readonly [RegExp, RegExp];
}

/** Of the demo: the way to a verified domain, the sentence that explains a wrong record, and the summary. */
const EXCERPTS: readonly Excerpt[] = [
  { heading: /^2\. / },
  { heading: /^5\. /, lines: [/^ +TYPE +NAME +DESIRED /, /^ +"/] },
  { heading: /^Summary$/ },
];
const LEFT_OUT = "…";

/** Parts of what a demo told, with a sign where something is left out. @throws Error when a part is not there. */
export function demoExcerpt(told: string): string {
  const lines = told.trimEnd().split("\n");
  return EXCERPTS.map((excerpt) => excerptOf(lines, excerpt).join("\n")).join(`\n${LEFT_OUT}\n`);
}

function excerptOf(lines: readonly string[], { heading, lines: bounds }: Excerpt): readonly string[] {
  const start = indexOf(lines, heading, 0);
  const end = lines.indexOf("", start);
  const section = lines.slice(start, end < 0 ? lines.length : end);
  if (bounds === undefined) return section;
  const first = indexOf(section, bounds[0], 1);
  return [...section.slice(0, 1), ...section.slice(first, indexOf(section, bounds[1], first) + 1)];
}

function indexOf(lines: readonly string[], pattern: RegExp, from: number): number {
  const found = lines.findIndex((line, index) => index >= from && pattern.test(line));
  if (found < 0) throw new Error(`the demo told nothing like ${pattern}`);
  return found;
}

const reportSchema = z.object({
  numTotalTests: z.number(),
  numPassedTests: z.number(),
  testResults: z.array(z.object({ status: z.string() })),
});

/**
 * The end of `make test` as vitest and the verdict print it.
 *
 * @param suite - vitest's JSON report, like `verdict`.
 * @param judged - the lines that the verdict has printed.
 * @throws Error when anything failed: the README shows what a reader shall see.
 */
export function testExcerpt(suite: string, verdict: string, judged: string): string {
  const [ofSuite, ofVerdict] = [suite, verdict].map(countsOf);
  const passed = (ofSuite?.tests ?? 0) + (ofVerdict?.tests ?? 0);
  return [...linesOf(ofSuite), judged.trimEnd(), ...linesOf(ofVerdict), `${passed} passed, 0 failed`].join("\n");
}

interface Counts {
  readonly files: number;
  readonly tests: number;
}

function countsOf(report: string): Counts {
  const { numTotalTests, numPassedTests, testResults } = reportSchema.parse(JSON.parse(report));
  const failedFiles = testResults.filter(({ status }) => status !== "passed").length;
  if (numPassedTests !== numTotalTests || failedFiles > 0)
    throw new Error(`${numTotalTests - numPassedTests} tests and ${failedFiles} files did not pass in the last \`make test\``);
  return { files: testResults.length, tests: numTotalTests };
}

function linesOf(counts: Counts | undefined): string[] {
  const { files, tests } = counts ?? { files: 0, tests: 0 };
  return [` Test Files  ${files} passed (${files})`, `      Tests  ${tests} passed (${tests})`];
}
