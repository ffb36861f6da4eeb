/** Per-item exponential backoff; the item's failures are forgotten on its first success. */
export class ItemBackoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #failures = new Map<string, number>();

  /** Operators of external APIs retry slower than client-go's 5 ms: 1 s doubling to 5 min is cert-manager's choice too. */
  constructor(baseMs = 1_000, maxMs = 300_000) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
  }

  /** The delay in ms before the next try of `item`, counting this call as one more failure. */
  next(item: string): number {
    const failures = this.#failures.get(item) ?? 0;
    this.#failures.set(item, failures + 1);
    return Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(failures, 30));
  }

  forget(item: string): void {
    this.#failures.delete(item);
  }

  failures(item: string): number {
    return this.#failures.get(item) ?? 0;
  }
}

/**
 * A uniform value in [0, 1) that is a function of its inputs only (FNV-1a), so that a restart repeats the same jitter and
 * a thousand objects with one interval still spread.
 */
export function hashFraction(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.join("\u0000")) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  // FNV's low bits are good, its high bits are not for short inputs: mix once more (murmur3's finaliser).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
