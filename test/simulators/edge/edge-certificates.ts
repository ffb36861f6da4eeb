import { createSecureContext, type SecureContext } from "node:tls";
import type { Clock } from "../../../src/runtime/clock.ts";
import type { TestAuthority } from "../pki.ts";

/** What the edge presents to whoever asks for a name that it has no certificate for. */
export const DEFAULT_CERTIFICATE_NAME = "sni.edge-default.dev";

interface Cached {
  readonly issuedAt: number;
  readonly notAfter: number;
  readonly context: SecureContext;
}

/** One secure context per certificate that the simulated service says was issued. */
export class EdgeCertificates {
  readonly #authority: TestAuthority;
  readonly #clock: Clock;
  readonly #contexts = new Map<string, Cached>();
  readonly #other: SecureContext;

  constructor(authority: TestAuthority, clock: Clock) {
    this.#authority = authority;
    this.#clock = clock;
    this.#other = createSecureContext(authority.issue([DEFAULT_CERTIFICATE_NAME]));
  }

  other(): SecureContext {
    return this.#other;
  }

  /** A context without any certificate: no handshake can succeed with it. */
  none(): SecureContext {
    return createSecureContext();
  }

  expired(hostname: string): SecureContext {
    return createSecureContext(this.#authority.issue([hostname], { notAfter: Date.now() - 3_600_000 }));
  }

  /**
   * `certificate` in the clock's time. TLS libraries verify by the machine's clock, so the remaining lifetime is carried
   * over to it.
   */
  issued(hostname: string, certificate: { readonly issuedAt: number; readonly expiresAt: number }): SecureContext {
    const notAfter = Date.now() + certificate.expiresAt - this.#clock.now();
    const cached = this.#contexts.get(hostname);
    // A jump of the clock shortens what is left.
    if (cached?.issuedAt === certificate.issuedAt && Math.abs(cached.notAfter - notAfter) < 60_000) return cached.context;
    const context = createSecureContext(this.#authority.issue([hostname, `*.${hostname}`], { notAfter }));
    this.#contexts.set(hostname, { issuedAt: certificate.issuedAt, notAfter, context });
    return context;
  }
}
