import { onTestFinished } from "vitest";
import { SkewedClock } from "../../test/simulators/clock.ts";
import { Timers } from "../runtime/timers.ts";
import type { CloudflareApi, Page, PageQuery } from "./api.ts";
import { answerError } from "./errors.ts";
import { inService } from "./recorded-rows.testing.ts";
import { type CustomHostname, parseRow } from "./row.ts";
import { type SnapshotSettings, ZoneSnapshot } from "./zone-snapshot.ts";

const ZONE = "023e105f4ecef8ad9ca31a8372d0c353";
export const never = new AbortController().signal;
export const settings: SnapshotSettings = { snapshotSeconds: 15, pageSize: 2, requestsPer5Minutes: 1000 };

export function row(n: number | string, more: Record<string, unknown> = {}): CustomHostname {
  const parsed = parseRow({ ...inService, id: `id-${n}`, hostname: `h${n}.customer.dev`, ...more });
  if (parsed === undefined) throw new Error("no row");
  return parsed;
}

/** A zone in memory that counts what it is asked. */
class Zone implements Pick<CloudflareApi, "listPage" | "get"> {
  rows: CustomHostname[] = [];
  readonly calls: string[] = [];
  fail: (() => Error | undefined) | undefined;
  /** Runs after a page was cut. */
  afterPage: ((page: number) => void) | undefined;
  maxPerPage = 1000;

  async listPage(_zoneID: string, query: PageQuery): Promise<Page> {
    const filter = query.hostnameStatus ?? query.sslStatus;
    this.calls.push(`list ${query.page}${filter === undefined ? "" : ` ${filter}`}`);
    this.#failIfAsked();
    if (query.perPage > this.maxPerPage) {
      throw answerError(
        { status: 400, errors: [{ code: 99, message: "per_page" }], retryAfterMs: undefined },
        { mutation: false, secrets: [] },
      );
    }
    const wanted = this.rows.filter(
      (one) =>
        (query.hostnameStatus === undefined || one.status === query.hostnameStatus) &&
        (query.sslStatus === undefined || one.ssl?.status === query.sslStatus),
    );
    const start = (query.page - 1) * query.perPage;
    const page = {
      rows: wanted.slice(start, start + query.perPage),
      totalPages: Math.ceil(wanted.length / query.perPage),
      totalCount: wanted.length,
    };
    this.afterPage?.(query.page);
    return page;
  }

  async get(_zoneID: string, id: string): Promise<CustomHostname | undefined> {
    this.calls.push(`get ${id}`);
    this.#failIfAsked();
    return this.rows.find((one) => one.id === id);
  }

  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  #failIfAsked(): void {
    const error = this.fail?.();
    if (error !== undefined) throw error;
  }
}

/** A snapshot of a zone with these rows, that runs until the test is over. */
export function start(rows: readonly CustomHostname[], more: Partial<SnapshotSettings> = {}) {
  const clock = new SkewedClock();
  const zone = new Zone();
  zone.rows = [...rows];
  const changes: string[] = [];
  const failures: unknown[] = [];
  const snapshot = new ZoneSnapshot({
    zoneID: ZONE,
    clock,
    timers: new Timers(clock),
    settings: { ...settings, ...more },
    api: () => zone,
    onChange: (hostname) => changes.push(hostname),
    onFailure: (error) => failures.push(error),
  });
  const stop = new AbortController();
  const finished = snapshot.run(stop.signal);
  onTestFinished(async () => {
    stop.abort(new Error("test over"));
    await finished;
  });
  /** Lets everything that is due happen, then passes the time. */
  const pass = async (ms: number): Promise<void> => {
    await quiet();
    clock.advance(ms);
    await quiet();
  };
  return { clock, zone, snapshot, changes, failures, pass, stop, finished };
}

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
