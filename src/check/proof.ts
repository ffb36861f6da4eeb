import { createHash } from "node:crypto";
import { isAtOrBelow, registrableDomainOf } from "../core/hostname.ts";
import type { ServerAnswer } from "./answer.ts";
import { DnsReader, type ZoneAnswer } from "./authoritative.ts";
import { Deadline } from "./deadline.ts";
import { QueryBudget } from "./query-budget.ts";
import type { DnsAccess } from "./resolver.ts";

export const PROOF_LABEL = "_customdomains-challenge";
export const PROOF_PREFIX = "customdomains-verify=";

export interface ProofSubject {
  /** The installation: a value published for another platform proves nothing here. */
  readonly issuer: string;
  readonly tenant: string;
  /** Canonical A-label name. */
  readonly hostname: string;
}

export interface ProofRecord {
  readonly name: string;
  readonly value: string;
}

export interface ProofServer {
  readonly name: string;
  readonly address: string;
  /** TXT values, their strings joined, one character per byte. */
  readonly values: readonly string[];
}

export interface UnansweredServer {
  readonly name: string;
  readonly address: string;
  /** Continues the server's name: "did not answer". */
  readonly message: string;
}

interface Asked {
  readonly servers: readonly ProofServer[];
  readonly unanswered: readonly UnansweredServer[];
}

/**
 * `complete`: rule W6 of the claim protocol. `refused`: complete too, but what it shows is no proof by the owner of this very name; its
 * values can only show that a value is still there. `incomplete`: nothing is known, neither for nor against anyone.
 */
export type ProofAnswer =
  | ({ readonly kind: "complete" } & Asked)
  | ({
      readonly kind: "refused";
      readonly reason: "WildcardCapture" | "ConflictingChallengeRecord";
      readonly message: string;
    } & Asked)
  | ({
      readonly kind: "incomplete";
      readonly reason: Extract<ZoneAnswer, { readonly kind: "failed" }>["reason"];
      readonly message: string;
    } & Asked);

const DEADLINE_MS = 5_000;
/**
 * Four name servers take 13 questions: NS, their addresses, the record, and a name beside it where there is something to
 * distrust. A delegation or an alias within the domain takes as much again.
 */
const MAX_QUESTIONS = 32;
const MAX_ALIASES = 8;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/**
 * The TXT record with which a tenant proves a name: 160 bits of SHA-256 in lower-case base32 (RFC 4648 section 6), since
 * some DNS panels change the case of what is pasted, and lower case survives them all. The same tenant always gets the same value.
 * It binds, it is no secret. Tenant and hostname cannot contain `|`, so no two subjects are written alike.
 */
export function proofRecord({ issuer, tenant, hostname }: ProofSubject): ProofRecord {
  const digest = createHash("sha256").update(`${issuer}|${tenant}|${hostname}`, "utf8").digest();
  return { name: `${PROOF_LABEL}.${hostname}`, value: `${PROOF_PREFIX}${base32(digest).slice(0, 32)}` };
}

/** Reads the proof record of `hostname` (an A-label name) within 5 s and 32 questions. @throws the reason of `signal` when that is aborted. */
export async function readProof(hostname: string, access: DnsAccess, signal: AbortSignal): Promise<ProofAnswer> {
  signal.throwIfAborted();
  using deadline = new Deadline(DEADLINE_MS, signal);
  const reading = new ProofReading(hostname, new DnsReader(access, new QueryBudget(MAX_QUESTIONS), deadline.signal));
  const sibling = `_cd-${Buffer.from(access.randomBytes(8)).toString("hex")}.${hostname}`;
  const answer = await reading.read(sibling);
  signal.throwIfAborted();
  return answer;
}

export function everyServerHas(answer: ProofAnswer, value: string): boolean {
  return answer.kind === "complete" && answer.servers.length > 0 && answer.servers.every(({ values }) => values.includes(value));
}

/** True only on a complete answer: a server that could not be asked is never held against anyone. */
export function everyServerLacks(answer: ProofAnswer, value: string): boolean {
  return (
    answer.kind !== "incomplete" && answer.servers.length > 0 && !answer.servers.some(({ values }) => values.includes(value))
  );
}

/** Which servers have the value and which lack it, when they disagree: an update is on its way, or one of them is stuck. */
export function disagreement(answer: ProofAnswer, value: string): string | undefined {
  const having = answer.servers.filter(({ values }) => values.includes(value));
  const lacking = answer.servers.filter(({ values }) => !values.includes(value));
  if (having.length === 0 || lacking.length === 0) return undefined;
  return `${named(having)} already answers with the record, ${named(lacking)} not yet`;
}

/** One name asked at all its servers, aliases within the domain followed. */
interface Observation extends Asked {
  readonly kind: "observed";
  /** First targets of aliases at the name. */
  readonly aliases: readonly string[];
  /** Whether an alias leaves the registrable domain. */
  readonly leaves: boolean;
}

type Incomplete = Extract<ProofAnswer, { readonly kind: "incomplete" }>;

