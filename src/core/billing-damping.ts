/** A wanted change that is waiting, in milliseconds of the monotonic clock. Lost at a restart, which only waits again. */
export interface Damping {
  readonly desired: number;
  readonly rising: boolean;
  /** When `desired` last changed. */
  readonly changedAt: number;
  /** When the quantity was first wanted to move in this direction. */
  readonly startedAt: number;
}

export interface DampingDelays {
  readonly debounceMs: number;
  readonly holdDownMs: number;
}

/** A rise is not put off for longer by domains that keep coming. */
const MAX_DEBOUNCES = 10;

/** Takes note of the quantity wanted now; undefined when it is the current one: a change undone in time costs nothing. */
export function damp(previous: Damping | undefined, desired: number, current: number, now: number): Damping | undefined {
  if (desired === current) return undefined;
  const rising = desired > current;
  if (previous === undefined || previous.rising !== rising) return { desired, rising, changedAt: now, startedAt: now };
  return previous.desired === desired ? previous : { ...previous, desired, changedAt: now };
}

/** Rule 4: milliseconds until the change may be written; 0 = now. */
export function dampingWaitMs(damping: Damping, delays: DampingDelays, now: number): number {
  const due = damping.rising
    ? Math.min(damping.changedAt + delays.debounceMs, damping.startedAt + MAX_DEBOUNCES * delays.debounceMs)
    : damping.changedAt + delays.holdDownMs;
  return Math.max(0, due - now);
}
