/**
 * The outcome of `work`, or the signal's reason as soon as it is aborted. For undici: it ends a request that is still without
 * a connection only when it gets one or connecting fails, so its own signal comes late. Such a request is never sent.
 */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
