/**
 * `node test/soak/main.ts`: the operator under churn for SOAK_MINUTES (20), with a fault now and then in the second half of the
 * time. Prints memory and handles of both replicas, how fast edits were handled, and the verdict. Exit codes: 0 all is flat and
 * nothing was missed, 1 it is not, 2 a wrong option.
 */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { ChaosRun } from "../chaos/chaos-run.ts";
import { isClean, verdictLines } from "../chaos/report.ts";
import { FLAT, Soak, type SoakFigures } from "./soak.ts";

const USAGE_ERROR = 2;
const MEBIBYTE = 1_048_576;
const optionsSchema = z.object({
  SOAK_MINUTES: z.coerce.number().min(1).default(20),
  SOAK_SEED: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(() => randomInt(2 ** 31)),
});

const options = optionsSchema.safeParse(process.env);
if (!options.success) {
  process.stderr.write(`${z.prettifyError(options.error)}\n`);
  process.exit(USAGE_ERROR);
}
process.env.EVIDENCE_DIRECTORY ??= join(import.meta.dirname, "../../.tmp/soak");
process.exitCode = await main(options.data);

async function main({ SOAK_MINUTES: minutes, SOAK_SEED: seed }: z.infer<typeof optionsSchema>): Promise<number> {
  print(`SOAK_MINUTES=${minutes} SOAK_SEED=${seed}`);
  await using run = await ChaosRun.start({
    name: "soak",
    seed,
    namespaces: ["lindqvist", "okafor", "brennan", "tanaka"],
    slots: 14,
    probes: 4,
    pause: [50, 350],
    settleMs: 180_000,
    say: print,
  });
  const killAtOnce = (): void => run.cluster.killAtOnce();
  process.once("exit", killAtOnce);
  const soak = new Soak(run);
  await soak.run(minutes * 60_000);
  const figures = soak.figures();
  await run.settle();
  const verdict = await run.verdict();
  process.off("exit", killAtOnce);
  print(`${run.user.changes} changes by users, ${run.cluster.tally.count()} faults`);
  print(latencyLine("edits handled in peace", soak.latencies.quiet));
  print(latencyLine("edits handled in bad weather", soak.latencies.weather));
  for (const figure of figures) for (const line of trendLines(figure)) print(line);
  const rising = figures.filter(({ rss, handles }) => rss.rise > FLAT.rssBytes || handles.rise > FLAT.handles);
  for (const { replica } of rising) print(`FAIL ${replica} is not flat`);
  for (const violation of soak.violations) print(`FAIL ${violation}`);
  for (const line of verdictLines(verdict)) print(line);
  return isClean(verdict) && rising.length === 0 && soak.violations.length === 0 ? 0 : 1;
}

function trendLines({ replica, rss, handles, samples }: SoakFigures): string[] {
  const mib = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
  return [
    `${replica}, second half, ${samples} samples:`,
    `  RSS     mean ${mib(rss.mean)}, rises ${mib(rss.rise)} (at most ${mib(FLAT.rssBytes)}), scatter ${mib(rss.scatter)}`,
    `  handles mean ${handles.mean.toFixed(1)}, rise ${handles.rise.toFixed(1)} (at most ${FLAT.handles}), scatter ${handles.scatter.toFixed(1)}`,
  ];
}

function latencyLine(what: string, latencies: readonly number[]): string {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    `${Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0)} ms`;
  return `${what}: ${sorted.length}, median ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
