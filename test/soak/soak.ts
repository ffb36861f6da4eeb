import { setTimeout as delay } from "node:timers/promises";
import type { ChaosRun } from "../chaos/chaos-run.ts";
import type { ProxyFault } from "../chaos/fault-kinds.ts";
import type { Replica } from "../chaos/replica.ts";
import { type ProcessSample, sampleOf } from "./process-samples.ts";
import { type Trend, trendOf } from "./trend.ts";

/** What happens to any operator now and then, and must leave nothing behind. */
const WEATHER: readonly ProxyFault[] = [
  "reset before sending",
  "reset after applying",
  "slow answer",
  "429 with Retry-After",
  "500",
  "503",
  "truncated answer",
  "410 on a watch",
  "410 as an ERROR event",
  "half a watch line",
  "slow watch",
  "reset of a watch",
];
const SAMPLE_EVERY_MS = 5_000;
const PROBE_EVERY_MS = 10_000;
const FAULT_EVERY_MS = 20_000;

/**
 * How much the line through the second half may rise: memory that is garbage collected is a saw, whose line is not quite level.
 * 600 bytes that stay behind per reconcile, or a socket per minute, are more.
 */
export const FLAT = { rssBytes: 8 * 1_048_576, handles: 4 } as const;

export interface SoakFigures {
  readonly replica: string;
  readonly rss: Trend;
  readonly handles: Trend;
  readonly samples: number;
}

/** The operator under churn for a long time: half of it in peace, half of it with a fault now and then. */
export class Soak {
  readonly #run: ChaosRun;
  readonly #started = performance.now();
  readonly #samples = new Map<string, ProcessSample[]>();
  /** Times in milliseconds until probe edits were handled, in peace and in bad weather. */
  readonly latencies: { readonly quiet: number[]; readonly weather: number[] } = { quiet: [], weather: [] };
  readonly violations: string[] = [];

  constructor(run: ChaosRun) {
    this.#run = run;
  }

  async run(totalMs: number): Promise<void> {
    const stop = new AbortController();
    const sampling = this.#sample(stop.signal);
    try {
      await this.#probe("quiet", totalMs / 2);
      const faults = this.#strike(totalMs / 2);
      await this.#probe("weather", totalMs / 2);
      await faults;
    } finally {
      stop.abort();
      await sampling;
    }
    for (const { name, ends } of this.#run.cluster.replicas)
      this.violations.push(...ends.map(({ cause, lastLine }) => `${name} ended (${cause}) during the soak: ${lastLine}`));
  }

  /** Of the second half of the time; what rises too much is a violation. */
  figures(): SoakFigures[] {
    return [...this.#samples].map(([replica, samples]) => {
      const from = ((samples[0]?.at ?? 0) + (samples.at(-1)?.at ?? 0)) / 2;
      const half = samples.filter(({ at }) => at >= from);
      const rss = trendOf(half.map(({ at, rssBytes }) => ({ x: at, y: rssBytes })));
      const handles = trendOf(half.map(({ at, handles: open }) => ({ x: at, y: open })));
      return { replica, rss, handles, samples: half.length };
    });
  }

  async #sample(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const replica of this.#run.cluster.replicas) await this.#sampleOne(replica);
      await delay(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #sampleOne(replica: Replica): Promise<void> {
    if (!replica.running) return;
    const sample = await sampleOf(replica.pid, performance.now() - this.#started);
    if (sample === undefined) return;
    const known = this.#samples.get(replica.name) ?? [];
    this.#samples.set(replica.name, [...known, sample]);
  }

  async #probe(weather: "quiet" | "weather", forMs: number): Promise<void> {
    const until = performance.now() + forMs;
    while (performance.now() < until) {
      this.latencies[weather].push(...(await this.#run.probes.edit(`in the soak (${weather})`)));
      await delay(Math.min(PROBE_EVERY_MS, Math.max(0, until - performance.now())));
    }
  }

  async #strike(forMs: number): Promise<void> {
    const until = performance.now() + forMs;
    while (performance.now() < until) {
      await this.#run.strike(this.#run.pick(WEATHER), this.#run.between(1, 2));
      await delay(FAULT_EVERY_MS);
    }
  }
}
