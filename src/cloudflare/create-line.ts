/** In this order: somebody waits for the answer; the shared list, which limits itself; everything else. */
export type Priority = "user" | "snapshot" | "normal";

interface Waiter {
  /** Monotonic ms after which somebody who never came back loses the place. */
  readonly expires: number;
}

const WINDOW_MS = 60_000;
/** How long after the turn that was promised a waiter keeps the place. */
const GRACE_MS = 120_000;

/**
 * At most `limit` creates in any 60 s, first come first served. Cloudflare counts a create when it is done, so a place is given
 * back 60 s after the END of a call, which no delay on the way can shorten. Whoever must wait stays in line under a key and is
 * told when the turn comes, so that thousands of waiting domains ask about once each instead of every few seconds.
 */
export class CreateLine {
  #limit: number;
  #open = 0;
  /** Monotonic ms at which creates of the last minute ended, ascending. */
  #ended: number[] = [];
  readonly #waiting: Readonly<Record<Priority, Map<string, Waiter>>> = {
    user: new Map(),
    snapshot: new Map(),
    normal: new Map(),
  };

  constructor(limit: number) {
    this.#limit = limit;
  }

  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** Milliseconds until it is `key`'s turn, 0 = now. Puts the key in line, or keeps its place there. */
  waitFor(key: string, priority: Priority, now: number): number {
    this.#forget(now);
    const line = this.#waiting[priority];
    if (!line.has(key)) line.set(key, { expires: now + GRACE_MS });
    const wait = this.#turn(this.#position(key, priority), now);
    line.set(key, { expires: now + wait + GRACE_MS });
    return wait;
  }

  /** Takes a place; to be called only when {@link waitFor} said 0. */
  take(key: string): void {
    for (const line of Object.values(this.#waiting)) line.delete(key);
    this.#open += 1;
  }

  /** A create that Cloudflare refused does not count against its limit. */
  settle(refused: boolean, now: number): void {
    this.#open -= 1;
    if (!refused) this.#ended.push(now);
  }

  #forget(now: number): void {
    this.#ended = this.#ended.filter((end) => end + WINDOW_MS > now);
    for (const line of Object.values(this.#waiting)) {
      for (const [key, waiter] of line) {
        if (waiter.expires < now) line.delete(key);
      }
    }
  }

  /** How many stand before `key`. */
  #position(key: string, priority: Priority): number {
    let before = 0;
    for (const [level, line] of Object.entries(this.#waiting)) {
      if (level !== priority) {
        before += line.size;
        continue;
      }
      for (const waiting of line.keys()) {
        if (waiting === key) return before;
        before += 1;
      }
    }
    return before;
  }

  /** Each place is free again 60 s after its last use; those that are free now are used now by whoever stands before. */
  #turn(position: number, now: number): number {
    const free = this.#limit - this.#open - this.#ended.length;
    if (position < free) return 0;
    const ends = this.#ended.slice(Math.max(0, this.#ended.length - this.#limit));
    const freeAt = ends.map((end) => end + WINDOW_MS);
    while (freeAt.length < this.#limit) freeAt.push(now + WINDOW_MS);
    const nth = position - Math.max(0, free);
    const place = freeAt[nth % this.#limit] ?? now + WINDOW_MS;
    return place - now + Math.floor(nth / this.#limit) * WINDOW_MS;
  }
}
