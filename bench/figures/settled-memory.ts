import { setTimeout as delay } from "node:timers/promises";
import { memory } from "./process-usage.ts";

/** A running process of which memory is measured: the stack of the benchmark, or the operator itself. */
export interface Measurable {
  readonly pid: number;
  /** The value of one of its metrics. */
  metric(name: string): Promise<number>;
}

/** Bytes. */
export interface SettledMemory {
  readonly rss: number;
  readonly peak: number;
  readonly heap: number;
}

/** Lets a process that has nothing to do be for a while, its garbage collector included, and then looks. */
export async function settledMemory(subject: Measurable, settleSeconds: number): Promise<SettledMemory> {
  await delay(settleSeconds * 1_000);
  const { rss, peak } = await memory(subject.pid);
  return { rss, peak, heap: await subject.metric("nodejs_heap_size_used_bytes") };
}
