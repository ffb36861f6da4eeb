import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import type { RunResult } from "./run.ts";
import { STACKS } from "./stacks.ts";

const RESULTS = join(import.meta.dirname, "..", "results");

export interface StackResults {
  readonly version: string;
  readonly settings: readonly string[];
  readonly at: string;
  readonly runs: readonly RunResult[];
  /** Why runs are missing: one line for each that failed. */
  readonly failures: readonly string[];
}

export interface Results {
  readonly target: string;
  readonly size: number;
  /** Only its size. */
  readonly machine: { readonly cpus: number; readonly memoryGB: number };
  readonly kubernetes: string;
  readonly stacks: Readonly<Record<string, StackResults>>;
}

/**
 * Puts the results of these stacks into the target's file, where those of other stacks stay: a stack may be measured again by itself.
 * Resolves to all that the file holds now.
 */
export async function mergeResults(
  target: string,
  size: number,
  kubernetes: string,
  measured: Readonly<Record<string, StackResults>>,
): Promise<Results> {
  const file = join(RESULTS, `${target}.json`);
  const earlier = await readResults(file);
  const machine = { cpus: availableParallelism(), memoryGB: Math.round(totalmem() / 2 ** 30) };
  const kept = earlier?.size === size ? earlier.stacks : {};
  const results = { target, size, machine, kubernetes, stacks: inOrder({ ...kept, ...measured }) };
  await mkdir(RESULTS, { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

/** Whatever was measured last: the same table each time. */
function inOrder(results: Readonly<Record<string, StackResults>>): Record<string, StackResults> {
  return Object.fromEntries(STACKS.flatMap(({ name }) => (results[name] === undefined ? [] : [[name, results[name]]])));
}

async function readResults(file: string): Promise<Results | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Results;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
