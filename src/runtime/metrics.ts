import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { QueueObserver, WorkQueue } from "./work-queue.ts";

const RESULTS = ["success", "error", "requeue", "requeue_after"] as const;
export type ReconcileResultLabel = (typeof RESULTS)[number];

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * The process's metrics, under the names that dashboards for controller-runtime and client-go already know.
 * An instance owns its registry: nothing is registered globally.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #reconciles = this.#counter("controller_runtime_reconcile_total", "Reconciles by result.", ["controller", "result"]);
  readonly #errors = this.#counter("controller_runtime_reconcile_errors_total", "Reconciles that threw.", ["controller"]);
  readonly #terminal = this.#counter("controller_runtime_terminal_reconcile_errors_total", "Reconciles that are not retried.", [
    "controller",
  ]);
  readonly #panics = this.#counter("controller_runtime_reconcile_panics_total", "Reconciles that met a bug of ours.", [
    "controller",
  ]);
  readonly #timeouts = this.#counter("controller_runtime_reconcile_timeouts_total", "Reconciles cut off by their deadline.", [
    "controller",
  ]);
  readonly #duration = this.#histogram("controller_runtime_reconcile_time_seconds", "Time of a reconcile.", ["controller"]);
  readonly #active = this.#gauge("controller_runtime_active_workers", "Reconciles running now.", ["controller"]);
  readonly #limit = this.#gauge("controller_runtime_max_concurrent_reconciles", "Reconciles that may run at once.", [
    "controller",
  ]);
  readonly #adds = this.#counter("workqueue_adds_total", "Keys added.", ["name", "controller"]);
  readonly #retries = this.#counter("workqueue_retries_total", "Keys added again after an error.", ["name", "controller"]);
  readonly #queued = this.#histogram("workqueue_queue_duration_seconds", "Time a key waited.", ["name", "controller"]);
  readonly #worked = this.#histogram("workqueue_work_duration_seconds", "Time a key was processed.", ["name", "controller"]);
  readonly #requests = this.#counter("rest_client_requests_total", "Requests to the API server.", ["code", "method"]);
  readonly #requestTime = this.#histogram("rest_client_request_duration_seconds", "Time of a request to the API server.", [
    "verb",
  ]);
  readonly #leader = this.#gauge("leader_election_master_status", "1 while this process holds the Lease.", ["name"]);
  readonly #relists = this.#counter("reflector_lists_total", "Full lists.", ["name"]);
  readonly #watchErrors = this.#counter("reflector_watch_errors_total", "Watches that ended with an error.", ["name", "reason"]);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  controller(name: string, maxConcurrent: number): ControllerMetrics {
    for (const result of RESULTS) this.#reconciles.inc({ controller: name, result }, 0);
    this.#errors.inc({ controller: name }, 0);
    for (const counter of [this.#terminal, this.#panics, this.#timeouts]) counter.inc({ controller: name }, 0);
    this.#retries.inc({ name, controller: name }, 0);
    this.#limit.set({ controller: name }, maxConcurrent);
    const queue = { name, controller: name };
    return {
      observer: {
        added: () => this.#adds.inc(queue),
        started: (queuedMs) => this.#queued.observe(queue, queuedMs / 1000),
      },
      reconciled: (result, ms) => {
        this.#reconciles.inc({ controller: name, result });
        if (result === "error") {
          this.#errors.inc({ controller: name });
          this.#retries.inc(queue);
        }
        this.#duration.observe({ controller: name }, ms / 1000);
        this.#worked.observe(queue, ms / 1000);
      },
      timedOut: () => this.#timeouts.inc({ controller: name }),
      terminal: () => this.#terminal.inc({ controller: name }),
      panicked: () => this.#panics.inc({ controller: name }),
      active: (workers) => this.#active.set({ controller: name }, workers),
    };
  }

  /** Gauges of a queue that are read at scrape time, so that they are never stale. */
  watchQueue(name: string, queue: WorkQueue): void {
    const labels = { name, controller: name };
    this.#scraped("workqueue_depth", "Keys ready and not taken.", labels, () => queue.depth);
    this.#scraped("workqueue_longest_running_processor_seconds", "Age of the oldest reconcile running.", labels, () => {
      return Math.max(0, ...queue.processingAges()) / 1000;
    });
    this.#scraped("workqueue_unfinished_work_seconds", "Sum of the ages of the reconciles running.", labels, () => {
      return queue.processingAges().reduce((sum, age) => sum + age, 0) / 1000;
    });
  }

  request(method: string, code: string, ms: number): void {
    this.#requests.inc({ code, method });
    this.#requestTime.observe({ verb: method }, ms / 1000);
  }

  leader(name: string, held: boolean): void {
    this.#leader.set({ name }, held ? 1 : 0);
  }

  listed(name: string): void {
    this.#relists.inc({ name });
  }

  watchFailed(name: string, reason: string): void {
    this.#watchErrors.inc({ name, reason });
  }

  /** Milliseconds since a watch last said anything; of several of one name the oldest. */
  watchAge(name: string, read: () => number): void {
    const help = "Time since the API server last said anything on the watch.";
    this.#scraped("reflector_watch_age_seconds", help, { name }, () => read() / 1000);
  }

  readonly #sources = new Map<string, { labels: Record<string, string>; read: () => number }[]>();

  #scraped(name: string, help: string, labels: Record<string, string>, read: () => number): void {
    const known = this.#sources.get(name);
    if (known !== undefined) {
      known.push({ labels, read });
      return;
    }
    const sources = [{ labels, read }];
    this.#sources.set(name, sources);
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [this.registry],
      collect() {
        const highest = new Map<string, number>();
        for (const { labels: of, read: value } of sources) {
          const key = JSON.stringify(of);
          highest.set(key, Math.max(highest.get(key) ?? Number.NEGATIVE_INFINITY, value()));
        }
        for (const [key, value] of highest) this.set(JSON.parse(key) as Record<string, string>, value);
      },
    });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  #histogram<L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets: SECONDS, registers: [this.registry] });
  }
}

/** What one controller reports; times in ms. */
export interface ControllerMetrics {
  readonly observer: QueueObserver;
  reconciled(result: ReconcileResultLabel, ms: number): void;
  timedOut(): void;
  terminal(): void;
  panicked(): void;
  active(workers: number): void;
}
