import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BlockName, withBlock } from "./readme/blocks.ts";
import { demoExcerpt, testExcerpt } from "./readme/excerpts.ts";
import { REPORT } from "./reports.ts";

/**
 * Puts parts of what the last `make demo` and `make test` printed into the README. What has not been run, or did not pass, stays as it is
 * there, and the exit code is 1.
 */
const README = join(import.meta.dirname, "../README.md");

async function report(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new Error(`${path} is missing`, { cause });
  });
}

const contents: Readonly<Record<BlockName, () => Promise<string>>> = {
  demo: async () => demoExcerpt(await report(REPORT.demo)),
  test: async () => testExcerpt(await report(REPORT.suite), await report(REPORT.verdict), await report(REPORT.judged)),
};

let readme = await readFile(README, "utf8");
for (const name of ["demo", "test"] as const) {
  try {
    readme = withBlock(readme, name, await contents[name]());
    console.log(`the output of \`make ${name}\` is in the README`);
  } catch (error) {
    console.error(
      `the output of \`make ${name}\` stays as it is in the README: ${error instanceof Error ? error.message : error}`,
    );
    process.exitCode = 1;
  }
}
await writeFile(README, readme);
