import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";

const TESTS = join(import.meta.dirname, "..");
const IMPORT = /from "[./]+\/harness\/environment\.ts"/;

/** Names of the test files that start an environment: each must have left evidence. */
export async function suitesWithEvidence(root = TESTS): Promise<string[]> {
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith(".test.ts"));
  const sources = await Promise.all(files.map(async (file) => ({ file, source: await readFile(join(root, file), "utf8") })));
  return sources
    .filter(({ source }) => IMPORT.test(source) && source.includes("Environment.start("))
    .map(({ file }) => basename(file, ".test.ts"))
    .sort();
}

/** Whether an environment of this name was started by that test file: it has its name, or that and a suffix. */
export function isOf(suite: string, name: string): boolean {
  return name === suite || name.startsWith(`${suite}-`);
}
