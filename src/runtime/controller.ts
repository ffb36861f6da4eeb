import type { ObjectKey } from "../kube/objects.ts";
import { ItemBackoff } from "./backoff.ts";
import { type Cancel, type Clock, systemClock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import type { ControllerMetrics, Metrics } from "./metrics.ts";
import type { Timers } from "./timers.ts";
import { Priority, WorkQueue } from "./work-queue.ts";

/** When to look again although nothing happened; absent = only on the next event. */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

/**
 * Makes the world match one object. Called with a key, never with an event; never twice at once for a key; again after an
 * error with backoff. Must be idempotent at every instruction.
 */
export interface Reconciler {
  reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult>;
}

/** Thrown by a step that lost a race (a 409 on a write, a cache behind): tried again soon, not counted as an error. */
export class TryAgain extends Error {
  override readonly name = "TryAgain";
  readonly afterMs: number;

  constructor(message: string, afterMs = 200) {
    super(message);
    this.afterMs = afterMs;
  }
}

export interface ControllerOptions {
  readonly name: string;
  readonly reconciler: Reconciler;
  readonly maxConcurrent: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** A reconcile that runs longer is aborted; default 60 s of real time. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 60_000;
/** How long a reconcile may take to notice that it was aborted; one that does not is left behind. */
const ABORT_GRACE_MS = 3_000;

/**
 * A work queue and the workers that empty it. Keys may be added before {@link start}; they wait. A reconcile begins in a turn
 * of its own, never inside the call that added its key: that may be a store which is being filled.
 */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #log: Logger;
  readonly #metrics: ControllerMetrics;
  readonly #backoff = new ItemBackoff();
  readonly #stop = new AbortController();
  #started = false;
  #active = 0;
  /** Who waits in {@link stop} for the last running reconcile. */
  readonly #waiting = new Set<() => void>();

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = options.logger.child({ controller: options.name });
    this.#metrics = options.metrics.controller(options.name, options.maxConcurrent);
    this.queue = new WorkQueue({ clock: options.clock, timers: options.timers, observer: this.#metrics.observer });
    this.queue.onReady(() => this.#pump());
    options.metrics.watchQueue(options.name, this.queue);
  }

  start(): void {
    this.#started = true;
    this.#pump();
  }

  /**
   * Takes no new keys; resolves when the running reconciles have ended, which are aborted after `drainMs` of real time, at the
   * latest 3 s after that. A second call may hurry the first.
   */
  async stop(drainMs: number): Promise<void> {
    this.#started = false;
    this.queue.close();
    if (this.#active === 0) return;
    const cancelAbort = systemClock.setTimer(drainMs, () => this.#stop.abort(new Error("the operator is stopping")));
    let cancelWait: Cancel = () => {};
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      cancelWait = systemClock.setTimer(drainMs + ABORT_GRACE_MS, resolve);
    });
    cancelAbort();
    cancelWait();
    if (this.#active > 0) this.#log.warn({ running: this.#active }, "reconciles that ignore their signal are left behind");
  }

  #pump(): void {
    while (this.#started && this.#active < this.#options.maxConcurrent) {
      const item = this.queue.take();
      if (item === undefined) return;
      this.#active += 1;
      this.#metrics.active(this.#active);
      void this.#process(item.key, item.priority).finally(() => {
        this.#active -= 1;
        this.#metrics.active(this.#active);
        this.queue.done(item.key);
        if (this.#active === 0) for (const resolve of this.#waiting) resolve();
        this.#pump();
      });
    }
  }

  async #process(key: ObjectKey, priority: Priority): Promise<void> {
    await Promise.resolve();
    const started = systemClock.monotonic();
    const elapsed = (): number => systemClock.monotonic() - started;
    const deadline = new AbortController();
    const cancelDeadline = systemClock.setTimer(this.#options.timeoutMs ?? TIMEOUT_MS, () => {
      deadline.abort(new Error("the reconcile took too long"));
    });
    try {
      const signal = AbortSignal.any([this.#stop.signal, deadline.signal]);
      const { requeueAfterMs } = await this.#options.reconciler.reconcile(key, signal);
      if (requeueAfterMs !== undefined) this.queue.addAfter(key, requeueAfterMs, Priority.Low);
      this.#backoff.forget(key);
      this.#metrics.reconciled(requeueAfterMs === undefined ? "success" : "requeue_after", elapsed());
    } catch (error) {
      if (deadline.signal.aborted) this.#metrics.timedOut();
      this.#metrics.reconciled(error instanceof TryAgain ? "requeue" : "error", elapsed());
      this.#retry(key, priority, error);
    } finally {
      cancelDeadline();
    }
  }

  #retry(key: ObjectKey, priority: Priority, error: unknown): void {
    if (error instanceof TryAgain) {
      this.#log.debug({ key, cause: error.message }, "try again");
      this.queue.addAfter(key, error.afterMs, priority);
      return;
    }
    const delayMs = this.#backoff.next(key);
    if (!this.#stop.signal.aborted) this.#log.error({ key, err: error, retryMs: delayMs }, "reconcile failed");
    this.queue.addAfter(key, delayMs, priority);
  }
}
