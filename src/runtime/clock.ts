/** Cancels what it was returned for; calling it twice, or after the fact, does nothing. */
export type Cancel = () => void;

/**
 * The only source of time for logic. Leases, tokens and socket deadlines use {@link systemClock} always, since the other
 * party's clock cannot be injected.
 */
export interface Clock {
  /** Wall time in Unix milliseconds: for timestamps that are written or compared with written ones. */
  now(): number;
  /** Milliseconds from an arbitrary origin that never run backwards: for delays. */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` of {@link monotonic} time from now, never synchronously. */
  setTimer(delayMs: number, callback: () => void): Cancel;
}

/** setTimeout overflows to 1 ms past 2^31-1 ms and is wrong after a suspend: longer delays are split by {@link Timers}. */
const MAX_DELAY_MS = 3_600_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback) {
    const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
    return () => clearTimeout(handle);
  },
};
