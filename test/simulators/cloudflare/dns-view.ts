import type { CaaRecord } from "node:dns";
import { Resolver } from "node:dns/promises";

/** `none`: the name or the type does not exist; `failed`: nobody could say. */
export type Answer<T> =
  | { readonly kind: "records"; readonly records: readonly T[] }
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly code: string };

const MAX_ALIASES = 8;

/** DNS as the simulated service sees it: real queries to one recursive resolver. */
export class DNSView {
  readonly #resolver: Resolver;

  /** `server`: `address:port`. */
  constructor(server: string) {
    this.#resolver = new Resolver({ timeout: 2000, tries: 2 });
    this.#resolver.setServers([server]);
  }

  alias(name: string): Promise<Answer<string>> {
    return ask(() => this.#resolver.resolveCname(name));
  }

  /** Every name from `name` to the end of its CNAME chain, `name` first, lower case. */
  async aliasChain(name: string): Promise<readonly string[]> {
    const chain = [name];
    for (let current = name; chain.length <= MAX_ALIASES; ) {
      const answer = await this.alias(current);
      const target = answer.kind === "records" ? answer.records[0]?.toLowerCase().replace(/\.$/, "") : undefined;
      if (target === undefined || chain.includes(target)) break;
      chain.push(target);
      current = target;
    }
    return chain;
  }

  /** IPv4 and IPv6 addresses together. */
  async addresses(name: string): Promise<Answer<string>> {
    const [four, six] = await Promise.all([ask(() => this.#resolver.resolve4(name)), ask(() => this.#resolver.resolve6(name))]);
    const records = [four, six].flatMap((answer) => (answer.kind === "records" ? answer.records : []));
    if (records.length > 0) return { kind: "records", records };
    return four.kind === "failed" ? four : six;
  }

  /** One string per record, its chunks joined. */
  async texts(name: string): Promise<Answer<string>> {
    const answer = await ask(() => this.#resolver.resolveTxt(name));
    return answer.kind === "records" ? { kind: "records", records: answer.records.map((chunks) => chunks.join("")) } : answer;
  }

  authorizations(name: string): Promise<Answer<CaaRecord>> {
    return ask(() => this.#resolver.resolveCaa(name));
  }

  close(): void {
    this.#resolver.cancel();
  }
}

async function ask<T>(query: () => Promise<readonly T[]>): Promise<Answer<T>> {
  try {
    const records = await query();
    return records.length > 0 ? { kind: "records", records } : { kind: "none" };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
    return code === "ENOTFOUND" || code === "ENODATA" ? { kind: "none" } : { kind: "failed", code: code.replace(/^E/, "") };
  }
}
