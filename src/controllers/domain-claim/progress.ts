/** Why a claim in Releasing is not released yet. */
export interface ReleaseTrouble {
  /** Cloudflare refused for good until somebody mends the credential or the zone (401, 403, 1404). */
  readonly refused: boolean;
  /** false: Cloudflare accepted the deletion and has not finished. */
  readonly failing: boolean;
  /** Monotonic ms since when the release has not come forward. */
  readonly since: number;
  readonly message: string;
}

/**
 * What the claim controller knows of releases that take their time, for the CustomDomain controller's hand-off (claims rule 10).
 * In memory: after a restart the time counts anew, so a hand-off is late, never early.
 */
export class ReleaseProgress {
  readonly #troubles = new Map<string, ReleaseTrouble>();
  #listener: (domain: string) => void = () => {};

  /** Hears of every failure, with the claim's name. */
  onFailure(listener: (domain: string) => void): void {
    this.#listener = listener;
  }

  failed(domain: string, trouble: Pick<ReleaseTrouble, "refused" | "message">, now: number): void {
    this.#troubles.set(domain, { ...trouble, failing: true, since: this.#troubles.get(domain)?.since ?? now });
    this.#listener(domain);
  }

  /** Nothing is wrong, but nothing has come forward either. @returns ms since when. */
  waiting(domain: string, message: string, now: number): number {
    const since = this.#troubles.get(domain)?.since ?? now;
    this.#troubles.set(domain, { refused: false, failing: false, message, since });
    return now - since;
  }

  succeeded(domain: string): void {
    this.#troubles.delete(domain);
  }

  trouble(domain: string): ReleaseTrouble | undefined {
    return this.#troubles.get(domain);
  }

  /** How many claims cannot be released now, for the class condition and the metric. */
  count(domains: Iterable<string>): number {
    let count = 0;
    for (const domain of domains) if (this.#troubles.get(domain)?.failing === true) count += 1;
    return count;
  }
}
