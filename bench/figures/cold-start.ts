import { parseArgs } from "node:util";
import type { ControlPlane } from "../../test/control-plane/control-plane.ts";
import { createWidgets } from "../widgets.ts";
import { BenchSetup, whenReady, whenReconciled } from "./bench-setup.ts";
import { cpuSeconds, memory } from "./process-usage.ts";
import { report } from "./report.ts";
import { median, rounded } from "./statistics.ts";

const MEBIBYTE = 2 ** 20;
/** What the API server counts of answers that are not watches, and of the events of watches. */
const SENT = ["apiserver_response_sizes_sum", "apiserver_watch_events_sizes_sum"];

interface Run {
  readonly ready: number;
  readonly seen: number;
  readonly cpu: number;
  readonly peak: number;
  readonly received: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: "string", default: "20000" }, rounds: { type: "string", default: "5" } },
  });
  const [count, rounds] = [Number(values.count), Number(values.rounds)];
  await using setup = await BenchSetup.open();
  await createWidgets(setup.controlPlane, count, { converged: true });
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round += 1) runs.push(await coldStart(setup, count));
  if (setup.external.total > 0) throw new Error(`${setup.external.total} external calls for Widgets that were converged`);
  const of = (member: keyof Run, places: number): number => rounded(median(runs.map((run) => run[member])), places);
  await report({
    name: "cold-start",
    title: `Cold start with ${count} Widgets, all converged`,
    method: `From the start of the process; medians of ${rounds} runs. Seen: each Widget was reconciled once, and nothing was to do.`,
    columns: ["ready after s", "all seen after s", "CPU s", "peak RSS MiB", "from the API server MiB"],
    rows: [[of("ready", 2), of("seen", 2), of("cpu", 2), of("peak", 0), of("received", 1)]],
    values: { readySeconds: of("ready", 2), seenSeconds: of("seen", 2), peakMebibytes: of("peak", 0) },
  });
}

async function coldStart(setup: BenchSetup, count: number): Promise<Run> {
  const before = await bytesSent(setup.controlPlane);
  await using stack = await setup.startStack();
  await whenReady(stack);
  const ready = (performance.now() - stack.startedAt) / 1_000;
  await whenReconciled(stack, count);
  const seen = (performance.now() - stack.startedAt) / 1_000;
  return {
    ready,
    seen,
    cpu: await cpuSeconds(stack.pid),
    peak: (await memory(stack.pid)).peak / MEBIBYTE,
    received: ((await bytesSent(setup.controlPlane)) - before) / MEBIBYTE,
  };
}

/** Bytes of Widgets that the API server has sent to anybody. */
async function bytesSent(controlPlane: ControlPlane): Promise<number> {
  const { body } = await controlPlane.request("GET", "/metrics");
  return String(body)
    .split("\n")
    .filter((line) => SENT.some((name) => line.startsWith(`${name}{`)) && line.includes('group="bench.customdomains.dev"'))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

await main();
