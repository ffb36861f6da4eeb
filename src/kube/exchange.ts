import type { Dispatcher } from "undici";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * One request and its whole answer. undici's own `request` makes a stream of each body, which costs more than the rest of a
 * small call. Rejects at the moment of {@link abort}: undici would end a request that is still without a connection only when
 * it gets one. Such a request is never sent.
 */
export class Exchange implements Handler {
  readonly answer: Promise<Answer>;
  #resolve: (answer: Answer) => void = () => {};
  #reject: (reason: unknown) => void = () => {};
  #controller: Controller | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  #statusCode = 0;
  #headers: Answer["headers"] = {};
  readonly #chunks: Buffer[] = [];

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It may be aborted before anybody waits for the answer.
    this.answer.catch(() => {});
  }

  /** Nothing after the end. */
  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#reject(reason);
    this.#controller?.abort(reason instanceof Error ? reason : new Error("aborted", { cause: reason }));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#aborted !== undefined) controller.abort(new Error("aborted", { cause: this.#aborted.reason }));
  }

  onResponseStart(_controller: Controller, statusCode: number, headers: Answer["headers"]): void {
    this.#statusCode = statusCode;
    this.#headers = headers;
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const body = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#controller = undefined;
    this.#resolve({ statusCode: this.#statusCode, headers: this.#headers, text: body.toString("utf8") });
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#controller = undefined;
    this.#reject(error);
  }
}