class ProofReading {
  readonly #hostname: string;
  readonly #domain: string;
  readonly #reader: DnsReader;
  readonly #followed = new Map<string, Observation | Incomplete>();

  constructor(hostname: string, reader: DnsReader) {
    this.#hostname = hostname;
    this.#domain = registrableDomainOf(hostname) ?? hostname;
    this.#reader = reader;
  }

  async read(sibling: string): Promise<ProofAnswer> {
    const name = `${PROOF_LABEL}.${this.#hostname}`;
    const own = await this.#observe(name, []);
    if (own.kind === "incomplete") return own;
    const { servers, unanswered } = own;
    const proofs = servers.flatMap(({ values }) => values.filter((value) => value.startsWith(PROOF_PREFIX)));
    if (own.aliases.length === 0 && proofs.length === 0) return { kind: "complete", servers, unanswered };
    const wildcard = await this.#observe(sibling, []);
    if (wildcard.kind === "incomplete") return { ...wildcard, servers, unanswered };
    if (isCaptured(own, wildcard, proofs)) {
      const message = `A wildcard record answers for ${name}: add the TXT record at exactly that name, the wildcard may stay`;
      return { kind: "refused", reason: "WildcardCapture", message, servers, unanswered };
    }
    if (own.leaves) {
      const message = `${name} is a CNAME that leads out of ${this.#domain}, so its TXT record proves nothing about you: replace the CNAME by the TXT record`;
      return { kind: "refused", reason: "ConflictingChallengeRecord", message, servers, unanswered };
    }
    return { kind: "complete", servers, unanswered };
  }

  /** `path`: the aliases that led here; a target found again is a loop. */
  async #observe(name: string, path: readonly string[]): Promise<Observation | Incomplete> {
    const asked = await this.#reader.ask({ name, type: "TXT" });
    if (asked.kind === "failed")
      return { kind: "incomplete", reason: asked.reason, message: asked.message, servers: [], unanswered: [] };
    const unusable = asked.servers.find((server) => server.kind === "unusable");
    const answered = asked.servers.filter((server) => server.kind === "answered");
    const inside = answered.filter(({ chain }) => chain.every((target) => isAtOrBelow(target, this.#domain)));
    const servers = answered.flatMap((server) =>
      server.alias === undefined || !inside.includes(server) ? [proofServer(server, inside.includes(server))] : [],
    );
    const unanswered = asked.servers
      .filter((server) => server.kind === "unanswered")
      .map(({ name, address, message }) => ({ name, address, message }));
    const aliases = answered.flatMap(({ chain }) => chain.slice(0, 1));
    let leaves = inside.length < answered.length;
    for (const alias of new Set(inside.flatMap((server) => server.alias ?? []))) {
      const followed = await this.#follow(alias, [...path, name]);
      unanswered.push(...followed.unanswered);
      if (followed.kind === "incomplete") return { ...followed, servers, unanswered };
      servers.push(...followed.servers);
      leaves ||= followed.leaves;
    }
    if (unusable !== undefined || servers.length === 0)
      return unreachable(name, unusable ?? unanswered[0], { servers, unanswered });
    return { kind: "observed", servers, unanswered, aliases, leaves };
  }

  async #follow(alias: string, path: readonly string[]): Promise<Observation | Incomplete> {
    const known = this.#followed.get(alias);
    if (known !== undefined) return known;
    const endless = path.includes(alias) || path.length > MAX_ALIASES;
    const culprit = { name: alias, message: "is at the end of CNAMEs that lead nowhere" };
    const followed = endless ? unreachable(alias, culprit, { servers: [], unanswered: [] }) : await this.#observe(alias, path);
    this.#followed.set(alias, followed);
    return followed;
  }
}

/** Values that a random name next to the proof has as well were made by a wildcard, not published for this name. */
function isCaptured(own: Observation, wildcard: Observation, proofs: readonly string[]): boolean {
  const captured = wildcard.servers.flatMap(({ values }) => values);
  return own.aliases.some((alias) => wildcard.aliases.includes(alias)) || proofs.some((proof) => captured.includes(proof));
}

/** What stands behind an alias to a stranger is not even read. */
function proofServer(server: Extract<ServerAnswer, { readonly kind: "answered" }>, trusted: boolean): ProofServer {
  const texts = server.records.flatMap((record) =>
    trusted && record.type === "TXT" ? [Buffer.from(record.data).toString("latin1")] : [],
  );
  return { name: server.name, address: server.address, values: texts };
}

function unreachable(
  name: string,
  culprit: { readonly name: string; readonly message: string } | undefined,
  asked: Asked,
): Incomplete {
  const detail = culprit === undefined ? "the zone has no name servers" : `${culprit.name} ${culprit.message}`;
  return {
    kind: "incomplete",
    reason: "AuthoritativeUnreachable",
    message: `The record ${name} could not be read: ${detail}`,
    ...asked,
  };
}

function named(servers: readonly ProofServer[]): string {
  return servers.map(({ name, address }) => (name === address ? name : `${name} (${address})`)).join(" and ");
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(buffer >> bits) & 31];
    }
  }
  return text;
}
