import type { Clock } from "../runtime/clock.ts";
import type { ErrorClass } from "./error-codes.ts";
import { CloudflareError } from "./errors.ts";

type Scope = "all" | "create";

/** Failures of the zone or credential: every call would fail alike, so one is enough for a while. */
const SCOPES: Readonly<Partial<Record<ErrorClass, Scope>>> = {
  Unauthorized: "all",
  SaaSNotEnabled: "all",
  ConfigWrong: "all",
  QuotaExceeded: "create",
};

const HOLD_MS = 300_000;

/**
 * Remembers for five minutes that a zone refuses everything (or every create), so that a thousand domains don't each ask. The
 * class's own checks pass by it and open it again.
 */
export class FailureGate {
  readonly #clock: Clock;
  readonly #held = new Map<Scope, { readonly error: CloudflareError; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The remembered failure that this call would meet, with the time left. */
  check(create: boolean): CloudflareError | undefined {
    return this.#current("all") ?? (create ? this.#current("create") : undefined);
  }

  failed(error: CloudflareError): void {
    const scope = SCOPES[error.class];
    // Without a status we refused it ourselves.
    if (scope !== undefined && error.status !== undefined)
      this.#held.set(scope, { error, until: this.#clock.monotonic() + HOLD_MS });
  }

  /** Something of this scope has worked. */
  open(scope: Scope): void {
    this.#held.delete(scope);
  }

  #current(scope: Scope): CloudflareError | undefined {
    const held = this.#held.get(scope);
    if (held === undefined) return undefined;
    const left = held.until - this.#clock.monotonic();
    if (left <= 0) {
      this.#held.delete(scope);
      return undefined;
    }
    const { error } = held;
    return new CloudflareError({
      class: error.class,
      code: error.code,
      status: error.status,
      ambiguous: false,
      retryAfterMs: Math.ceil(left),
      message: error.message,
    });
  }
}
