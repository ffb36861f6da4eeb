import { setImmediate as turn } from "node:timers/promises";
import { Controller, type ReconcileResult, type Source } from "./controller.ts";
import { createLogger } from "./logger.ts";
import { ManualClock } from "./manual-clock.testing.ts";
import { Metrics } from "./metrics.ts";
import { Timers } from "./timers.ts";

export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult>;

/** A controller on a clock of its own, its log and its metrics. */
export function controller(
  reconcile: Reconcile,
  options: { maxConcurrent?: number; timeoutMs?: number; source?: Partial<Source> } = {},
) {
  const clock = new ManualClock();
  const log: Record<string, unknown>[] = [];
  const logger = createLogger({ level: "debug", destination: { write: (line: string) => void log.push(JSON.parse(line)) } });
  const metrics = new Metrics();
  const { timeoutMs } = options;
  const made = new Controller({
    name: "probe",
    source: { settle: async () => {}, keys: () => [], ...options.source },
    reconciler: { reconcile },
    maxConcurrent: options.maxConcurrent ?? 4,
    clock,
    timers: new Timers(clock),
    logger,
    metrics,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const value = async (name: string, labels: Record<string, string> = {}): Promise<number | undefined> => {
    const metric = await metrics.registry.getSingleMetric(name)?.get();
    const wanted = Object.entries(labels);
    return metric?.values.find((one) => wanted.every(([label, text]) => one.labels[label] === text))?.value;
  };
  return { controller: made, clock, log, value };
}

/** Lets everything that waits for nothing but its turn run. */
export async function settle(): Promise<void> {
  for (let index = 0; index < 5; index++) await turn();
}

/** A reconcile that ends when it is told to. */
export function gate(): {
  readonly reconcile: Reconcile;
  readonly running: string[];
  open(result?: ReconcileResult | Error): void;
} {
  const waiting: ((result: ReconcileResult | Error) => void)[] = [];
  const running: string[] = [];
  return {
    running,
    reconcile: (key) =>
      new Promise((resolve, reject) => {
        running.push(key);
        waiting.push((result) => {
          running.splice(running.indexOf(key), 1);
          if (result instanceof Error) reject(result);
          else resolve(result);
        });
      }),
    open: (result = {}) => waiting.shift()?.(result),
  };
}
