import type { Clock } from "../../../src/runtime/clock.ts";
import type { SimulatorRequest, SimulatorResponse } from "../http.ts";
import { lockTimeout, wrongValue } from "./api-error.ts";
import type { BillingCounters } from "./counters.ts";
import { IdempotencyStore, type StoredAnswer } from "./idempotency.ts";

export interface WriteGuardOptions {
  readonly clock: Clock;
  readonly counters: BillingCounters;
  /** How long a write holds its resource, so that two can overlap; milliseconds of the clock. */
  readonly writeLatencyMs: number;
}

const MAX_KEY_LENGTH = 100;

/** What stands between a POST and its effect: the idempotency key, and one write at a time per resource. */
export class WriteGuard {
  readonly #options: WriteGuardOptions;
  readonly #stored: IdempotencyStore;
  readonly #locked = new Set<string>();

  constructor(options: WriteGuardOptions) {
    this.#options = options;
    this.#stored = new IdempotencyStore(options.clock);
  }

  /** Rejects with ApiError 400, 422 or 429; what `apply` answers is stored under the key, refusals too. */
  async run(request: SimulatorRequest, resource: string, apply: () => StoredAnswer): Promise<SimulatorResponse> {
    const key = request.headers["chargebee-idempotency-key"];
    if (typeof key !== "string" || key === "") return sent(await this.#exclusive(resource, apply));
    if (key.length > MAX_KEY_LENGTH)
      throw wrongValue("chargebee-idempotency-key", "the idempotency key is longer than 100 characters");
    const fingerprint = fingerprintOf(request);
    const stored = this.#stored.find(key, fingerprint);
    if (stored !== undefined) {
      this.#options.counters.add("replays");
      return sent(stored, { "chargebee-idempotency-replayed": "true" });
    }
    const answer = await this.#exclusive(resource, apply);
    this.#stored.store(key, fingerprint, answer);
    return sent(answer);
  }

  /** [?] A second request with the key of one in progress meets the lock like any other. */
  async #exclusive(resource: string, apply: () => StoredAnswer): Promise<StoredAnswer> {
    if (this.#locked.has(resource)) throw lockTimeout();
    this.#locked.add(resource);
    const { clock, writeLatencyMs } = this.#options;
    try {
      await new Promise<void>((resolve) => void clock.setTimer(writeLatencyMs, resolve));
      return apply();
    } finally {
      this.#locked.delete(resource);
    }
  }
}

/** The same parameters in another order are the same request. */
function fingerprintOf({ path, body }: SimulatorRequest): string {
  const parameters = [...new URLSearchParams(body.toString("utf8"))].map((parameter) => JSON.stringify(parameter));
  return [path, ...parameters.toSorted()].join("\n");
}

function sent(answer: StoredAnswer, headers: Readonly<Record<string, string>> = {}): SimulatorResponse {
  return { status: answer.status, headers: { "content-type": "application/json", ...headers }, body: answer.body };
}
