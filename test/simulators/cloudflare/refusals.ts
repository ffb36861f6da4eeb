import { DomainSet } from "./domain-set.ts";

const HELD = "The hostname is associated with a held zone. Please contact the owner of this domain to have the hold removed.";
export const FLAGGED = "The hostname is blocked.";

/** What keeps hostnames from being served whatever their DNS says. */
export class Refusals {
  readonly #held = new DomainSet();
  readonly #flagged = new Set<string>();

  /** A zone hold: covers everything below `domain` too. */
  hold(domain: string): void {
    this.#held.add(domain);
  }

  release(domain: string): void {
    this.#held.delete(domain);
  }

  /** An abuse flag, of one hostname. */
  flag(hostname: string): void {
    this.#flagged.add(hostname);
  }

  unflag(hostname: string): void {
    this.#flagged.delete(hostname);
  }

  of(hostname: string): string | undefined {
    if (this.#flagged.has(hostname)) return FLAGGED;
    return this.#held.covers(hostname) ? HELD : undefined;
  }
}
