import { parse } from "tldts";
import { registrableDomainOf } from "../core/hostname.ts";
import { AddressGuard } from "./address-guard.ts";
import { type Referral, readReply, type ServerAnswer } from "./answer.ts";
import { contradicting, delegationIn, type NameServer, type Reply } from "./delegation.ts";
import { type DnsFailure, query } from "./dns.ts";
import type { DnsQuestion, DnsReply } from "./dns-message.ts";
import { NOT_ASKED, type QueryBudget } from "./query-budget.ts";
import { type CouldNotAsk, type DnsAccess, limitReached, Resolvers, remembered } from "./resolver.ts";

interface Zone {
  readonly kind: "zone";
  readonly apex: string;
  readonly servers: readonly NameServer[];
  /** Servers that cannot be asked, with the reason why. */
  readonly left: readonly ServerAnswer[];
}

/** Nothing can be read for a reason that lies with the domain. */
export interface NoSuchDomain {
  readonly kind: "failed";
  readonly reason: "NXDomain" | "InconsistentDelegation";
  readonly message: string;
}

type Failed = CouldNotAsk | NoSuchDomain;

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
 * resolvers stand in for them. One instance serves one look at one domain: it remembers the zones and answers it found, and
 * all its questions together are bounded by `budget` and `signal`.
 */
export class DnsReader {
  readonly resolvers: Resolvers;
  readonly #access: DnsAccess;
  readonly #budget: QueryBudget;
  readonly #signal: AbortSignal;
  readonly #guard: AddressGuard;
  readonly #starts = new Map<string, Promise<Zone | Failed>>();
  readonly #cuts = new Map<string, Promise<Zone | CouldNotAsk>>();
  readonly #replies = new Map<string, Promise<DnsReply | DnsFailure>>();

  constructor(access: DnsAccess, budget: QueryBudget, signal: AbortSignal) {
    this.#access = access;
    this.#budget = budget;
    this.#signal = signal;
    this.resolvers = new Resolvers(access, budget);
    this.#guard = new AddressGuard({ allowedCIDRs: access.dns.nameserverCIDRs, deniedCIDRs: access.deniedCIDRs });
  }

