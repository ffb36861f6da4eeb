import { canonicalName } from "./names.ts";

export interface QueryCount {
  /** Name of the server. */
  readonly server: string;
  readonly name: string;
  readonly type: string;
  readonly transport: "udp" | "tcp";
  readonly count: number;
}

/** Queries as they arrived, faulted ones too; the recursive server's own questions count at the servers that it asks. */
export class DnsCounters {
  readonly #counts = new Map<string, QueryCount>();

  record(query: Omit<QueryCount, "count">): void {
    const key = JSON.stringify([query.server, query.name, query.type, query.transport]);
    this.#counts.set(key, { ...query, count: (this.#counts.get(key)?.count ?? 0) + 1 });
  }

  list(): readonly QueryCount[] {
    return [...this.#counts.values()];
  }

  /** How many queries match all the given members. */
  total(filter: Partial<Omit<QueryCount, "count">> = {}): number {
    const wanted = filter.name === undefined ? undefined : canonicalName(filter.name);
    return this.list()
      .filter((entry) => filter.server === undefined || entry.server === filter.server)
      .filter((entry) => wanted === undefined || entry.name === wanted)
      .filter((entry) => filter.type === undefined || entry.type === filter.type)
      .filter((entry) => filter.transport === undefined || entry.transport === filter.transport)
      .reduce((sum, entry) => sum + entry.count, 0);
  }

  reset(): void {
    this.#counts.clear();
  }
}
