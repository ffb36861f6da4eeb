import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createWidgets } from "../widgets.ts";
import { BenchSetup, reconciles, whenReady, whenReconciled } from "./bench-setup.ts";
import { cpuSeconds } from "./process-usage.ts";
import { report } from "./report.ts";
import { median, rounded } from "./statistics.ts";

/** Long enough for the queue to be empty again: adding a key that waits already is work too. */
const RESYNC_EVERY_MS = 500;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "20000" },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "5" },
    },
  });
  const [count, seconds, rounds] = [Number(values.count), Number(values.seconds), Number(values.rounds)];
  await using setup = await BenchSetup.open();
  await createWidgets(setup.controlPlane, count, { converged: true });
  await using stack = await setup.startStack();
  await whenReady(stack);
  await whenReconciled(stack, count);
  const rates: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const [before, cpu] = [await reconciles(stack), await cpuSeconds(stack.pid)];
    const until = performance.now() + 1_000 * seconds;
    while (performance.now() < until) {
      stack.signal("SIGUSR2");
      await delay(RESYNC_EVERY_MS);
    }
    const after = await reconciles(stack);
    // The first round warms up.
    if (round > 0) rates.push((after - before) / ((await cpuSeconds(stack.pid)) - cpu));
  }
  if (setup.external.total > 0) throw new Error(`${setup.external.total} external calls for Widgets that were converged`);
  const rate = rounded(median(rates));
  await report({
    name: "no-op",
    title: "Reconciles that find nothing to do",
    method: `${count} converged Widgets, queued again and again; for each second of the process's CPU, median of ${rounds} runs of ${seconds} s.`,
    columns: ["reconciles per CPU second", "least", "most"],
    rows: [[rate, rounded(Math.min(...rates)), rounded(Math.max(...rates))]],
    values: { perCpuSecond: rate },
  });
}

await main();
