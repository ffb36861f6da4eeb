import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks until the answer is neither false nor undefined, and returns it. An answer that comes by an exception ends the wait; `what` completes
 * the sentence "gave up waiting for …".
 */
export async function waitUntil<T>(
  what: string,
  ask: () => Promise<T> | T,
  options: WaitOptions,
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== false && answer !== undefined) {
      return answer as Exclude<T, false | undefined>;
    }
    if (Date.now() >= deadline) {
      throw new Error(`gave up waiting for ${what} after ${options.timeoutMs / 1000} s`);
    }
    // The reason of an abort is thrown by the next turn; the timer's own error would hide it.
    await sleep(options.intervalMs ?? 50, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(
      () => {},
    );
  }
}
