import { parseArgs } from "node:util";
import { systemClock } from "../../src/runtime/clock.ts";
import { Timers } from "../../src/runtime/timers.ts";
import { WorkQueue } from "../../src/runtime/work-queue.ts";
import { report } from "./report.ts";
import { median, rounded } from "./statistics.ts";

const NAMESPACES = [1, 100, 10_000];
const ENTRIES = 50_000;
const HOUR_MS = 3_600_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { keys: { type: "string", default: "100000" }, rounds: { type: "string", default: "7" } },
  });
  const [keys, rounds] = [Number(values.keys), Number(values.rounds)];
  const rows: (string | number)[][] = [];
  for (const namespaces of NAMESPACES) {
    const names = Array.from({ length: keys }, (_, index) => `tenant-${index % namespaces}/domain-${index}`);
    const add = repeated(rounds, () => addAll(names));
    const cycle = repeated(rounds, () => addTakeDone(names));
    rows.push([`queue: add, ${namespaces} namespaces`, add], [`queue: add + take + done, ${namespaces} namespaces`, cycle]);
  }
  rows.push([`timers: add, with ${ENTRIES} waiting`, repeated(rounds, () => timers(keys).add)]);
  rows.push([`timers: cancel, with ${ENTRIES} waiting`, repeated(rounds, () => timers(keys).cancel)]);
  await report({
    name: "queue-micro",
    title: "The work queue and the timers by themselves",
    method: `${keys} keys each, medians of ${rounds} runs, one core.`,
    columns: ["operation", "per second"],
    rows,
    values: Object.fromEntries(rows.map(([operation, rate]) => [String(operation), Number(rate)])),
  });
}

function addAll(names: readonly string[]): number {
  const queue = newQueue();
  return rate(names.length, () => {
    for (const name of names) queue.add(name);
  });
}

/** As a controller does: everything waits, then one key after the other is worked on. */
function addTakeDone(names: readonly string[]): number {
  const queue = newQueue();
  return rate(names.length, () => {
    for (const name of names) queue.add(name);
    for (let item = queue.take(); item !== undefined; item = queue.take()) queue.done(item.key);
  });
}

function timers(count: number): { readonly add: number; readonly cancel: number } {
  const heap = new Timers(systemClock);
  for (let entry = 0; entry < ENTRIES; entry += 1) heap.after(HOUR_MS + entry, () => {});
  const cancels: (() => void)[] = [];
  const add = rate(count, () => {
    // Scattered over an hour, as the checks of domains are.
    for (let index = 0; index < count; index += 1) cancels.push(heap.after((index * 7_919) % HOUR_MS, () => {}));
  });
  const cancel = rate(count, () => {
    for (const one of cancels) one();
  });
  heap.clear();
  return { add, cancel };
}

function newQueue(): WorkQueue {
  return new WorkQueue({ clock: systemClock, timers: new Timers(systemClock) });
}

function rate(count: number, work: () => void): number {
  const started = performance.now();
  work();
  return count / ((performance.now() - started) / 1_000);
}

/** The median rate; the first run compiles and is not counted. */
function repeated(rounds: number, measure: () => number): number {
  const rates = Array.from({ length: rounds + 1 }, measure).slice(1);
  return rounded(median(rates));
}

await main();
