/** Domains, each standing for itself and everything below it. */
export class DomainSet {
  readonly #domains = new Set<string>();

  add(domain: string): void {
    this.#domains.add(domain);
  }

  delete(domain: string): void {
    this.#domains.delete(domain);
  }

  covers(hostname: string): boolean {
    return [...this.#domains].some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
  }
}
