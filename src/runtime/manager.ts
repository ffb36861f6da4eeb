import { systemClock } from "./clock.ts";
import type { Controller } from "./controller.ts";
import type { HealthServer } from "./health.ts";
import type { Logger } from "./logger.ts";
import { Timers } from "./timers.ts";

/** Something that runs from start to stop and never throws, as a reflector does. */
export interface Background {
  run(signal: AbortSignal): Promise<void>;
  /** Milliseconds since it last got anywhere, be it to a failure. */
  readonly stuckMs: number;
}

/** Leader election as the manager needs it; see LeaseElector. */
export interface Election {
  /** Resolves once this process leads; rejects only by the signal. */
  acquire(signal: AbortSignal): Promise<void>;
  /** Resolves when aborted; rejects when this process leads no more. */
  keep(signal: AbortSignal): Promise<void>;
  release(): Promise<void>;
}

export interface ManagerOptions {
  readonly logger: Logger;
  readonly health: HealthServer;
  /** Absent: no election (one replica by construction). */
  readonly elector?: Election;
  /** Run by every replica, so that a standby is warm. */
  readonly caches: readonly Background[];
  /** True once every cache is complete. */
  readonly synced: () => boolean;
  /** Called when this process begins to lead, before its controllers start. */
  readonly onLead: () => void;
  readonly controllers: readonly Controller[];
  readonly flush: (timeoutMs: number) => Promise<void>;
}

const DRAIN_MS = 20_000;
const FLUSH_MS = 3_000;
/** A reconcile has a 60 s deadline: one that is older than this is stuck in a way that only a restart mends. */
const STUCK_MS = 300_000;
const LOOP_LAG_MS = 10_000;
/** A watch ends after five minutes at the latest, so something happens within that. */
const WATCH_STUCK_MS = 600_000;

/**
 * Starts and stops the parts of the operator in the one safe order: caches, then leadership, then workers; and back: no new
 * work, drain, events out, Lease released. The Lease is renewed while the workers drain, so that what they finish may still be
 * written. When leadership is lost nothing is drained: another replica may act already.
 */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #log: Logger;
  #loopSeenAt = systemClock.monotonic();

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#log = options.logger;
    const { health } = options;
    health.addReadiness("caches", () => (options.synced() ? undefined : "the caches are not complete yet"));
    health.addLiveness("event-loop", () => {
      const lag = systemClock.monotonic() - this.#loopSeenAt;
      return lag > LOOP_LAG_MS ? `the event loop was blocked for ${Math.round(lag)} ms` : undefined;
    });
    health.addLiveness("reconciles", () => {
      const stuck = options.controllers.find((controller) => Math.max(0, ...controller.queue.processingAges()) > STUCK_MS);
      return stuck === undefined ? undefined : `a reconcile of ${stuck.name} is stuck`;
    });
    health.addLiveness("watches", () => {
      const oldest = Math.max(0, ...options.caches.map(({ stuckMs }) => stuckMs));
      return oldest > WATCH_STUCK_MS ? `a watch has been stuck for ${Math.round(oldest / 1_000)} s` : undefined;
    });
  }

  /** Runs until `signal` is aborted; rejects with the elector's error when leadership is lost. */
  async run(signal: AbortSignal): Promise<void> {
    const { caches } = this.#options;
    const heartbeat = setInterval(() => {
      this.#loopSeenAt = systemClock.monotonic();
    }, 1_000);
    // Caches outlive the workers' drain: reconciles that are finishing still read them.
    const cacheStop = new AbortController();
    const running = caches.map((cache) => cache.run(cacheStop.signal));
    try {
      if (await this.#becomeLeader(signal)) await this.#lead(signal);
      else await this.#options.flush(FLUSH_MS);
    } finally {
      cacheStop.abort();
      await Promise.all(running);
      clearInterval(heartbeat);
    }
  }

  /** False when this process was told to stop before. */
  async #becomeLeader(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#untilSynced(signal);
      await this.#options.elector?.acquire(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { elector, controllers, onLead, flush } = this.#options;
    const stopAll = (drainMs: number): Promise<unknown> => Promise.all(controllers.map((controller) => controller.stop(drainMs)));
    const renewStop = new AbortController();
    const kept = elector?.keep(renewStop.signal) ?? aborted(renewStop.signal);
    try {
      this.#log.info({ controllers: controllers.length }, "starting the controllers");
      onLead();
      for (const controller of controllers) controller.start();
      await Promise.race([kept, aborted(signal)]);
      await Promise.race([kept, stopAll(DRAIN_MS)]);
    } catch (error) {
      await stopAll(0);
      renewStop.abort();
      await flush(FLUSH_MS);
      throw error;
    }
    await flush(FLUSH_MS);
    renewStop.abort();
    await kept;
    await elector?.release();
  }

  async #untilSynced(signal: AbortSignal): Promise<void> {
    const timers = new Timers(systemClock);
    while (!this.#options.synced()) await timers.sleep(50, signal);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
