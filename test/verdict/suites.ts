import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";

const TESTS = join(import.meta.dirname, "..");
const IMPORT = /from "[./]+\/harness\/environment\.ts"/;
/** As DemoRun is told to leave evidence; the demo that refuses its options starts nothing, and has no name. */
const DEMO = /new DemoRun\("([a-z0-9-]+)"/g;

/** Names under which evidence must have been left: of each test file that starts an environment, and of each demo. */
export async function suitesWithEvidence(root = TESTS): Promise<string[]> {
  const files = (await readdir(root, { recursive: true })).filter((file) => file.endsWith(".test.ts"));
  const sources = await Promise.all(files.map(async (file) => ({ file, source: await readFile(join(root, file), "utf8") })));
  const environments = sources
    .filter(({ source }) => IMPORT.test(source) && source.includes("Environment.start("))
    .map(({ file }) => basename(file, ".test.ts"));
  const demos = sources.flatMap(({ source }) => [...source.matchAll(DEMO)].map(([, name = ""]) => name));
  return [...environments, ...demos].sort();
}

/** Whether evidence of this name is of that suite: it has its name, or that and a suffix. */
export function isOf(suite: string, name: string): boolean {
  return name === suite || name.startsWith(`${suite}-`);
}
