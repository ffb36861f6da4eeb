import type { Clock } from "../runtime/clock.ts";
import type { CloudflareApi } from "./api.ts";
import { type PendingCall, pendingCalls } from "./pending-plan.ts";
import type { CustomHostname } from "./row.ts";
import type { ZoneRows } from "./zone-rows.ts";

export interface PendingPollOptions {
  readonly zoneID: string;
  readonly clock: Clock;
  readonly api: () => Pick<CloudflareApi, "listPage" | "get">;
  readonly rows: ZoneRows;
  readonly onChange: (hostname: string) => void;
}

/** A POST is often answered before the validation records exist; they follow within seconds. */
const EXPECTED_AFTER_MS = [2_000, 6_000] as const;

/** Looks at rows that are settling, between two sweeps. */
export class PendingPoll {
  readonly #options: PendingPollOptions;
  readonly #expected = new Map<string, { readonly at: number; readonly attempt: number }>();

  constructor(options: PendingPollOptions) {
    this.#options = options;
  }

  /** Notes a row whose validation records are still to come; true when there is one to come back for. */
  expectMore(row: CustomHostname): boolean {
    if (!isIncomplete(row)) {
      this.#expected.delete(row.id);
      return false;
    }
    if (this.#expected.has(row.id)) return false;
    this.#expected.set(row.id, { at: this.#options.clock.monotonic() + EXPECTED_AFTER_MS[0], attempt: 0 });
    return true;
  }

  /** Monotonic ms; infinity when nothing is expected. */
  nextExpectedAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#expected.values()) next = Math.min(next, at);
    return next;
  }

  clearExpected(): void {
    this.#expected.clear();
  }

  /** Reads by id what was expected by now. */
  async expected(signal: AbortSignal): Promise<number> {
    const now = this.#options.clock.monotonic();
    const due = [...this.#expected].filter(([, { at }]) => at <= now);
    for (const [id, { attempt }] of due) {
      await this.#get(id, signal);
      const row = this.#options.rows.get(id);
      const delay = EXPECTED_AFTER_MS[attempt + 1];
      if (delay === undefined || row === undefined || !isIncomplete(row)) this.#expected.delete(id);
      else this.#expected.set(id, { at: now + delay, attempt: attempt + 1 });
    }
    return due.length;
  }

  /** Reads every watched row that is settling with the fewest calls, and says how many that were. */
  async all(watched: ReadonlySet<string>, pageSize: number, signal: AbortSignal): Promise<number> {
    let calls = 0;
    for (const call of pendingCalls(this.#options.rows.all(), watched, pageSize)) {
      calls += await this.#read(call, pageSize, signal);
    }
    return calls;
  }

  async #read(call: PendingCall, pageSize: number, signal: AbortSignal): Promise<number> {
    if (call.kind === "get") {
      await this.#get(call.id, signal);
      return 1;
    }
    const { api, zoneID, rows } = this.#options;
    const started = rows.tick();
    const shown = new Set<string>();
    let calls = 0;
    for (let page = 1, total = 1; page <= total; page += 1) {
      const answer = await api().listPage(zoneID, { page, perPage: pageSize, ...call.filter }, signal);
      calls += 1;
      // One page more than planned, for rows that came since; the next sweep sees the rest.
      total = Math.min(answer.totalPages, call.pages + 1);
      for (const row of answer.rows) {
        shown.add(row.id);
        this.#merge(row, started);
      }
    }
    // A row that left the filter has changed: what to, only a GET tells.
    for (const id of call.ids) {
      if (shown.has(id)) continue;
      await this.#get(id, signal);
      calls += 1;
    }
    return calls;
  }

  /** A row that is not there any more is left to the sweeps, which ask twice. */
  async #get(id: string, signal: AbortSignal): Promise<void> {
    const { api, zoneID, rows } = this.#options;
    const asked = rows.tick();
    const row = await api().get(zoneID, id, signal);
    if (row !== undefined) this.#merge(row, asked);
  }

  #merge(row: CustomHostname, asked: number): void {
    if (this.#options.rows.merge(row, asked)) this.#options.onChange(row.hostname);
  }
}

/** Certificate statuses in which validation records are still to come. */
const BEFORE_RECORDS: ReadonlySet<string> = new Set(["", "initializing", "pending_validation"]);

function isIncomplete(row: CustomHostname): boolean {
  return row.ssl !== undefined && row.ssl.validationRecords.length === 0 && BEFORE_RECORDS.has(row.ssl.status);
}
