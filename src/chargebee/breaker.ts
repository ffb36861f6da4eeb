import type { Clock } from "../runtime/clock.ts";
import { ChargebeeError } from "./errors.ts";

const PROBE_INTERVAL_MS = 60_000;

/**
 * Stands before every call made with one API key. A key that was refused is refused for every account, so while the breaker
 * is open one call a minute goes out as a probe; its success closes the breaker. A new key gets a new breaker.
 */
export class CredentialBreaker {
  readonly #clock: Clock;
  #nextProbeAt: number | undefined;
  #refusal: ChargebeeError | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get open(): boolean {
    return this.#refusal !== undefined;
  }

  /** Throws a ChargebeeError `credentials` unless the call may go out (as a probe, when open). */
  enter(): void {
    if (this.#refusal === undefined || this.#nextProbeAt === undefined) return;
    const now = this.#clock.monotonic();
    if (now >= this.#nextProbeAt) {
      this.#nextProbeAt = now + PROBE_INTERVAL_MS;
      return;
    }
    const { code, status, type } = this.#refusal;
    throw new ChargebeeError({ class: "credentials", code, status, type, retryAfterMs: this.#nextProbeAt - now });
  }

  /** An answer that shows that the key is accepted, be it an error of another kind. */
  accepted(): void {
    this.#refusal = undefined;
    this.#nextProbeAt = undefined;
  }

  refused(error: ChargebeeError): void {
    this.#refusal = error;
    this.#nextProbeAt = this.#clock.monotonic() + PROBE_INTERVAL_MS;
  }
}