  /** `servers`: how many of a zone's servers are enough. What is to prove something is asked of all. */
  async ask(question: DnsQuestion, servers = MAX_SERVERS): Promise<ZoneAnswer> {
    if (this.#access.dns.mode === "Recursive") return await this.#askResolvers(question);
    let zone = await this.#startingZone(question.name);
    const unusable: ServerAnswer[] = [];
    for (let referrals = 0; zone.kind === "zone"; referrals++) {
      const replies = await this.#askServers(zone.servers.slice(0, servers), question);
      const unasked = this.#unasked(question, replies);
      if (unasked !== undefined) return unasked;
      const delegation = referrals === MAX_REFERRALS ? undefined : delegationIn(question, replies, zone.apex);
      if (delegation === undefined) return answered(question, zone, replies, unusable);
      const below = await this.#child(delegation.referral);
      if (below.kind === "failed") return below;
      const [contrary] = contradicting(delegation, below.servers);
      if (contrary !== undefined) return contradiction(question, contrary, below);
      unusable.push(...delegation.unusable);
      zone = below;
    }
    return zone;
  }

  async #askResolvers(question: DnsQuestion): Promise<ZoneAnswer> {
    const asked = await this.resolvers.askEach(question, this.#signal);
    if (asked.some(({ reply }) => isUnasked(reply))) return limitReached(question.name);
    const servers = asked.map(({ server: { address }, reply }) => ({
      name: address,
      address,
      ...readReply(question, reply, undefined),
    }));
    return { kind: "asked", zone: registrableDomainOf(question.name) ?? question.name, servers };
  }

  #askServers(servers: readonly NameServer[], question: DnsQuestion): Promise<readonly Reply[]> {
    return Promise.all(servers.map(async (server) => ({ server, reply: await this.#query(server, question) })));
  }

  /** A server of two zones is asked once. */
  #query(server: NameServer, question: DnsQuestion): Promise<DnsReply | DnsFailure> {
    const options = { recursionDesired: false, timeoutMs: TIMEOUT_MS, attempts: ATTEMPTS, randomBytes: this.#access.randomBytes };
    return remembered(this.#replies, `${server.address} ${question.type} ${question.name}`, async () =>
      this.#budget.take() ? await query(server, question, options, this.#signal) : NOT_ASKED,
    );
  }

  /** A server that the look had no question or no time left for did not stay silent: nothing is known of it. */
  #unasked(question: DnsQuestion, replies: readonly Reply[]): CouldNotAsk | undefined {
    const late = this.#signal.aborted && replies.some(({ reply }) => reply.kind === "failure" && reply.reason === "Timeout");
    return late || replies.some(({ reply }) => isUnasked(reply)) ? limitReached(question.name) : undefined;
  }

  #startingZone(name: string): Promise<Zone | Failed> {
    const domain = registrableDomainOf(name) ?? name;
    return remembered(this.#starts, domain, () => this.#climb(domain));
  }

  #child(referral: Referral): Promise<Zone | CouldNotAsk> {
    const key = `${referral.apex} ${[...new Set(referral.nameservers)].sort().join(" ")}`;
    return remembered(this.#cuts, key, () => this.#zone(referral));
  }

  /**
   * The registrable domain may be no zone of its own (acme.github.io): an ancestor's servers then know it, or know it not. But
   * a registry's servers only know what is registered; that they deny a record of a domain that is not proves nothing.
   */
  async #climb(domain: string): Promise<Zone | Failed> {
    const { publicSuffix, isIcann } = parse(domain, { allowPrivateDomains: false, extractHostname: false });
    const registry = isIcann === true ? (publicSuffix ?? "") : "";
    for (let apex = domain; apex !== "" && apex !== registry; apex = apex.split(".").slice(1).join(".")) {
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

  async #zone({ apex, nameservers, glue }: Referral): Promise<Zone | CouldNotAsk> {
    const names = [...new Set(nameservers)].sort().slice(0, MAX_SERVERS);
    // A single name can stand for several machines; two are enough to notice that they disagree.
    const each = names.length === 1 ? 2 : 1;
    const located = await Promise.all(names.map((name) => this.#locate(name, glue.get(name), each)));
    if (located.some(({ limited }) => limited)) return limitReached(apex);
    return { kind: "zone", apex, servers: located.flatMap(({ servers }) => servers), left: located.flatMap(({ left }) => left) };
  }

  async #locate(name: string, glue: readonly string[] | undefined, each: number): Promise<Located> {
    const port = this.#access.dns.nameserverPort;
    const found = glue === undefined ? await this.#addressesOf(name, each) : { kind: "found" as const, addresses: glue };
    if (found.kind !== "found") {
      const left = [{ name, address: "", kind: "unanswered" as const, message: "has no address that could be found" }];
      return { servers: [], left, limited: found.kind === "failed" && found.reason === "LookLimitReached" };
    }
    const verdicts = found.addresses.map((address) => this.#guard.verdict(address));
    const servers = verdicts.flatMap((verdict) => (verdict.allowed ? [{ name, address: verdict.address, port }] : []));
    const refusal = verdicts.find((verdict) => !verdict.allowed);
    if (servers.length > 0 || refusal === undefined || refusal.allowed)
      return { servers: servers.slice(0, each), left: [], limited: false };
    const left = [{ name, address: "", kind: "unanswered" as const, message: `may not be asked: ${refusal.message}` }];
    return { servers: [], left, limited: false };
  }

  /** Where one address is enough, IPv6 is asked for only where there is no IPv4. */
  async #addressesOf(name: string, each: number) {
    const signal = this.#signal;
    if (each > 1) return this.resolvers.addresses(name, signal);
    const found = await this.resolvers.addresses(name, signal, ["A"]);
    return found.kind === "none" ? this.resolvers.addresses(name, signal, ["AAAA"]) : found;
  }
}

interface Located {
  readonly servers: readonly NameServer[];
  readonly left: readonly ServerAnswer[];
  /** Not found because the look was at its end. */
  readonly limited: boolean;
}

function answered(
  question: DnsQuestion,
  zone: Zone,
  replies: readonly Reply[],
  unusable: readonly ServerAnswer[],
): Extract<ZoneAnswer, { readonly kind: "asked" }> {
  const servers = replies.map(({ server: { name, address }, reply }) => ({
    name,
    address,
    ...readReply(question, reply, zone.apex),
  }));
  return { kind: "asked", zone: zone.apex, servers: [...servers, ...unusable, ...zone.left] };
}

function contradiction({ name }: DnsQuestion, { name: server, address }: NameServer, below: Zone): NoSuchDomain {
  const message =
    `The name servers contradict each other about ${name}: ${server} (${address}) does not refer to the servers of ` +
    `${below.apex} that another one refers to`;
  return { kind: "failed", reason: "InconsistentDelegation", message };
}

function isUnasked(reply: DnsReply | DnsFailure): boolean {
  return reply.kind === "failure" && reply.reason === "NotAsked";
}
