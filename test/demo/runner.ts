import type { Clock } from "../../src/runtime/clock.ts";
import { waitUntil } from "../control-plane/wait-until.ts";

const POLL_MS = 150;
/** A wait inside a step says what it waited for; this is for work that does not end by itself. */
const GUARD_MS = 5_000;
/** For what was begun to be ended, once a step is given up. */
const GRACE_MS = 5_000;

/** Asks until the answer is neither false nor undefined; `what` completes "gave up waiting for …". */
export type Until = <T>(what: string, ask: () => Promise<T> | T) => Promise<Exclude<T, false | undefined>>;

export interface StepTools {
  readonly until: Until;
  /** Aborted when the step must end. */
  readonly signal: AbortSignal;
}

/** The step that ended the demo. */
export class StepFailed extends Error {
  readonly title: string;
  readonly tookMs: number;

  constructor(title: string, tookMs: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "StepFailed";
    this.title = title;
    this.tookMs = tookMs;
  }
}

export interface RunnerOptions {
  readonly clock: Clock;
  /** Aborted by Ctrl-C; its reason is then what `run` rejects with. */
  readonly interrupt: AbortSignal;
}

/** Runs steps, each with a deadline, and takes the time. */
export class Runner {
  readonly #options: RunnerOptions;
  /** Throws when something that every step relies on has ended. */
  checkAlive: () => void = () => {};

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** @throws StepFailed, or the reason of the interruption. */
  async run<T>(
    title: string,
    deadlineMs: number,
    work: (tools: StepTools) => Promise<T>,
  ): Promise<{ readonly value: T; readonly tookMs: number }> {
    const { clock, interrupt } = this.#options;
    const started = clock.monotonic();
    const elapsed = () => clock.monotonic() - started;
    const guard = new AbortController();
    const cancel = clock.setTimer(deadlineMs + GUARD_MS, () =>
      guard.abort(new Error(`it did not end within ${deadlineMs / 1_000} s`)),
    );
    const signal = AbortSignal.any([interrupt, guard.signal]);
    const until: Until = (what, ask) =>
      waitUntil(what, () => this.#ask(ask), { timeoutMs: remainingMs(deadlineMs - elapsed()), intervalMs: POLL_MS, signal });
    try {
      const value = await this.#orAborted(work({ until, signal }), signal);
      return { value, tookMs: elapsed() };
    } catch (error) {
      interrupt.throwIfAborted();
      throw new StepFailed(title, elapsed(), error);
    } finally {
      cancel();
    }
  }

  /** After an abort the work has a little time to end what it has begun; then it is left alone. */
  async #orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      signal.throwIfAborted();
      return await Promise.race([work, aborted]);
    } catch (error) {
      if (signal.aborted) await this.#settled(work);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #settled(work: Promise<unknown>): Promise<void> {
    const { promise: impatience, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.setTimer(GRACE_MS, resolve);
    await Promise.race([work.catch(() => {}), impatience]);
    cancel();
  }

  #ask<T>(ask: () => Promise<T> | T): Promise<T> | T {
    this.checkAlive();
    return ask();
  }
}

/** In tenths of a second, as it is told. */
function remainingMs(ms: number): number {
  return Math.max(0, Math.round(ms / 100) * 100);
}
