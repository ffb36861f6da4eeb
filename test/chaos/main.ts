/**
 * `node test/chaos/main.ts`: the operator under churn while at least CHAOS_FAULTS (500) faults strike, of every kind, in an order
 * that CHAOS_SEED chooses. Prints what struck, how long recoveries took and the verdict. Exit codes: 0 nothing is wrong, 1 something
 * is, 2 a wrong option.
 */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { ChaosRun } from "./chaos-run.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { deafSuccessor } from "./process-episodes.ts";
import { darkBeginnings } from "./proxy-episodes.ts";
import { faultLines, histogram, isClean, verdictLines } from "./report.ts";

const USAGE_ERROR = 2;
const NAMESPACES = ["lindqvist", "okafor", "brennan", "tanaka"];
const optionsSchema = z.object({
  CHAOS_SEED: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(() => randomInt(2 ** 31)),
  CHAOS_FAULTS: z.coerce.number().int().positive().default(500),
});
/** Times that each proxy fault strikes in one episode. */
const AMOUNT = [8, 14] as const;

const started = performance.now();
const options = optionsSchema.safeParse(process.env);
if (!options.success) {
  process.stderr.write(`${z.prettifyError(options.error)}\n`);
  process.exit(USAGE_ERROR);
}
process.env.EVIDENCE_DIRECTORY ??= join(import.meta.dirname, "../../.tmp/chaos");
process.exitCode = await main(options.data);

async function main({ CHAOS_SEED: seed, CHAOS_FAULTS: faults }: z.infer<typeof optionsSchema>): Promise<number> {
  say(`CHAOS_SEED=${seed} CHAOS_FAULTS=${faults}`);
  await using run = await ChaosRun.start({
    name: "chaos",
    seed,
    namespaces: NAMESPACES,
    slots: 14,
    probes: 4,
    pause: [50, 350],
    settleMs: 180_000,
    say,
  });
  const killAtOnce = (): void => run.cluster.killAtOnce();
  process.once("exit", killAtOnce);
  const { tally } = run.cluster;
  const done = new Set<FaultKind>();
  for (let round = 1; tally.count() < faults || done.size < Object.keys(histogram(tally)).length; round += 1) {
    say(`round ${round}, ${tally.count()} faults so far`);
    for (const kind of run.shuffledKinds()) {
      // Black holes in running watches take minutes to be noticed, whichever they are: after the first time, quicker ones.
      const again = kind === "black hole: watch" && done.has(kind) ? run.pick([darkBeginnings, deafSuccessor]) : undefined;
      await run.episode(kind, run.between(...AMOUNT), again);
      done.add(kind);
    }
    await run.settle();
  }
  const verdict = await run.verdict();
  const never = Object.entries(histogram(tally)).filter(([, count]) => count === 0);
  const changes = `${run.user.changes} changes by users`;
  say(`${tally.count()} faults, ${tally.onLeases} of them on Leases; at most ${tally.mostDark} black holes at once; ${changes}`);
  for (const line of faultLines(tally, run.probes.recoveries)) print(line);
  for (const [kind] of never) print(`FAIL ${kind} never struck`);
  for (const line of verdictLines(verdict)) print(line);
  print(`CHAOS_SEED=${seed}`);
  process.off("exit", killAtOnce);
  return isClean(verdict) && never.length === 0 ? 0 : 1;
}

function say(line: string): void {
  print(`${((performance.now() - started) / 1_000).toFixed(0).padStart(5)} s  ${line}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
