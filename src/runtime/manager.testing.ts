import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { Controller } from "./controller.ts";
import { HealthServer } from "./health.ts";
import { createLogger } from "./logger.ts";
import { type Background, Manager } from "./manager.ts";
import { ManualClock } from "./manual-clock.testing.ts";
import { Metrics } from "./metrics.ts";
import { Timers } from "./timers.ts";

/** A manager whose parts write down what happens to them, in order. */
export class Bench {
  readonly happened: string[] = [];
  readonly signal = new AbortController();
  readonly health = new HealthServer(new Metrics());
  readonly #queueClock = new ManualClock();
  synced = true;
  cacheStuckMs = 0;
  elected = true;
  /** Ends the running reconcile. */
  finish: () => void = () => {};
  lose: (error: Error) => void = () => {};
  readonly controller = new Controller({
    name: "probe",
    source: { settle: async () => {}, keys: () => [] },
    reconciler: { reconcile: (key, signal) => this.#reconcile(key, signal) },
    maxConcurrent: 1,
    clock: this.#queueClock,
    timers: new Timers(this.#queueClock),
    logger: createLogger({ level: "silent" }),
    metrics: new Metrics(),
  });
  readonly manager: Manager;

  constructor(options: { readonly election: boolean } = { election: true }) {
    this.manager = new Manager({
      logger: createLogger({ level: "silent" }),
      health: this.health,
      ...(options.election ? { elector: this.#elector() } : {}),
      caches: [this.#cache()],
      synced: () => this.synced,
      onLead: () => this.happened.push("leading"),
      controllers: [this.controller],
      flush: async () => void this.happened.push("events flushed"),
    });
  }

  passQueueTime(ms: number): void {
    this.#queueClock.advance(ms);
  }

  async see(what: string): Promise<void> {
    await waitUntil(what, () => this.happened.includes(what), { timeoutMs: 5_000, intervalMs: 5 });
  }

  async probe(path: string): Promise<number> {
    const port = await this.#listening;
    return new Promise((resolve, reject) => {
      get(`http://127.0.0.1:${port}${path}`, (response) => resolve(response.resume().statusCode ?? 0)).on("error", reject);
    });
  }

  readonly #listening = this.health.listen("127.0.0.1:0");

  #elector() {
    return {
      acquire: async (signal: AbortSignal) => {
        this.happened.push("standing for election");
        while (!this.elected) await sleep(5, undefined, { signal });
        this.happened.push("elected");
      },
      keep: (signal: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          const onAbort = (): void => {
            this.happened.push("renewing stopped");
            resolve();
          };
          signal.addEventListener("abort", onAbort);
          this.lose = (error) => {
            signal.removeEventListener("abort", onAbort);
            reject(error);
          };
        }),
      release: async () => void this.happened.push("lease released"),
    };
  }

  #cache(): Background {
    const stuckMs = (): number => this.cacheStuckMs;
    return {
      run: (signal) => this.#until("cache", signal),
      get stuckMs() {
        return stuckMs();
      },
    };
  }

  #until(name: string, signal: AbortSignal): Promise<void> {
    this.happened.push(`${name} runs`);
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        this.happened.push(`${name} stopped`);
        resolve();
      });
    });
  }

  #reconcile(key: string, signal: AbortSignal): Promise<Record<string, never>> {
    this.happened.push(`reconcile ${key}`);
    return new Promise((resolve, reject) => {
      this.finish = () => {
        this.happened.push(`${key} done`);
        resolve({});
      };
      signal.addEventListener("abort", () => {
        this.happened.push(`${key} aborted`);
        reject(signal.reason);
      });
    });
  }
}
