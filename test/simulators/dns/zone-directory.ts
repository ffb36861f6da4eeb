import { enclosingZone } from "./authoritative.ts";
import { canonicalName, checkedName, isAtOrBelow, parentName, selfAndAncestors } from "./names.ts";
import type { RecordType, RecordValue, RRset } from "./records.ts";
import { Zone } from "./zone.ts";

/** An authoritative server and its own copies of the zones that it serves, by apex. */
export interface AuthoritativeServer {
  readonly name: string;
  readonly address: string;
  readonly zones: Map<string, Zone>;
}

export interface Nameserver {
  readonly name: string;
  /** When given, an A record is made for the name, and glue where the name stands below a delegation. */
  readonly address?: string;
}

export interface ZoneOptions {
  /** NS records; the two servers of the simulator unless given. */
  readonly nameservers?: readonly Nameserver[];
  /** Names or addresses of the servers that really serve the zone; both unless given. */
  readonly servers?: readonly string[];
  /** Seconds: the SOA's last field. 300 unless given. */
  readonly negativeTTL?: number;
  /** false: no registry and no parent knows of it. Anybody can set up a server for anybody's zone. */
  readonly delegated?: boolean;
}

export interface RecordOptions {
  /** Seconds; 300 unless given. */
  readonly ttl?: number;
  /** Name or address of the only server to change, so that the two disagree. */
  readonly server?: string;
}

export interface ListedRecords {
  readonly zone: string;
  readonly name: string;
  readonly type: RecordType;
  readonly ttl: number;
  readonly values: readonly RecordValue[];
  /** Names of the servers that hold exactly this. */
  readonly servers: readonly string[];
}

const DEFAULT_TTL = 300;
const DEFAULT_NEGATIVE_TTL = 300;
const INFRASTRUCTURE_TTL = 3600;

/** All zones of the simulator and who serves them: what registries and the root know in the real world. */
export class ZoneDirectory {
  readonly servers: readonly AuthoritativeServer[];
  readonly #usual: readonly AuthoritativeServer[];
  /** Addresses to ask per apex. */
  readonly #delegations = new Map<string, readonly Nameserver[]>();

  /** `usual`: the servers of a zone that names none. */
  constructor(servers: readonly AuthoritativeServer[], usual: readonly AuthoritativeServer[] = servers) {
    this.servers = servers;
    this.#usual = usual;
  }

