import { registrableDomainOf } from "../core/hostname.ts";
import { AddressGuard } from "./address-guard.ts";
import { type Referral, readReply, referralIn, type ServerAnswer } from "./answer.ts";
import { type DnsServer, query } from "./dns.ts";
import type { DnsQuestion } from "./dns-message.ts";
import { type CouldNotAsk, type DnsAccess, Resolvers } from "./resolver.ts";

export interface NameServer extends DnsServer {
  readonly name: string;
}

interface Zone {
  readonly kind: "zone";
  readonly apex: string;
  readonly servers: readonly NameServer[];
  /** Servers that cannot be asked, with the reason why. */
  readonly left: readonly ServerAnswer[];
}

/** No zone for the name: the domain is not registered, or has no name servers. */
export interface NoSuchDomain {
  readonly kind: "failed";
  readonly reason: "NXDomain";
  readonly message: string;
}

export type ZoneAnswer =
  | { readonly kind: "asked"; readonly zone: string; readonly servers: readonly ServerAnswer[] }
  | CouldNotAsk
  | NoSuchDomain;

const MAX_SERVERS = 4;
const MAX_REFERRALS = 4;
const TIMEOUT_MS = 800;
const ATTEMPTS = 2;

/**
 * Asks the servers that are authoritative for a name, found from its registrable domain downwards, so that no resolver is
 * made to remember that a record which the customer is about to add does not exist. In mode Recursive the configured
 * resolvers stand in for them. One instance serves one pass over one domain: it remembers the zones it found.
 */
export class DnsReader {
  readonly resolvers: Resolvers;
  readonly #access: DnsAccess;
  readonly #signal: AbortSignal;
  readonly #guard: AddressGuard;
  readonly #starts = new Map<string, Promise<Zone | CouldNotAsk | NoSuchDomain>>();
  readonly #cuts = new Map<string, Promise<Zone>>();

  constructor(access: DnsAccess, signal: AbortSignal) {
    this.#access = access;
    this.#signal = signal;
    this.resolvers = new Resolvers(access);
    this.#guard = new AddressGuard({ allowedCIDRs: access.dns.nameserverCIDRs, deniedCIDRs: access.deniedCIDRs });
  }

  async ask(question: DnsQuestion): Promise<ZoneAnswer> {
    if (this.#access.dns.mode === "Recursive") return await this.#askResolvers(question);
    let zone = await this.#startingZone(question.name);
    for (let referrals = 0; zone.kind === "zone"; referrals++) {
      const { apex, servers, left } = zone;
      const replies = await Promise.all(servers.map((server) => this.#query(server, question)));
      const referral = replies.map((reply) => referralIn(question, reply, apex)).find((found) => found !== undefined);
      if (referral === undefined || referrals === MAX_REFERRALS) {
        const asked = servers.flatMap(({ name, address }, index): readonly ServerAnswer[] => {
          const reply = replies[index];
          return reply === undefined ? [] : [{ name, address, ...readReply(question, reply, apex) }];
        });
        return { kind: "asked", zone: apex, servers: [...asked, ...left] };
      }
      zone = await this.#child(referral);
    }
    return zone;
  }

  async #askResolvers(question: DnsQuestion): Promise<ZoneAnswer> {
    const servers = await this.resolvers.askEach(question, this.#signal);
    return { kind: "asked", zone: registrableDomainOf(question.name) ?? question.name, servers };
  }

  #query(server: NameServer, question: DnsQuestion) {
    const options = { recursionDesired: false, timeoutMs: TIMEOUT_MS, attempts: ATTEMPTS, randomBytes: this.#access.randomBytes };
    return query(server, question, options, this.#signal);
  }

  #startingZone(name: string): Promise<Zone | CouldNotAsk | NoSuchDomain> {
    const domain = registrableDomainOf(name) ?? name;
    return remembered(this.#starts, domain, () => this.#climb(domain));
  }

  #child(referral: Referral): Promise<Zone> {
    return remembered(this.#cuts, referral.apex, () => this.#zone(referral));
  }

  /** The registrable domain may be no zone of its own (acme.github.io); an ancestor's servers then know it, or know it not. */
  async #climb(domain: string): Promise<Zone | CouldNotAsk | NoSuchDomain> {
    for (let apex = domain; apex !== ""; apex = apex.split(".").slice(1).join(".")) {
      const resolution = await this.resolvers.resolve({ name: apex, type: "NS" }, this.#signal);
      if (resolution.kind === "failed") return resolution;
      const nameservers = resolution.reply.answers.flatMap((record) =>
        record.type === "NS" && record.name === apex ? [record.data] : [],
      );
      if (nameservers.length > 0) return this.#zone({ apex, nameservers, glue: new Map() });
    }
    return {
      kind: "failed",
      reason: "NXDomain",
      message: `The domain ${domain} does not exist: register it, or check the spelling`,
    };
  }

  async #zone({ apex, nameservers, glue }: Referral): Promise<Zone> {
    const names = [...new Set(nameservers)].sort().slice(0, MAX_SERVERS);
    // A single name can stand for several machines; two are enough to notice that they disagree.
    const each = names.length === 1 ? 2 : 1;
    const located = await Promise.all(names.map((name) => this.#locate(name, glue.get(name), each)));
    return { kind: "zone", apex, servers: located.flatMap(({ servers }) => servers), left: located.flatMap(({ left }) => left) };
  }

  async #locate(
    name: string,
    glue: readonly string[] | undefined,
    limit: number,
  ): Promise<{ servers: readonly NameServer[]; left: readonly ServerAnswer[] }> {
    const port = this.#access.dns.nameserverPort;
    const found =
      glue === undefined ? await this.resolvers.addresses(name, this.#signal) : { kind: "found" as const, addresses: glue };
    if (found.kind !== "found")
      return { servers: [], left: [{ name, address: "", kind: "unanswered", message: "has no address that could be found" }] };
    const verdicts = found.addresses.map((address) => this.#guard.verdict(address));
    const servers = verdicts.flatMap((verdict) => (verdict.allowed ? [{ name, address: verdict.address, port }] : []));
    const refusal = verdicts.find((verdict) => !verdict.allowed);
    if (servers.length > 0 || refusal === undefined || refusal.allowed) return { servers: servers.slice(0, limit), left: [] };
    return { servers: [], left: [{ name, address: "", kind: "unanswered", message: `may not be asked: ${refusal.message}` }] };
  }
}

function remembered<T>(memory: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const finding = find();
  memory.set(key, finding);
  return finding;
}
