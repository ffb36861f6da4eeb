/**
 * `node bench/converge/main.ts --size 1000 --runs 3 --stacks ours,controller-runtime`: the same work done by each stack against the same
 * control plane, run after run in turn. Prints a table and merges the figures into bench/results/<target>.json. Exit codes: 0 all runs
 * were made, 1 one failed, 2 a wrong option, 130 interrupted.
 */
import { startControlPlane } from "../../test/control-plane/control-plane.ts";
import { pinnedVersions } from "../../test/control-plane/versions.ts";
import { prepareStage } from "../stage.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { mergeResults, type StackResults } from "./results.ts";
import { measureRun, type RunResult, type Scene } from "./run.ts";
import type { Command, Stack } from "./stacks.ts";
import { describeResults } from "./table.ts";
import { defineWidgets } from "./widget-definition.ts";

interface Candidate {
  readonly stack: Stack;
  readonly command: Command;
  readonly runs: RunResult[];
  readonly failures: string[];
}

const FAILED = 1;
const WRONG_OPTION = 2;
const INTERRUPTED = 130;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

// What is running ends with this process: the operator at its exit, the control plane through its supervisor.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => process.exit(INTERRUPTED));

const options = optionsOrUsage();
if (options !== undefined) await compare(options);

function optionsOrUsage(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    say(`${(error as Error).message}\n${USAGE}`);
    process.exitCode = WRONG_OPTION;
    return undefined;
  }
}

async function compare(options: Options): Promise<void> {
  const candidates: Candidate[] = [];
  for (const stack of options.stacks) {
    candidates.push({ stack, command: await stack.prepare(say), runs: [], failures: [] });
  }
  if (options.buildOnly) return;
  await using controlPlane = await startControlPlane({ audit: false });
  await defineWidgets(controlPlane);
  const scene: Scene = { controlPlane, kubeconfig: await prepareStage(controlPlane), timeoutMs: options.timeoutMs };
  for (let run = 1; run <= options.runs; run++) {
    for (const candidate of candidates) await measure(scene, candidate, options.size, run);
  }
  const measured = Object.fromEntries(candidates.map((candidate) => [candidate.stack.name, resultsOf(candidate)]));
  const results = await mergeResults(options.target, options.size, pinnedVersions().kubernetes, measured);
  process.stdout.write(`${describeResults(results)}\n`);
  if (candidates.some(({ failures }) => failures.length > 0)) process.exitCode = FAILED;
}

/** A stack that fails does not keep the others from being measured. */
async function measure(scene: Scene, { stack, command, runs, failures }: Candidate, size: number, run: number): Promise<void> {
  try {
    const result = await measureRun(scene, stack, command, size, run);
    runs.push(result);
    const { convergeSeconds, cpuSeconds, driverCpuSeconds } = result;
    const figures = `${convergeSeconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU; the driver ${driverCpuSeconds.toFixed(2)} s`;
    say(`run ${run}, ${stack.name}: ${figures}`);
  } catch (error) {
    const message = (error as Error).message;
    failures.push(`run ${run}: ${message}`);
    say(`run ${run}, ${stack.name} FAILED: ${message}`);
  }
}

function resultsOf({ stack, command, runs, failures }: Candidate): StackResults {
  return { version: command.version, settings: stack.settings, at: new Date().toISOString(), runs, failures };
}
