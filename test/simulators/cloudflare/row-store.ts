import type { Row } from "./row.ts";

/** The rows of one zone: those that exist, in order of creation, and those gone that still answer by id. */
export class RowStore {
  readonly #live = new Map<string, Row>();
  readonly #byName = new Map<string, Row>();
  /** With the time (Unix milliseconds) until which each can be read. */
  readonly #gone = new Map<string, { readonly row: Row; readonly until: number }>();

  get size(): number {
    return this.#live.size;
  }

  rows(): readonly Row[] {
    return [...this.#live.values()];
  }

  byName(hostname: string): Row | undefined {
    return this.#byName.get(hostname);
  }

  byID(id: string, now: number): Row | undefined {
    const gone = this.#gone.get(id);
    return this.#live.get(id) ?? (gone !== undefined && gone.until > now ? gone.row : undefined);
  }

  isLive(id: string): boolean {
    return this.#live.has(id);
  }

  /** Also brings a gone row back. */
  insert(row: Row): void {
    this.#gone.delete(row.id);
    this.#live.set(row.id, row);
    this.#byName.set(row.hostname, row);
  }

  bury(row: Row, now: number, readableMs: number): void {
    this.#live.delete(row.id);
    this.#byName.delete(row.hostname);
    for (const [id, gone] of this.#gone) if (gone.until <= now) this.#gone.delete(id);
    this.#gone.set(row.id, { row, until: now + readableMs });
  }
}
