/**
 * A signal that fires when `parent` does or `ms` real milliseconds have passed, whichever is first. Dispose of it when the
 * work is over: the parent may live as long as the process, and would keep every listener. Socket deadlines use real time,
 * since the other party's clock cannot be injected.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#controller.abort(this.#parent.reason);

  constructor(ms: number, parent: AbortSignal) {
    this.#parent = parent;
    this.#timer = setTimeout(() => this.#controller.abort(new DOMException("The deadline has passed", "TimeoutError")), ms);
    if (parent.aborted) this.#onAbort();
    else parent.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener("abort", this.#onAbort);
  }
}
