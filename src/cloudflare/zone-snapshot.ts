import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../runtime/clock.ts";
import type { Timers } from "../runtime/timers.ts";
import type { CloudflareApi } from "./api.ts";
import { CloudflareError } from "./errors.ts";
import { PendingPoll } from "./pending-poll.ts";
import type { CustomHostname } from "./row.ts";
import { Waker } from "./waker.ts";
import { ZoneRows } from "./zone-rows.ts";
import { ZoneSweep } from "./zone-sweep.ts";

export interface SnapshotSettings {
  /** Least seconds between two sweeps. */
  readonly snapshotSeconds: number;
  readonly pageSize: number;
  /** A quarter of it is the most that sweeps use. */
  readonly requestsPer5Minutes: number;
}

export interface ZoneSnapshotOptions {
  readonly zoneID: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly settings: SnapshotSettings;
  /** The API to read with, looked up for each use because a new token makes a new one. */
  readonly api: () => Pick<CloudflareApi, "listPage" | "get">;
  /** A row of this hostname is new, changed or gone, and nobody has been told yet. */
  readonly onChange: (hostname: string) => void;
  /** A sweep failed; the rows stay as they were. */
  readonly onFailure: (error: unknown) => void;
}

export interface SnapshotState {
  /** Complete sweeps so far. A row that is absent after two of them is gone, unless a GET by its id shows it. */
  readonly generation: number;
  /** Milliseconds since the last complete sweep began; undefined before the first. */
  readonly ageMs: number | undefined;
  readonly rows: number;
  /** Why the last sweep failed; undefined after a complete one. */
  readonly failure: unknown;
}

const WINDOW_MS = 300_000;
const SWEEP_SHARE = 0.25;
const MAX_BACKOFF_MS = 300_000;

/**
 * All custom hostnames of a zone, read for everybody by one paged list. It only reads, and only while somebody watches a
 * hostname or asks for a refresh. Between two sweeps of a large zone the watched rows that are settling are looked at alone.
 */
export class ZoneSnapshot {
  readonly #options: ZoneSnapshotOptions;
  readonly #rows = new ZoneRows();
  readonly #watched = new Set<string>();
  readonly #sweep: ZoneSweep;
  readonly #poll: PendingPoll;
  readonly #waker: Waker;
  #settings: SnapshotSettings;
  #waiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #generation = 0;
  #sweptAt: number | undefined;
  #nextSweepAt = Number.NEGATIVE_INFINITY;
  #nextPollAt = Number.POSITIVE_INFINITY;
  #failure: unknown;
  #failures = 0;

  constructor(options: ZoneSnapshotOptions) {
    const { zoneID, clock, timers, api, onChange } = options;
    this.#options = options;
    this.#settings = options.settings;
    this.#waker = new Waker(clock, timers);
    this.#sweep = new ZoneSweep({ zoneID, timers, api, rows: this.#rows, onChange });
    this.#poll = new PendingPoll({ zoneID, clock, api, rows: this.#rows, onChange });
  }

  byHostname(hostname: string): readonly CustomHostname[] {
    return this.#rows.withHostname(hostname);
  }

  byID(id: string): CustomHostname | undefined {
    return this.#rows.get(id);
  }

  all(): Iterable<CustomHostname> {
    return this.#rows.all();
  }

