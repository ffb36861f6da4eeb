import type { Cancel, Clock } from "../../../src/runtime/clock.ts";
import { APIError } from "./api-error.ts";
import type { FallbackOriginStatus } from "./statuses.ts";
import { CheckCurve, HOSTNAME_ATTEMPTS, type Timings } from "./timings.ts";
import { ValidationLoop } from "./validation-loop.ts";
import type { WorkTracker } from "./work.ts";

const NO_RECORD = "DNS records are not setup correctly. Origin should be a proxied A/AAAA/CNAME dns record";

export interface FallbackOriginOptions {
  readonly clock: Clock;
  readonly timings: Timings;
  readonly work: WorkTracker;
  readonly hasRecord: (origin: string) => Promise<boolean>;
}

interface State {
  readonly origin: string;
  readonly createdAt: number;
  updatedAt: number;
  status: FallbackOriginStatus;
  errors: readonly string[];
}

/** A zone's singleton; set by PUT it becomes active once its DNS record exists. */
export class FallbackOrigin {
  readonly #options: FallbackOriginOptions;
  #state: State | undefined;
  #deployment: ValidationLoop | undefined;
  #timer: Cancel | undefined;

  constructor(options: FallbackOriginOptions) {
    this.#options = options;
  }

  isActive(): boolean {
    return this.#state?.status === "active";
  }

  /** Throws 404 while unset. */
  render(): Readonly<Record<string, unknown>> {
    const state = this.#state;
    // [?] The status is documented, the code is not.
    if (state === undefined) throw new APIError(404, 1551, "Resource not found.");
    const { origin, status, errors, createdAt, updatedAt } = state;
    const times = { created_at: new Date(createdAt).toISOString(), updated_at: new Date(updatedAt).toISOString() };
    return { origin, status, errors, ...times };
  }

  put(origin: string): void {
    this.force(origin, "initializing");
    const { clock, timings, work, hasRecord } = this.#options;
    this.#deployment = new ValidationLoop({
      clock,
      curve: new CheckCurve(HOSTNAME_ATTEMPTS, timings.curveScale),
      work,
      attempt: async (isCurrent) => {
        const found = await hasRecord(origin);
        if (!isCurrent()) return "settled";
        this.#become("pending_deployment", found ? [] : [NO_RECORD]);
        if (!found) return "unsettled";
        this.#timer = clock.setTimer(timings.deploymentMs, () => this.#become("active", []));
        return "settled";
      },
      exhausted: () => this.#become("deployment_timed_out", [NO_RECORD]),
    });
    this.#deployment.start();
  }

  remove(): void {
    if (this.#state === undefined) return;
    this.stop();
    this.#become("pending_deletion", []);
    this.#timer = this.#options.clock.setTimer(this.#options.timings.deploymentMs, () => {
      this.#state = undefined;
    });
  }

  /** As an administrator of the zone would find it, without the way there. Undefined: unset. */
  force(origin: string, status: FallbackOriginStatus | undefined): void {
    this.stop();
    const now = this.#options.clock.now();
    this.#state = status === undefined ? undefined : { origin, createdAt: now, updatedAt: now, status, errors: [] };
  }

  stop(): void {
    this.#deployment?.stop();
    this.#timer?.();
  }

  #become(status: FallbackOriginStatus, errors: readonly string[]): void {
    if (this.#state === undefined) return;
    this.#state.status = status;
    this.#state.errors = errors;
    this.#state.updatedAt = this.#options.clock.now();
  }
}
