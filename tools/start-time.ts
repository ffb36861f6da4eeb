import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";

/**
 * Prints what the operator takes to answer --help, bundled and as it stands in src/: what the bundle is for. Medians of several starts;
 * on a busy machine the CPU time says more than the time. Needs `make build`.
 */
const ROOT = join(import.meta.dirname, "..");
const PROGRAMS = ["dist/main.js", "src/main.ts"];
const STARTS = 3;
/** Makes a program tell what it has used when it ends, on the stream that it leaves empty. */
const TELL_USAGE = `data:text/javascript,process.on("exit",()=>process.stderr.write(JSON.stringify(process.resourceUsage())))`;
const usageSchema = z.object({ userCPUTime: z.number(), systemCPUTime: z.number(), maxRSS: z.number() });

interface Start {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
}

async function start(program: string): Promise<Start> {
  const started = performance.now();
  const args = ["--import", TELL_USAGE, program, "--help"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  const seconds = (performance.now() - started) / 1_000;
  if (!stdout.startsWith("Usage: ")) throw new Error(`${program} --help printed no usage: ${stdout.slice(0, 200)}`);
  const { userCPUTime, systemCPUTime, maxRSS } = usageSchema.parse(JSON.parse(stderr));
  return { seconds, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMebibytes: maxRSS / 1_024 };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const starts = new Map<string, Start[]>(PROGRAMS.map((program) => [program, []]));
// In turn, so that whatever else the machine does falls on both.
for (let round = 0; round < STARTS; round += 1) for (const [program, taken] of starts) taken.push(await start(program));
for (const [program, taken] of starts) {
  const seconds = median(taken.map(({ seconds }) => seconds)).toFixed(2);
  const cpuSeconds = median(taken.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2);
  const peak = median(taken.map(({ peakMebibytes }) => peakMebibytes)).toFixed(0);
  console.log(`${program} --help: ${seconds} s, ${cpuSeconds} s of CPU, ${peak} MiB`);
}
