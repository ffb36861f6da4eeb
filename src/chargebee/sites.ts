import { createHash } from "node:crypto";
import type { Dispatcher } from "undici";
import type { Clock } from "../runtime/clock.ts";
import type { Timers } from "../runtime/timers.ts";
import { CredentialBreaker } from "./breaker.ts";
import type { Catalog } from "./catalog.ts";
import { type ChargebeeApi, ChargebeeClient } from "./client.ts";
import type { QuantityLog } from "./mutation-log.ts";
import { SiteBudget } from "./site-budget.ts";

/** How one class reaches its site. */
export interface SiteAccess {
  readonly site: string;
  readonly apiURL: string;
  readonly catalog: Catalog;
  /** Names the Secret and key, to tell credentials of one site apart. */
  readonly credential: string;
  readonly apiKey: string;
  /** The smallest value among the classes of the site. */
  readonly requestsPerMinute: number;
}

export interface ChargebeeSitesOptions {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Deadline of one exchange, real milliseconds. */
  readonly timeoutMs: number;
  /** See ChargebeeTransportOptions. */
  readonly assertMayWrite: () => void;
  readonly log: QuantityLog;
}

interface Entry {
  /** Digest of the API key, so that the key itself is held by the client only. */
  readonly fingerprint: string;
  readonly api: ChargebeeApi;
  readonly breaker: CredentialBreaker;
}

/** The clients in use: one request budget per site, one breaker per credential, which a changed Secret replaces. */
export class ChargebeeSites {
  readonly #options: ChargebeeSitesOptions;
  readonly #budgets = new Map<string, SiteBudget>();
  readonly #clients = new Map<string, Entry>();

  constructor(options: ChargebeeSitesOptions) {
    this.#options = options;
  }

  client(access: SiteAccess): ChargebeeApi {
    const budget = this.#budget(access);
    const key = clientKey(access);
    const fingerprint = keyFingerprint(access.apiKey);
    const known = this.#clients.get(key);
    if (known?.fingerprint === fingerprint) return known.api;
    const { dispatcher, clock, timeoutMs, assertMayWrite, log } = this.#options;
    const { apiURL, apiKey, catalog } = access;
    const breaker = new CredentialBreaker(clock);
    const api = new ChargebeeClient({
      apiURL,
      apiKey,
      catalog,
      dispatcher,
      clock,
      budget,
      breaker,
      timeoutMs,
      assertMayWrite,
      log,
    });
    this.#clients.set(key, { fingerprint, api, breaker });
    return api;
  }

  /** Whether Chargebee refused the API key that was last in use for it: to be told once, on the class. */
  isRefused(access: Pick<SiteAccess, "site" | "apiURL" | "catalog" | "credential">): boolean {
    return this.#clients.get(clientKey(access))?.breaker.open ?? false;
  }

  #budget({ site, requestsPerMinute }: SiteAccess): SiteBudget {
    const { clock, timers } = this.#options;
    const known = this.#budgets.get(site);
    if (known !== undefined) {
      known.requestsPerMinute = requestsPerMinute;
      return known;
    }
    const budget = new SiteBudget({ clock, timers, requestsPerMinute });
    this.#budgets.set(site, budget);
    return budget;
  }
}

function clientKey({
  site,
  apiURL,
  catalog,
  credential,
}: Pick<SiteAccess, "site" | "apiURL" | "catalog" | "credential">): string {
  return [site, apiURL, catalog, credential].join("\n");
}

/** Identifies an API key without holding it. */
function keyFingerprint(apiKey: string): string {
  return createHash("sha256").update(apiKey).digest("hex").slice(0, 16);
}
