import type { Clock } from "../../../src/runtime/clock.ts";
import { keyReused } from "./api-error.ts";

/** A stored answer, its body as it was sent. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
}

interface Entry {
  readonly fingerprint: string;
  readonly answer: StoredAnswer;
  readonly expiresAt: number;
}

const WINDOW_MS = 30 * 60_000;

/** Answers by idempotency key, for 30 minutes. */
export class IdempotencyStore {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws ApiError 422 when the key came with other parameters. */
  find(key: string, fingerprint: string): StoredAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAt <= this.#clock.now()) {
      this.#entries.delete(key);
      return undefined;
    }
    if (entry.fingerprint !== fingerprint) throw keyReused();
    return entry.answer;
  }

  store(key: string, fingerprint: string, answer: StoredAnswer): void {
    if (isStored(answer.status)) this.#entries.set(key, { fingerprint, answer, expiresAt: this.#clock.now() + WINDOW_MS });
  }
}

/**
 * [?] Whether errors are stored is not documented. Storing those that repeating cannot mend is the harder case for a client:
 * after a catalogue was put right only a new key gets through.
 */
function isStored(status: number): boolean {
  return status < 300 || status === 400 || status === 404 || status === 409;
}
