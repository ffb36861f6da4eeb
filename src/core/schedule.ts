import { hashFraction } from "../runtime/backoff.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const LATE_BASE_MS = 5 * MINUTE_MS;
const LATE_GROWTH = 1.15;
const LATE_MAX_MS = 4 * HOUR_MS;
const JITTER = 0.2;

/**
 * Milliseconds to the next check of a domain, with ±20 % jitter that depends on `uid` and the time elapsed only.
 * Unverified, counted from creation, a change of spec or of DNS: 5 s for a minute, 30 s to 15 minutes, 5 minutes to an hour,
 * then growing by 15 % a check up to 4 hours. Verified: daily; every 5 minutes while a check fails.
 */
export function nextCheckDelayMs(input: {
  readonly uid: string;
  readonly verified: boolean;
  readonly healthy: boolean;
  readonly elapsedMs: number;
}): number {
  const { uid, verified, healthy, elapsedMs } = input;
  const base = verified ? (healthy ? DAY_MS : LATE_BASE_MS) : unverifiedStepMs(elapsedMs);
  return Math.round(base * jitter(uid, Math.floor(elapsedMs / SECOND_MS)));
}

/** A factor in [0.8, 1.2). */
export function jitter(uid: string, attempt: number): number {
  return 1 - JITTER + 2 * JITTER * hashFraction(uid, attempt);
}

function unverifiedStepMs(elapsedMs: number): number {
  if (elapsedMs < MINUTE_MS) return 5 * SECOND_MS;
  if (elapsedMs < 15 * MINUTE_MS) return 30 * SECOND_MS;
  if (elapsedMs < HOUR_MS) return LATE_BASE_MS;
  // The nth step since the first hour follows from the time elapsed: nothing has to be counted or stored.
  let step = LATE_BASE_MS;
  for (let passed = HOUR_MS + step; passed <= elapsedMs && step < LATE_MAX_MS; passed += step) step *= LATE_GROWTH;
  return Math.min(step, LATE_MAX_MS);
}
