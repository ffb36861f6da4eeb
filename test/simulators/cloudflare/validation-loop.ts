import type { Cancel, Clock } from "../../../src/runtime/clock.ts";
import type { CheckCurve } from "./timings.ts";
import type { WorkTracker } from "./work.ts";

export interface ValidationLoopOptions {
  readonly clock: Clock;
  readonly curve: CheckCurve;
  readonly work: WorkTracker;
  /** One look at DNS. `isCurrent` turns false once the loop was stopped or restarted: then nothing may be changed. */
  readonly attempt: (isCurrent: () => boolean) => Promise<"settled" | "unsettled">;
  readonly exhausted: () => void;
}

/**
 * Attempts at once, then along the curve, until one settles or the curve ends. Attempts that a jump of the clock skipped
 * count as made: they would all have seen the same DNS as the one that is made after the jump.
 */
export class ValidationLoop {
  readonly #options: ValidationLoopOptions;
  #cancel: Cancel | undefined;
  #generation = 0;

  constructor(options: ValidationLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.stop();
    const generation = this.#generation;
    void this.#attempt(generation, this.#options.clock.monotonic());
  }

  stop(): void {
    this.#generation += 1;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #attempt(generation: number, startedAt: number): Promise<void> {
    const { clock, curve, work } = this.#options;
    const isCurrent = () => generation === this.#generation;
    const outcome = await work.run(() => (isCurrent() ? this.#options.attempt(isCurrent) : Promise.resolve("settled" as const)));
    if (!isCurrent() || outcome === "settled") return;
    const elapsed = clock.monotonic() - startedAt;
    const next = curve.next(elapsed);
    if (next === undefined) this.#options.exhausted();
    else this.#cancel = clock.setTimer(next - elapsed, () => void this.#attempt(generation, startedAt));
  }
}
