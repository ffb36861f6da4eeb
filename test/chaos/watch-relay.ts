import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Drawn, FaultBook } from "./fault-book.ts";
import type { Asked } from "./fault-kinds.ts";
import { statusOf } from "./spoiled-answers.ts";
import type { StreamedAnswer } from "./upstream.ts";

const NEWLINE = 0x0a;
const ERROR_EVENT = '{"type":"ERROR"';
const DROP_BYTES = 256;
const DROP_EVERY_MS = 20;
const SLOW_MS = 3_000;

export interface WatchRelayOptions {
  readonly asked: Asked;
  readonly response: ServerResponse;
  readonly faults: FaultBook;
  /** Cuts the connection by a RST. */
  readonly reset: () => void;
  /** Told when it becomes a black hole. */
  readonly onDark: () => void;
  /** Told when the API server itself says that the version is gone. */
  readonly onExpired: () => void;
}

/** One watch between the operator and the API server, and what becomes of its events on the way. */
export class WatchRelay {
  readonly asked: Asked;
  readonly #options: WatchRelayOptions;
  /** Whether the last byte that was sent ended a line. */
  #atBoundary = true;
  #isDark = false;
  #slowUntil = 0;
  /** Writes of a slow watch, one after the other. */
  #writes: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: WatchRelayOptions) {
    this.asked = options.asked;
    this.#options = options;
  }

  get isDark(): boolean {
    return this.#isDark;
  }

  /** From now on nothing is delivered, and the connection stays open until the operator cuts it. */
  darken(): void {
    this.#isDark = true;
    this.#options.onDark();
  }

  /** The end of a watch as the API server makes it after its timeout. */
  end(): void {
    if (!this.#isDark) this.#options.response.end();
  }

  /** Delivers what comes from the API server until it ends; then the operator's side ends in the same way. */
  async run({ status, headers, body }: StreamedAnswer): Promise<void> {
    const { response } = this.#options;
    response.writeHead(status, headers);
    response.flushHeaders();
    try {
      for await (const chunk of body) {
        await this.#take(Buffer.from(chunk as Uint8Array));
        if (response.writableEnded || response.destroyed) return;
      }
      await this.#writes;
      this.end();
    } catch {
      // The API server broke off, or the operator did.
      if (!this.#isDark) response.destroy();
    }
  }

  async #take(chunk: Buffer): Promise<void> {
    if (chunk.subarray(0, ERROR_EVENT.length).toString() === ERROR_EVENT) this.#options.onExpired();
    if (this.#isDark) return;
    const drawn = this.#atBoundary && this.#waiting === 0 ? this.#options.faults.draw("event", this.asked) : undefined;
    if (drawn === undefined) this.#send(chunk);
    else this.#strike(drawn, chunk);
  }

  #strike(drawn: Drawn, chunk: Buffer): void {
    const { response, reset } = this.#options;
    drawn.fired();
    switch (drawn.kind) {
      case "black hole: watch":
        this.darken();
        return;
      case "410 as an ERROR event":
        response.end(`${JSON.stringify({ type: "ERROR", object: statusOf(410, "Expired") })}\n`);
        return;
      case "half a watch line":
        response.end(chunk.subarray(0, Math.max(1, Math.floor((chunk.indexOf(NEWLINE) + 1 || chunk.length) / 2))));
        return;
      case "reset of a watch":
        reset();
        return;
      default:
        this.#slowUntil = performance.now() + SLOW_MS;
        this.#send(chunk);
    }
  }

  #send(chunk: Buffer): void {
    this.#atBoundary = chunk.at(-1) === NEWLINE;
    const slow = performance.now() < this.#slowUntil;
    if (!slow && this.#waiting === 0) {
      this.#options.response.write(chunk);
      return;
    }
    this.#waiting += 1;
    this.#writes = this.#writes.then(async () => {
      await this.#drip(chunk, slow);
      this.#waiting -= 1;
    });
  }

  async #drip(chunk: Buffer, slow: boolean): Promise<void> {
    const { response } = this.#options;
    const size = slow ? DROP_BYTES : chunk.length;
    for (let start = 0; start < chunk.length && !response.destroyed; start += size) {
      response.write(chunk.subarray(start, start + size));
      if (slow) await delay(DROP_EVERY_MS);
    }
  }
}
