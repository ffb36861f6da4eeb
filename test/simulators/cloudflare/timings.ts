/** Delays of the simulated service, in milliseconds of the simulator's clock. */
export interface Timings {
  /** From POST until status and validation records appear (facts: "GET again after seconds"). */
  readonly initializingMs: number;
  /** Multiplies the documented backoff curve of the DNS checks. */
  readonly curveScale: number;
  readonly issuanceMs: number;
  readonly deploymentMs: number;
  /** How often an active hostname's DNS is looked at again. [?] undocumented. */
  readonly activeCheckMs: number;
  /** How long an active hostname's DNS must have been seen away before it is `moved`. [?] undocumented. */
  readonly movedAfterMs: number;
  /** From `moved` to `deleted`. */
  readonly movedRetentionMs: number;
  /** How long a deleted id still answers GET; 0: not at all. */
  readonly deletedReadableMs: number;
}

const HOUR_MS = 3_600_000;

export const documentedTimings: Timings = {
  initializingMs: 3_000,
  curveScale: 1,
  issuanceMs: 20_000,
  deploymentMs: 10_000,
  activeCheckMs: HOUR_MS,
  movedAfterMs: HOUR_MS,
  movedRetentionMs: 7 * 24 * HOUR_MS,
  deletedReadableMs: 60_000,
};

/** For people who watch: minutes become seconds. */
export const demonstrationTimings: Timings = {
  initializingMs: 1_000,
  curveScale: 1 / 30,
  issuanceMs: 1_500,
  deploymentMs: 1_000,
  activeCheckMs: 10_000,
  movedAfterMs: 10_000,
  movedRetentionMs: HOUR_MS,
  deletedReadableMs: 5_000,
};

const CAP_SECONDS = 14_400;

/**
 * The documented backoff: after attempt n (from 0) the next follows floor(60·1.05ⁿ) s later for n < 10, floor(60·1.15ⁿ) s
 * from then on, at most 4 h. 75 attempts make 7.06 days, 119 make 14.6 days.
 */
export class CheckCurve {
  readonly #offsets: readonly number[];

  constructor(attempts: number, scale: number) {
    const offsets: number[] = [];
    let at = 0;
    for (let n = 0; n < attempts; n += 1) {
      at += Math.min(CAP_SECONDS, Math.floor(60 * (n < 10 ? 1.05 : 1.15) ** n)) * 1000 * scale;
      offsets.push(at);
    }
    this.#offsets = offsets;
  }

  /** Milliseconds from the start to the first attempt later than `elapsedMs`; undefined when the schedule is exhausted. */
  next(elapsedMs: number): number | undefined {
    return this.#offsets.find((offset) => offset > elapsedMs);
  }

  /** When the last attempt is made, in milliseconds from the start. */
  end(): number {
    return this.#offsets.at(-1) ?? 0;
  }
}

export const HOSTNAME_ATTEMPTS = 75;
export const CERTIFICATE_ATTEMPTS = 119;
