import { isIP, isIPv4 } from "node:net";
import type { DnsSettings } from "../api/v1/dns-settings.ts";
import { canonicalAddress } from "../core/ip-address.ts";
import { readReply } from "./answer.ts";
import { type DnsFailure, type DnsServer, query, type RandomBytes } from "./dns.ts";
import type { DnsQuestion, DnsReply } from "./dns-message.ts";
import { NOT_ASKED, type QueryBudget } from "./query-budget.ts";

/** A class's DNS settings and what the process adds to them. */
export interface DnsAccess {
  readonly dns: Pick<DnsSettings, "mode" | "resolvers" | "nameserverPort" | "nameserverCIDRs">;
  /** Blocks of the cluster that no name server of a customer may lie in. */
  readonly deniedCIDRs: readonly string[];
  /** `address` or `address:port` as node:dns getServers() tells them: used when the class names no resolver. */
  readonly systemResolvers: () => readonly string[];
  readonly randomBytes: RandomBytes;
}

/** Why nothing is known. Never evidence against the customer. */
export interface CouldNotAsk {
  readonly kind: "failed";
  readonly reason: "AuthoritativeUnreachable" | "ResolverUnreachable" | "DNSSECBogus" | "LookLimitReached";
  readonly message: string;
}

export type Resolution = { readonly kind: "answered"; readonly reply: DnsReply } | CouldNotAsk;

export type Addresses =
  | { readonly kind: "found"; readonly addresses: readonly string[] }
  /** `negativeTTL`: seconds for which resolvers may remember that. */
  | { readonly kind: "none"; readonly exists: boolean; readonly negativeTTL: number | undefined }
  | CouldNotAsk;

const TIMEOUT_MS = 1_500;
const ROUNDS = 2;
const MAX_RESOLVERS = 4;
const MAX_ADDRESSES = 32;

/** The recursive resolvers of a class, asked one after the other until one answers; what one look asks is asked once. */
export class Resolvers {
  readonly servers: readonly DnsServer[];
  readonly #access: DnsAccess;
  readonly #budget: QueryBudget;
  readonly #resolutions = new Map<string, Promise<Resolution>>();

  constructor(access: DnsAccess, budget: QueryBudget) {
    this.#access = access;
    this.#budget = budget;
    const configured = access.dns.resolvers.length > 0 ? access.dns.resolvers : access.systemResolvers();
    this.servers = configured.flatMap((text) => parseServer(text) ?? []).slice(0, MAX_RESOLVERS);
  }

  resolve(question: DnsQuestion, signal: AbortSignal): Promise<Resolution> {
    return remembered(this.#resolutions, `${question.type} ${question.name}`, () => this.#resolve(question, signal));
  }

  async #resolve(question: DnsQuestion, signal: AbortSignal): Promise<Resolution> {
    let responsive = false;
    let asked = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of this.servers) {
        const reply = await this.#query(server, question, false, signal);
        if (reply === NOT_ASKED) return asked === 0 ? limitReached(question.name) : couldNotAsk(question, responsive, asked);
        asked += 1;
        if (reply.kind === "reply" && isConclusive(reply)) return { kind: "answered", reply };
        if (reply.kind === "reply" && reply.code === "SERVFAIL" && (await this.#isBogus(server, question, signal)))
          return bogus(question);
        responsive ||= reply.kind === "reply";
        if (signal.aborted) break;
      }
    }
    return couldNotAsk(question, responsive, this.servers.length);
  }

