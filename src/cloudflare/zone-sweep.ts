import type { Timers } from "../runtime/timers.ts";
import type { CloudflareApi, Page } from "./api.ts";
import { CloudflareError } from "./errors.ts";
import type { ZoneRows } from "./zone-rows.ts";

export interface ZoneSweepOptions {
  readonly zoneID: string;
  readonly timers: Timers;
  readonly api: () => Pick<CloudflareApi, "listPage" | "get">;
  readonly rows: ZoneRows;
  readonly onChange: (hostname: string) => void;
}

/** 50,000 hostnames, the most of a self-service plan, in pages of 50; a server that lies about its pages ends here. */
const MAX_PAGES = 1_000;
/** What Cloudflare allowed before 1,000, and still may. */
const SMALL_PAGE = 50;
/** A page that the budget holds back longer than this ends the sweep: its pages would be too far apart to fit together. */
const MAX_WAIT_MS = 30_000;
/** When much is missing at once, doubt the list before the rows. */
const MAX_CONFIRMATIONS = 20;

/** One walk through all pages of a zone, merged into its rows. */
export class ZoneSweep {
  readonly #options: ZoneSweepOptions;
  #largestPage = Number.POSITIVE_INFINITY;
  #pages = 1;

  constructor(options: ZoneSweepOptions) {
    this.#options = options;
  }

  /** Pages of the last complete sweep. */
  pages(): number {
    return this.#pages;
  }

  /** The page size that Cloudflare accepted, up to the configured one. */
  pageSize(configured: number): number {
    return Math.min(configured, this.#largestPage);
  }

  /** @throws CloudflareError, or the signal's reason; rows merged so far stay merged, and none counts as missing. */
  async run(configuredPageSize: number, signal: AbortSignal): Promise<void> {
    const { rows } = this.#options;
    const started = rows.tick();
    const pages = await this.#walk(configuredPageSize, signal);
    this.#pages = Math.max(1, pages);
    if (pages > MAX_PAGES) return;
    for (const id of rows.endSweep(started).slice(0, MAX_CONFIRMATIONS)) await this.#confirmGone(id, signal);
  }

  /** The number of pages that Cloudflare said there are. */
  async #walk(configuredPageSize: number, signal: AbortSignal): Promise<number> {
    let total = 1;
    for (let page = 1; page <= Math.min(total, MAX_PAGES); page += 1) {
      const perPage = this.pageSize(configuredPageSize);
      const asked = this.#options.rows.tick();
      const answer = await this.#page(page, perPage, signal);
      if (answer === "TooLarge") {
        this.#largestPage = SMALL_PAGE;
        page = 0;
        continue;
      }
      total = answer.totalPages;
      for (const row of answer.rows) {
        if (this.#options.rows.merge(row, asked)) this.#options.onChange(row.hostname);
      }
    }
    return total;
  }

  async #page(page: number, perPage: number, signal: AbortSignal): Promise<Page | "TooLarge"> {
    const { api, zoneID, timers } = this.#options;
    for (;;) {
      try {
        return await api().listPage(zoneID, { page, perPage }, signal);
      } catch (error) {
        if (!(error instanceof CloudflareError)) throw error;
        // OperatorBug: about the request, not about the credential or the zone, which Cloudflare answers with 400 at times too.
        if (error.status === 400 && error.class === "OperatorBug" && perPage > SMALL_PAGE) return "TooLarge";
        const heldBack = error.class === "RateLimited" && error.status === undefined;
        if (!heldBack || error.retryAfterMs === undefined || error.retryAfterMs > MAX_WAIT_MS) throw error;
        await timers.sleep(error.retryAfterMs, signal);
      }
    }
  }

  async #confirmGone(id: string, signal: AbortSignal): Promise<void> {
    const { api, zoneID, rows, onChange } = this.#options;
    const asked = rows.tick();
    const row = await api().get(zoneID, id, signal);
    if (row === undefined) {
      const removed = rows.remove(id);
      if (removed !== undefined) onChange(removed.hostname);
    } else if (rows.merge(row, asked)) {
      onChange(row.hostname);
    }
  }
}