  /** Adds a zone, and its delegation to the zone that encloses it. Throws RangeError when the zone exists. */
  addZone(name: string, options: ZoneOptions = {}): void {
    const apex = checkedName(name);
    if (this.#delegations.has(apex)) throw new RangeError(`zone ${apex} exists`);
    const nameservers = options.nameservers ?? this.#usual.map(({ name, address }) => ({ name, address }));
    const [first] = nameservers;
    if (first === undefined) throw new RangeError(`zone ${apex} needs a nameserver`);
    const soaValue = `${checkedName(first.name)} hostmaster.${apex} 1 3600 600 604800 ${options.negativeTTL ?? DEFAULT_NEGATIVE_TTL}`;
    const soa: RRset = { ttl: INFRASTRUCTURE_TTL, values: [soaValue] };
    const ns: RRset = { ttl: INFRASTRUCTURE_TTL, values: nameservers.map((nameserver) => checkedName(nameserver.name)) };
    const serving = options.servers === undefined ? this.#usual : options.servers.map((ref) => this.#server(ref));
    if (options.delegated === false) {
      for (const server of serving) server.zones.set(apex, new Zone(apex, soa, ns));
      return;
    }
    this.#delegate(apex, nameservers);
    for (const server of serving) server.zones.set(apex, new Zone(apex, soa, ns));
    this.#delegations.set(apex, nameservers);
    for (const [child, theirs] of this.#delegations) {
      if (child !== apex && isAtOrBelow(child, apex)) this.#delegate(child, theirs);
    }
    for (const nameserver of nameservers) this.#addAddress(nameserver);
  }

  /** Replaces the records of one name and type. */
  setRecords(name: string, type: RecordType, values: readonly RecordValue[], options: RecordOptions = {}): void {
    const owner = checkedName(name);
    for (const zone of this.#copies(owner, options.server)) zone.set(owner, type, values, options.ttl ?? DEFAULT_TTL);
  }

  addRecord(name: string, type: RecordType, value: RecordValue, options: RecordOptions = {}): void {
    const owner = checkedName(name);
    for (const zone of this.#copies(owner, options.server)) {
      const present = zone.find(owner, type);
      const others = (present?.values ?? []).filter((other) => !sameValue(other, value));
      zone.set(owner, type, [...others, value], options.ttl ?? present?.ttl ?? DEFAULT_TTL);
    }
  }

  /** Without a value all records of the type go; what isn't there needs no removing. */
  removeRecord(name: string, type: RecordType, value?: RecordValue, options: Pick<RecordOptions, "server"> = {}): void {
    const owner = checkedName(name);
    for (const zone of this.#copies(owner, options.server)) {
      const present = zone.find(owner, type);
      if (present === undefined) continue;
      const kept = value === undefined ? [] : present.values.filter((other) => !sameValue(other, value));
      zone.set(owner, type, kept, present.ttl);
    }
  }

  records(): readonly ListedRecords[] {
    const listed = new Map<string, ListedRecords>();
    for (const server of this.servers) {
      for (const zone of server.zones.values()) {
        for (const { name, type, rrset } of zone.entries()) {
          const record = { zone: zone.apex, name, type, ttl: rrset.ttl, values: rrset.values };
          const key = JSON.stringify(record);
          listed.set(key, { ...record, servers: [...(listed.get(key)?.servers ?? []), server.name] });
        }
      }
    }
    return [...listed.values()];
  }

  /** Whom the registries name for a canonical name: the nameservers of the topmost zone that encloses it. */
  registeredFor(name: string): { readonly apex: string; readonly nameservers: readonly Nameserver[] } | undefined {
    for (const apex of selfAndAncestors(name).toReversed()) {
      const nameservers = this.#delegations.get(apex);
      if (nameservers !== undefined) return { apex, nameservers };
    }
    return undefined;
  }

  #server(ref: string): AuthoritativeServer {
    const server = this.servers.find(({ name, address }) => address === ref || name === canonicalName(ref));
    if (server === undefined) throw new RangeError(`there is no authoritative server ${ref}`);
    return server;
  }

  #copies(name: string, only: string | undefined): readonly Zone[] {
    const servers = only === undefined ? this.servers : [this.#server(only)];
    const holds = (ancestor: string): boolean => only !== undefined && servers.some(({ zones }) => zones.has(ancestor));
    const apex = selfAndAncestors(name).find((ancestor) => this.#delegations.has(ancestor) || holds(ancestor));
    if (apex === undefined) throw new RangeError(`no zone of the simulator encloses ${name}`);
    const copies = servers.flatMap(({ zones }) => zones.get(apex) ?? []);
    if (only !== undefined && copies.length === 0) throw new RangeError(`${only} does not serve ${apex}`);
    return copies;
  }

  /** NS and glue in the enclosing zone, so that a server of the parent alone answers with a referral. */
  #delegate(apex: string, nameservers: readonly Nameserver[]): void {
    const hosts = nameservers.map(({ name }) => checkedName(name));
    for (const { zones } of this.servers) {
      const parent = enclosingZone(zones, parentName(apex) ?? "");
      parent?.set(apex, "NS", hosts, INFRASTRUCTURE_TTL);
      for (const { name, address } of nameservers) {
        const host = canonicalName(name);
        if (isAtOrBelow(host, apex) && address !== undefined) parent?.set(host, "A", [address], INFRASTRUCTURE_TTL);
      }
    }
  }

  #addAddress({ name, address }: Nameserver): void {
    const host = canonicalName(name);
    if (address === undefined || this.registeredFor(host) === undefined) return;
    for (const zone of this.#copies(host, undefined)) {
      if (zone.find(host, "A") === undefined) zone.set(host, "A", [address], INFRASTRUCTURE_TTL);
    }
  }
}

function sameValue(left: RecordValue, right: RecordValue): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