  /** A and AAAA, or only one of them, at the end of the name's CNAME chain. */
  async addresses(name: string, signal: AbortSignal, types: readonly ("A" | "AAAA")[] = ["A", "AAAA"]): Promise<Addresses> {
    const resolutions = await Promise.all(types.map((type) => this.resolve({ name, type }, signal)));
    const found: string[] = [];
    let none: Addresses | undefined;
    for (const [index, resolution] of resolutions.entries()) {
      // One family alone may hide an address that the guard would refuse: both must be known.
      if (resolution.kind === "failed") return resolution;
      const answer = readReply({ name, type: types[index] ?? "A" }, resolution.reply, undefined);
      if (answer.kind !== "answered") return couldNotAsk({ name, type: "A" }, true, this.servers.length);
      found.push(...answer.records.flatMap((record) => (record.type === "A" || record.type === "AAAA" ? [record.data] : [])));
      none ??= { kind: "none", exists: answer.exists, negativeTTL: answer.negativeTTL };
    }
    if (found.length > 0) return { kind: "found", addresses: [...new Set(found)].sort(byFamily).slice(0, MAX_ADDRESSES) };
    return none ?? { kind: "none", exists: false, negativeTTL: undefined };
  }

  /** Every resolver's own answer: what stands in for authoritative servers in mode Recursive. */
  askEach(
    question: DnsQuestion,
    signal: AbortSignal,
  ): Promise<readonly { readonly server: DnsServer; readonly reply: DnsReply | DnsFailure }[]> {
    return Promise.all(
      this.servers.map(async (server) => ({ server, reply: await this.#query(server, question, false, signal) })),
    );
  }

  async #isBogus(server: DnsServer, question: DnsQuestion, signal: AbortSignal): Promise<boolean> {
    const unchecked = await this.#query(server, question, true, signal);
    return unchecked.kind === "reply" && isConclusive(unchecked);
  }

  async #query(server: DnsServer, question: DnsQuestion, unchecked: boolean, signal: AbortSignal) {
    return this.#budget.take() ? query(server, question, this.#options(unchecked), signal) : NOT_ASKED;
  }

  #options(checkingDisabled: boolean) {
    return {
      recursionDesired: true,
      checkingDisabled,
      timeoutMs: TIMEOUT_MS,
      attempts: 1,
      randomBytes: this.#access.randomBytes,
    };
  }
}

/** `address`, `address:port` or `[address]:port`; undefined for anything else, names above all: nothing here looks names up. */
export function parseServer(text: string): DnsServer | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = canonicalAddress(isIP(text) === 0 ? (bracketed ?? plain ?? "") : text);
  return address === undefined ? undefined : { address, port: isIP(text) === 0 && port !== undefined ? Number(port) : 53 };
}

function isConclusive(reply: DnsReply): boolean {
  return !reply.truncated && (reply.code === "NOERROR" || reply.code === "NXDOMAIN");
}

/** One look has bounds, since strangers decide how much there is to ask. What it did not come to is not known. */
export function limitReached(name: string): CouldNotAsk {
  const message = `DNS was not read to the end: it takes more questions, or more time, than one look may spend to find out about ${name}`;
  return { kind: "failed", reason: "LookLimitReached", message };
}

export function remembered<T>(memory: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const finding = find();
  memory.set(key, finding);
  return finding;
}

function couldNotAsk({ name }: DnsQuestion, responsive: boolean, resolvers: number): CouldNotAsk {
  if (responsive) {
    const message = `The name servers of ${name} do not answer the resolvers: check the delegation with the DNS provider`;
    return { kind: "failed", reason: "AuthoritativeUnreachable", message };
  }
  const why = resolvers === 0 ? "there is no resolver to ask" : "no resolver answers";
  return { kind: "failed", reason: "ResolverUnreachable", message: `DNS could not be asked about ${name}: ${why}` };
}

function bogus({ name }: DnsQuestion): CouldNotAsk {
  return {
    kind: "failed",
    reason: "DNSSECBogus",
    message: `The DNSSEC signatures of ${name} are wrong, so resolvers refuse its records: correct or remove the DS record at the registrar`,
  };
}

function byFamily(left: string, right: string): number {
  return Number(isIPv4(right)) - Number(isIPv4(left)) || (left < right ? -1 : 1);
}