  state(): SnapshotState {
    const ageMs = this.#sweptAt === undefined ? undefined : this.#options.clock.monotonic() - this.#sweptAt;
    return { generation: this.#generation, ageMs, rows: this.#rows.size, failure: this.#failure };
  }

  /** Keeps the snapshot running. Watching twice is watching once. */
  watch(hostname: string): void {
    const idle = this.#watched.size === 0;
    this.#watched.add(hostname);
    if (idle) this.#waker.wake();
  }

  unwatch(hostname: string): void {
    this.#watched.delete(hostname);
  }

  /** To be called as often as one likes: only a difference wakes the loop. */
  setSettings(settings: SnapshotSettings): void {
    if (isDeepStrictEqual(settings, this.#settings)) return;
    this.#settings = settings;
    if (this.#sweptAt !== undefined && this.#failure === undefined) this.#schedule(this.#sweptAt);
    this.#waker.wake();
  }

  /** A new credential: what failed before may work now. */
  retryNow(): void {
    this.#failures = 0;
    this.#nextSweepAt = Number.NEGATIVE_INFINITY;
    this.#waker.wake();
  }

  /**
   * Resolves when a sweep that began after this call is complete; callers share sweeps.
   * @throws what made the sweep fail, or the signal's reason
   */
  refresh(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      const done = (): void => signal.removeEventListener("abort", onAbort);
      this.#waiters.push({
        resolve: () => {
          done();
          resolve();
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.#waker.wake();
    });
  }

  /** What somebody's own call returned: known at once, and not reported as a change. A fresh row is looked at again soon. */
  observe(row: CustomHostname): void {
    this.#rows.merge(row, this.#rows.tick());
    if (this.#poll.expectMore(row)) this.#waker.wake();
  }

  /** Somebody's own call deleted the row, or found that Cloudflare does not know it. */
  forget(id: string): void {
    this.#rows.remove(id);
  }

  /** Runs until the signal aborts; waiting refreshes are then rejected. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const now = this.#options.clock.monotonic();
        const idle = this.#watched.size === 0;
        const sweepAt = idle ? Number.POSITIVE_INFINITY : this.#nextSweepAt;
        const pollAt = Math.min(idle ? Number.POSITIVE_INFINITY : this.#nextPollAt, this.#poll.nextExpectedAt());
        if (this.#waiters.length > 0 || sweepAt <= now) await this.#runSweep(signal);
        else if (pollAt <= now) await this.#runPoll(signal);
        else await this.#waker.sleepUntil(Math.min(sweepAt, pollAt), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const waiter of this.#waiters.splice(0)) waiter.reject(signal.reason);
    }
  }

  async #runSweep(signal: AbortSignal): Promise<void> {
    const waiters = this.#waiters.splice(0);
    const began = this.#options.clock.monotonic();
    try {
      await this.#sweep.run(this.#settings.pageSize, signal);
      this.#generation += 1;
      this.#sweptAt = began;
      this.#failure = undefined;
      this.#failures = 0;
      this.#schedule(began);
      for (const waiter of waiters) waiter.resolve();
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error);
      signal.throwIfAborted();
      this.#failure = error;
      this.#failures += 1;
      const backoff = Math.min(MAX_BACKOFF_MS, this.#intervalMs() * 2 ** Math.min(this.#failures, 8));
      const told = error instanceof CloudflareError ? (error.retryAfterMs ?? 0) : 0;
      this.#nextSweepAt = this.#options.clock.monotonic() + Math.max(backoff, told);
      this.#nextPollAt = Number.POSITIVE_INFINITY;
      this.#options.onFailure(error);
    }
  }

  async #runPoll(signal: AbortSignal): Promise<void> {
    const began = this.#options.clock.monotonic();
    const regular = this.#nextPollAt <= began;
    try {
      const calls = regular
        ? await this.#poll.all(this.#watched, this.#sweep.pageSize(this.#settings.pageSize), signal)
        : await this.#poll.expected(signal);
      if (regular) this.#nextPollAt = began + Math.max(this.#settings.snapshotSeconds * 1000, this.#pacedMs(calls));
    } catch (error) {
      signal.throwIfAborted();
      // The next sweep meets the same failure and reports it.
      this.#nextPollAt = Number.POSITIVE_INFINITY;
      this.#poll.clearExpected();
      this.#options.onFailure(error);
    }
  }

  #schedule(began: number): void {
    const interval = this.#intervalMs();
    const least = this.#settings.snapshotSeconds * 1000;
    this.#nextSweepAt = began + interval;
    this.#nextPollAt = interval > least ? began + least : Number.POSITIVE_INFINITY;
  }

  #intervalMs(): number {
    return Math.max(this.#settings.snapshotSeconds * 1000, this.#pacedMs(this.#sweep.pages()));
  }

  /** How far apart `calls` requests must lie to use a quarter of the budget. */
  #pacedMs(calls: number): number {
    return (calls * WINDOW_MS) / (SWEEP_SHARE * this.#settings.requestsPer5Minutes);
  }
}
