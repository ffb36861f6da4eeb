import { isDeepStrictEqual } from "node:util";
import type { CustomHostname } from "./row.ts";

interface Entry {
  readonly row: CustomHostname;
  /** {@link ZoneRows.tick} of the request that returned the row. */
  readonly asked: number;
  /** Complete sweeps since that did not show the row. */
  readonly missed: number;
}

/** Pages shift while rows come and go, so one sweep without a row proves nothing. */
const MISSED_BEFORE_DOUBT = 2;

/**
 * The known rows of a zone. Answers overlap: a page that was asked for before a PATCH may arrive after it. So each answer carries
 * the tick at which it was asked for, and an older answer never replaces a newer one.
 */
export class ZoneRows {
  readonly #byID = new Map<string, Entry>();
  readonly #byHostname = new Map<string, Set<string>>();
  /** Removed ids and when, until a later sweep has ended: a page asked for before must not bring them back. */
  readonly #removed = new Map<string, number>();
  #tick = 0;

  /** A point in the order of requests. */
  tick(): number {
    this.#tick += 1;
    return this.#tick;
  }

  get size(): number {
    return this.#byID.size;
  }

  get(id: string): CustomHostname | undefined {
    return this.#byID.get(id)?.row;
  }

  /** In the order in which they were first seen; more than one only in Cloudflare's error cases. */
  withHostname(hostname: string): readonly CustomHostname[] {
    const ids = this.#byHostname.get(hostname);
    return ids === undefined ? [] : [...ids].flatMap((id) => this.get(id) ?? []);
  }

  *all(): Generator<CustomHostname> {
    for (const { row } of this.#byID.values()) yield row;
  }

  /** True when the row is new or differs from what was known. */
  merge(row: CustomHostname, asked: number): boolean {
    const removed = this.#removed.get(row.id);
    const known = this.#byID.get(row.id);
    if ((removed !== undefined && removed > asked) || (known !== undefined && known.asked > asked)) return false;
    const same = known !== undefined && isDeepStrictEqual(known.row, row);
    this.#byID.set(row.id, { row: same ? known.row : row, asked, missed: 0 });
    if (!same) {
      if (known !== undefined && known.row.hostname !== row.hostname) this.#unindex(known.row);
      this.#index(row);
    }
    return !same;
  }

  /** The row, when it was known. */
  remove(id: string): CustomHostname | undefined {
    this.#removed.set(id, this.tick());
    const entry = this.#byID.get(id);
    if (entry === undefined) return undefined;
    this.#byID.delete(id);
    this.#unindex(entry.row);
    return entry.row;
  }

  /** To be called after every page of a sweep that began at `started`; returns the ids that two sweeps running did not show. */
  endSweep(started: number): string[] {
    const doubtful: string[] = [];
    for (const [id, entry] of this.#byID) {
      if (entry.asked >= started) continue;
      const missed = entry.missed + 1;
      this.#byID.set(id, { ...entry, missed });
      if (missed >= MISSED_BEFORE_DOUBT) doubtful.push(id);
    }
    for (const [id, removed] of this.#removed) {
      if (removed < started) this.#removed.delete(id);
    }
    return doubtful;
  }

  #index(row: CustomHostname): void {
    const ids = this.#byHostname.get(row.hostname);
    if (ids === undefined) this.#byHostname.set(row.hostname, new Set([row.id]));
    else ids.add(row.id);
  }

  #unindex(row: CustomHostname): void {
    const ids = this.#byHostname.get(row.hostname);
    ids?.delete(row.id);
    if (ids?.size === 0) this.#byHostname.delete(row.hostname);
  }
}
