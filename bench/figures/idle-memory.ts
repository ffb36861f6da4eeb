import { parseArgs } from "node:util";
import { createWidgets } from "../widgets.ts";
import { BenchSetup, whenReady, whenReconciled } from "./bench-setup.ts";
import { report } from "./report.ts";
import { type SettledMemory, settledMemory } from "./settled-memory.ts";
import { rounded } from "./statistics.ts";

const MEBIBYTE = 2 ** 20;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: "string", default: "50000" }, settle: { type: "string", default: "120" } },
  });
  const [count, settle] = [Number(values.count), Number(values.settle)];
  await using setup = await BenchSetup.open();
  const empty = await idle(setup, 0, settle);
  await createWidgets(setup.controlPlane, count, { converged: true });
  const full = await idle(setup, count, settle);
  const row = (objects: number, { rss, peak, heap }: SettledMemory): (string | number)[] => [
    objects,
    rounded(rss / MEBIBYTE),
    rounded(peak / MEBIBYTE),
    rounded(heap / MEBIBYTE),
    objects === 0 ? "" : rounded((rss - empty.rss) / objects),
  ];
  await report({
    name: "idle-memory",
    title: `Memory with ${count} Widgets and nothing to do`,
    method: `Read ${settle} s after the last Widget was seen; the garbage collector was left alone.`,
    columns: ["Widgets", "RSS MiB", "peak RSS MiB", "heap used MiB", "bytes of RSS per Widget"],
    rows: [row(0, empty), row(count, full)],
    values: { rssMebibytes: rounded(full.rss / MEBIBYTE), bytesPerObject: rounded((full.rss - empty.rss) / count) },
  });
}

async function idle(setup: BenchSetup, count: number, settleSeconds: number): Promise<SettledMemory> {
  await using stack = await setup.startStack();
  await whenReady(stack);
  await whenReconciled(stack, count);
  // Awaited here: the stack is stopped when this function is left.
  return await settledMemory(stack, settleSeconds);
}

await main();
