import type { Answer, DecodedPacket, Question, RecordType } from "dns-packet";
import type { Clock } from "../../../src/runtime/clock.ts";
import { AnswerCache, type Known } from "./answer-cache.ts";
import { emptyReply, RCODE, type Reply } from "./authoritative.ts";
import { canonicalName, isAtOrBelow } from "./names.ts";
import { rcodeOf } from "./wire.ts";
import type { ZoneDirectory } from "./zone-directory.ts";

/** Asks one server; undefined when no usable packet came back. */
export type Ask = (question: Question, address: string) => Promise<DecodedPacket | undefined>;

const MAX_ALIASES = 8;
const MAX_REFERRALS = 8;
/** How deep finding the address of a nameserver may nest. */
const MAX_NESTING = 3;
/** What the root says of a name outside every zone; 900 s is what large registries announce. */
const ROOT_SOA: Answer = {
  name: ".",
  type: "SOA",
  class: "IN",
  ttl: 900,
  data: {
    mname: "a.root-sim",
    rname: "hostmaster.root-sim",
    serial: 1,
    refresh: 1800,
    retry: 900,
    expire: 604_800,
    minimum: 900,
  },
};

interface Cut {
  readonly apex: string;
  readonly addresses: readonly string[];
}

/** A caching resolver over the zones of the simulator: it knows whom the registries name and follows referrals from there. */
export class RecursiveResolver {
  readonly #directory: ZoneDirectory;
  readonly #ask: Ask;
  readonly #cache: AnswerCache;
  #turn = 0;

  constructor(options: { readonly directory: ZoneDirectory; readonly ask: Ask; readonly clock: Clock }) {
    this.#directory = options.directory;
    this.#ask = options.ask;
    this.#cache = new AnswerCache(options.clock);
  }

  flush(): void {
    this.#cache.flush();
  }

  async resolve(question: Question, nesting = 0): Promise<Reply> {
    const answers: Answer[] = [];
    let owner = question.name;
    for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
      const step = await this.#step(canonicalName(owner), question.type, nesting);
      if (step === undefined) break;
      if (step.kind === "nodata" || step.kind === "nxdomain") {
        const rcode = step.kind === "nxdomain" ? RCODE.NXDOMAIN : RCODE.NOERROR;
        return { ...emptyReply(rcode), answers, authorities: step.soa === undefined ? [] : [step.soa] };
      }
      for (const record of step.answers) answers.push({ ...record, name: owner });
      if (step.kind === "rrset") return { ...emptyReply(RCODE.NOERROR), answers };
      owner = step.target;
    }
    return emptyReply(RCODE.SERVFAIL);
  }

  /** Undefined when nobody could be asked. */
  async #step(name: string, type: RecordType, nesting: number): Promise<Known | undefined> {
    const cached = this.#cache.find(name, type);
    if (cached !== undefined) return cached;
    const registered = this.#directory.registeredFor(name);
    // Not cached, so that a zone that is added is visible at once.
    if (registered === undefined) return { kind: "nxdomain", soa: ROOT_SOA };
    const known = registered.nameservers.flatMap(({ address }) => (address === undefined ? [] : [address]));
    const names = registered.nameservers.filter(({ address }) => address === undefined).map((nameserver) => nameserver.name);
    let cut: Cut = { apex: registered.apex, addresses: [...known, ...(await this.#addressesOf(names, nesting))] };
    for (let referrals = 0; referrals <= MAX_REFERRALS; referrals++) {
      const answer = await this.#askAny(cut, { name, type });
      if (answer === undefined) return undefined;
      const referral = referralIn(answer, cut.apex, name);
      if (referral === undefined) return this.#learn(answer, cut.apex, name, type);
      cut = { apex: referral.apex, addresses: await this.#referredAddresses(referral, answer, nesting) };
    }
    return undefined;
  }

  /** The first usable answer, beginning at another server each time. */
  async #askAny(cut: Cut, question: Question): Promise<DecodedPacket | undefined> {
    const start = this.#turn++;
    for (let index = 0; index < cut.addresses.length; index++) {
      const address = cut.addresses[(start + index) % cut.addresses.length];
      if (address === undefined) continue;
      const answer = await this.#ask(question, address);
      if (answer === undefined || ![RCODE.NOERROR, RCODE.NXDOMAIN].some((usable) => usable === rcodeOf(answer))) continue;
      if (answer.flag_aa || referralIn(answer, cut.apex, canonicalName(question.name)) !== undefined) return answer;
    }
    return undefined;
  }

  async #referredAddresses(referral: Referral, answer: DecodedPacket, nesting: number): Promise<readonly string[]> {
    const glue = (answer.additionals ?? []).flatMap((record) =>
      record.type === "A" && referral.hosts.includes(canonicalName(record.name)) ? [record.data] : [],
    );
    return glue.length > 0 ? glue : this.#addressesOf(referral.hosts, nesting);
  }

  async #addressesOf(hosts: readonly string[], nesting: number): Promise<readonly string[]> {
    if (nesting >= MAX_NESTING) return [];
    const found: string[] = [];
    for (const host of hosts) {
      const reply = await this.resolve({ name: host, type: "A" }, nesting + 1);
      for (const record of reply.answers) if (record.type === "A") found.push(record.data);
    }
    return found;
  }

  /** Stores what an authoritative answer says of the name and of the aliases that it followed inside its own zone. */
  #learn(answer: DecodedPacket, apex: string, asked: string, type: RecordType): Known | undefined {
    const records = answer.answers ?? [];
    let first: Known | undefined;
    let name = asked;
    for (let aliases = 0; aliases <= records.length && isAtOrBelow(name, apex); aliases++) {
      const owned = records.filter((record) => canonicalName(record.name) === name);
      const known = knownFrom(owned, type) ?? denial(answer, apex);
      if (known === undefined) break;
      this.#cache.store(name, type, known);
      first ??= known;
      if (known.kind !== "alias") break;
      name = canonicalName(known.target);
    }
    return first;
  }
}

interface Referral {
  readonly apex: string;
  readonly hosts: readonly string[];
}

/** NS records of a zone below `apex` that encloses the name, in an answer that says nothing else. */
function referralIn(answer: DecodedPacket, apex: string, name: string): Referral | undefined {
  if (answer.flag_aa || (answer.answers ?? []).length > 0) return undefined;
  const ns = (answer.authorities ?? []).flatMap((record) => (record.type === "NS" ? [record] : []));
  const [first] = ns;
  if (first === undefined) return undefined;
  const owner = canonicalName(first.name);
  if (owner === apex || !isAtOrBelow(owner, apex) || !isAtOrBelow(name, owner)) return undefined;
  return { apex: owner, hosts: ns.map((record) => canonicalName(record.data)) };
}

function knownFrom(owned: readonly Answer[], type: RecordType): Known | undefined {
  const wanted = owned.filter((record) => record.type === type);
  if (wanted.length > 0) return { kind: "rrset", answers: wanted };
  const alias = owned.flatMap((record) => (record.type === "CNAME" ? [record] : []))[0];
  return alias === undefined ? undefined : { kind: "alias", answers: [alias], target: alias.data };
}

/** Without SOA but with NS records it is no denial: the chain of aliases went into a delegated zone. */
function denial(answer: DecodedPacket, apex: string): Known | undefined {
  const authorities = answer.authorities ?? [];
  const soa = authorities.find((record) => record.type === "SOA" && isAtOrBelow(canonicalName(record.name), apex));
  if (soa === undefined && authorities.length > 0) return undefined;
  return { kind: rcodeOf(answer) === RCODE.NXDOMAIN ? "nxdomain" : "nodata", soa };
}
