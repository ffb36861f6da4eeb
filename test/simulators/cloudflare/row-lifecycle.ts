import { CertificateLifecycle, newCertificate } from "./certificate-lifecycle.ts";
import { HostnameLifecycle, type HostnameSurroundings, type LifecycleContext } from "./hostname-lifecycle.ts";
import type { Row } from "./row.ts";
import type { SSLRequest } from "./ssl-request.ts";

/** Everything that drives one row: its hostname and, where it has one, its certificate. */
export class RowLifecycle {
  readonly #row: Row;
  readonly #context: LifecycleContext;
  readonly #surroundings: HostnameSurroundings;
  readonly #hostname: HostnameLifecycle;
  #certificate: CertificateLifecycle | undefined;

  constructor(row: Row, context: LifecycleContext, surroundings: HostnameSurroundings) {
    this.#row = row;
    this.#context = context;
    this.#surroundings = surroundings;
    this.#hostname = new HostnameLifecycle(row, context, surroundings);
  }

  begin(ssl: SSLRequest | undefined): void {
    this.#hostname.begin(ssl === undefined);
    if (ssl !== undefined) this.#addCertificate(ssl);
  }

  /** A PATCH: whatever it holds, it makes everything that is not settled look again at once. */
  change(ssl: SSLRequest | undefined): void {
    this.#hostname.refresh();
    if (ssl === undefined) this.#certificate?.refresh();
    else if (this.#certificate === undefined) this.#addCertificate(ssl);
    else this.#certificate.change(ssl);
  }

  move(): void {
    this.#hostname.move();
  }

  block(reason: string): void {
    this.#hostname.block(reason);
  }

  stop(): void {
    this.#hostname.stop();
    this.#certificate?.stop();
  }

  #addCertificate(ssl: SSLRequest): void {
    const certificate = newCertificate(ssl);
    this.#row.certificate = certificate;
    this.#certificate = new CertificateLifecycle(this.#row, certificate, this.#context, this.#surroundings.zone);
    this.#certificate.begin();
  }
}
