import type { ObjectKey } from "../kube/objects.ts";
import { hashFraction, ItemBackoff } from "./backoff.ts";
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

/** Thrown where trying again is useless until the object or its surroundings change: not retried, counted on its own. */
export class TerminalError extends Error {
  override readonly name = "TerminalError";
}

/** The local copy of the objects that a controller reconciles; see Collection. */
export interface Source {
  /** Resolves when the copy of this object is as new as this process's last write of it. */
  settle(key: ObjectKey, signal: AbortSignal): Promise<void>;
  keys(): Iterable<ObjectKey>;
}

export interface ControllerOptions {
  readonly name: string;
  readonly source: Source;
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
/** client-go's belt and braces: whatever a trigger may have missed is looked at within half a day. */
const RESYNC_MS = 10 * 3_600_000;
const RESYNC_JITTER = 0.1;
/** How long reconciles may follow each other before the event loop has its turn. */
const TURN_MS = 5;
/** How long a reconcile may take to notice that it was aborted; one that does not is left behind. */
const ABORT_GRACE_MS = 3_000;

/**
 * A work queue and the workers that empty it, and a resync of everything every ten hours, behind all live changes. Keys may be added before {@link start}; they wait. A reconcile begins in a turn
 * of its own, never inside the call that added its key: that may be a store which is being filled.
 */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #log: Logger;
  readonly #metrics: ControllerMetrics;
  readonly #backoff = new ItemBackoff();
  /** One for each running reconcile. */
  readonly #running = new Set<AbortController>();
  #stopping: Error | undefined;
  /** When the present turn of the event loop began to reconcile; undefined before it does. */
  #turnBegan: number | undefined;
  #cancelResync: Cancel = () => {};
  #started = false;
  #active = 0;
  /** Who waits in {@link stop} for the last running reconcile. */
  readonly #waiting = new Set<() => void>();

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = options.logger.child({ controller: options.name });
    this.#metrics = options.metrics.controller(options.name, options.maxConcurrent);
    this.queue = new WorkQueue({
      clock: options.clock,
      timers: options.timers,
      observer: this.#metrics.observer,
    });
    this.queue.onReady(() => this.#pump());
    options.metrics.watchQueue(options.name, this.queue);
  }

  start(): void {
    this.#started = true;
    this.#scheduleResync(0);
    this.#pump();
  }

  /** Has every object looked at once more, when nothing that is new waits. */
  resync(): void {
    for (const key of this.#options.source.keys()) this.queue.add(key, Priority.Low);
  }

  #scheduleResync(round: number): void {
    const jitter = RESYNC_JITTER * (2 * hashFraction(this.name, round) - 1);
    this.#cancelResync = this.#options.timers.after(RESYNC_MS * (1 + jitter), () => {
      this.resync();
      this.#scheduleResync(round + 1);
    });
  }

  /**
   * Takes no new keys; resolves when the running reconciles have ended, which are aborted after `drainMs` of real time, at the
   * latest 3 s after that. A second call may hurry the first.
   */
  async stop(drainMs: number): Promise<void> {
    this.#started = false;
    this.#cancelResync();
    this.queue.close();
    if (this.#active === 0) return;
    const cancelAbort = systemClock.setTimer(drainMs, () => this.#abortAll(new Error("the operator is stopping")));
    let cancelWait: Cancel = () => {};
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      cancelWait = systemClock.setTimer(drainMs + ABORT_GRACE_MS, resolve);
    });
    cancelAbort();
    cancelWait();
    if (this.#active > 0) this.#log.warn({ running: this.#active }, "reconciles that ignore their signal are left behind");
  }

  #abortAll(reason: Error): void {
    this.#stopping = reason;
    for (const running of this.#running) running.abort(reason);
  }

  #pump(): void {
    while (this.#started && this.#active < this.#options.maxConcurrent) {
      if (this.#isTurnOver()) return;
      const item = this.queue.take();
      if (item === undefined) return;
      this.#beginTurn();
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

  /**
   * Reconciles that find nothing to do wait for nothing: thousands of them would keep watches, leases and probes from being
   * heard. After a few milliseconds the event loop has its turn, and the pump goes on in the next one.
   */
  #isTurnOver(): boolean {
    return this.#turnBegan !== undefined && systemClock.monotonic() - this.#turnBegan >= TURN_MS;
  }

  /** Only for a key that was taken: begun for nothing, each turn would begin the next one, for ever. */
  #beginTurn(): void {
    if (this.#turnBegan !== undefined) return;
    this.#turnBegan = systemClock.monotonic();
    setImmediate(() => {
      this.#turnBegan = undefined;
      this.#pump();
    });
  }

  async #process(key: ObjectKey, priority: Priority): Promise<void> {
    await Promise.resolve();
    const started = systemClock.monotonic();
    const elapsed = (): number => systemClock.monotonic() - started;
    const running = new AbortController();
    const { signal } = running;
    let timedOut = false;
    const cancelDeadline = systemClock.setTimer(this.#options.timeoutMs ?? TIMEOUT_MS, () => {
      timedOut = true;
      running.abort(new Error("the reconcile took too long"));
    });
    if (this.#stopping !== undefined) running.abort(this.#stopping);
    this.#running.add(running);
    try {
      await this.#options.source.settle(key, signal);
      const { requeueAfterMs } = await this.#options.reconciler.reconcile(key, signal);
      if (requeueAfterMs !== undefined) this.queue.addAfter(key, requeueAfterMs, Priority.Low);
      this.#backoff.forget(key);
      this.#metrics.reconciled(requeueAfterMs === undefined ? "success" : "requeue_after", elapsed());
    } catch (error) {
      if (timedOut) this.#metrics.timedOut();
      if (isBug(error)) this.#metrics.panicked();
      this.#metrics.reconciled(error instanceof TryAgain ? "requeue" : "error", elapsed());
      this.#retry(key, priority, error);
    } finally {
      cancelDeadline();
      this.#running.delete(running);
    }
  }

  #retry(key: ObjectKey, priority: Priority, error: unknown): void {
    if (error instanceof TryAgain) {
      this.#log.debug({ key, cause: error.message }, "try again");
      this.queue.addAfter(key, error.afterMs, priority);
      return;
    }
    if (error instanceof TerminalError) {
      this.#metrics.terminal();
      this.#backoff.forget(key);
      this.#log.error({ key, err: error }, "reconcile failed for good");
      return;
    }
    const delayMs = this.#backoff.next(key);
    if (this.#stopping === undefined) this.#log.error({ key, err: error, retryMs: delayMs }, "reconcile failed");
    this.queue.addAfter(key, delayMs, priority);
  }
}

/** What a Go program would have panicked with; network errors that undici dresses as a TypeError have a cause. */
function isBug(error: unknown): boolean {
  const kinds = [TypeError, ReferenceError, RangeError];
  return kinds.some((kind) => error instanceof kind) && (error as Error).cause === undefined;
}
