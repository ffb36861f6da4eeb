import { isAtOrBelow, parentName, selfAndAncestors } from "./names.ts";
import { parseSOA, type RecordType, type RecordValue, type RRset, toAnswers } from "./records.ts";

/** One server's copy of one zone. Names are canonical. */
export class Zone {
  readonly apex: string;
  readonly #rrsets = new Map<string, Map<RecordType, RRset>>();
  /** How many names with records stand at or below a name: what makes an empty non-terminal exist (RFC 4592 2.2.2). */
  readonly #population = new Map<string, number>();

  constructor(apex: string, soa: RRset, nameservers: RRset) {
    this.apex = apex;
    this.#put(apex, "SOA", soa);
    this.#put(apex, "NS", nameservers);
  }

  find(name: string, type: RecordType): RRset | undefined {
    return this.#rrsets.get(name)?.get(type);
  }

  soa(): RRset {
    const soa = this.find(this.apex, "SOA");
    if (soa === undefined) throw new Error(`zone ${this.apex} lost its SOA`);
    return soa;
  }

  typesAt(name: string): readonly RecordType[] {
    return [...(this.#rrsets.get(name)?.keys() ?? [])];
  }

  /** True also for an empty non-terminal: a name without records that has names below it. */
  exists(name: string): boolean {
    return (this.#population.get(name) ?? 0) > 0;
  }

  /** The highest delegation at or above `name`, the apex itself left out: what lies below belongs to somebody else. */
  delegationAbove(name: string): { readonly owner: string; readonly nameservers: RRset } | undefined {
    let found: { owner: string; nameservers: RRset } | undefined;
    for (const owner of selfAndAncestors(name)) {
      if (owner === this.apex) return found;
      const nameservers = this.find(owner, "NS");
      if (nameservers !== undefined) found = { owner, nameservers };
    }
    return found;
  }

  /** Deepest ancestor of a name that does not exist itself (RFC 4592 3.3.1). */
  closestEncloser(name: string): string {
    for (
      let current = parentName(name);
      current !== undefined && isAtOrBelow(current, this.apex);
      current = parentName(current)
    ) {
      if (this.exists(current)) return current;
    }
    return this.apex;
  }

  /** An empty list removes the set. Throws RangeError for malformed values or a CNAME beside other data. */
  set(name: string, type: RecordType, values: readonly RecordValue[], ttl: number): void {
    if (values.length === 0) this.#remove(name, type);
    else {
      toAnswers(name, type, { ttl, values });
      this.#refuseAliasConflict(name, type);
      this.#put(name, type, { ttl, values });
    }
    if (type !== "SOA") this.#raiseSerial();
  }

  entries(): readonly { readonly name: string; readonly type: RecordType; readonly rrset: RRset }[] {
    return [...this.#rrsets].flatMap(([name, types]) => [...types].map(([type, rrset]) => ({ name, type, rrset })));
  }

  #put(name: string, type: RecordType, rrset: RRset): void {
    let types = this.#rrsets.get(name);
    if (types === undefined) {
      types = new Map();
      this.#rrsets.set(name, types);
      this.#populate(name, 1);
    }
    types.set(type, rrset);
  }

  #remove(name: string, type: RecordType): void {
    if (name === this.apex && (type === "SOA" || type === "NS")) throw new RangeError("a zone keeps its SOA and NS records");
    const types = this.#rrsets.get(name);
    if (types?.delete(type) !== true || types.size > 0) return;
    this.#rrsets.delete(name);
    this.#populate(name, -1);
  }

  #populate(name: string, by: number): void {
    for (const ancestor of selfAndAncestors(name)) {
      this.#population.set(ancestor, (this.#population.get(ancestor) ?? 0) + by);
      if (ancestor === this.apex) return;
    }
  }

  #refuseAliasConflict(name: string, type: RecordType): void {
    const others = this.typesAt(name).filter((other) => other !== type);
    if (type === "CNAME" ? others.length > 0 : others.includes("CNAME")) {
      throw new RangeError(`${name} would have a CNAME beside other records`);
    }
  }

  #raiseSerial(): void {
    const soa = this.soa();
    const [value] = soa.values;
    if (typeof value !== "string") return;
    const { mname, rname, serial, refresh, retry, expire, minimum } = parseSOA(value);
    const raised = (serial + 1) % 2 ** 32;
    this.#put(this.apex, "SOA", { ttl: soa.ttl, values: [[mname, rname, raised, refresh, retry, expire, minimum].join(" ")] });
  }
}
