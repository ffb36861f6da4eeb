import { isAtOrBelow } from "../core/hostname.ts";
import type { DnsFailure } from "./dns.ts";
import type { DnsQuestion, DnsRecord, DnsReply, ResponseCode } from "./dns-message.ts";

/** What one server said, reduced to what the question asked. */
export type ServerAnswer = { readonly name: string; readonly address: string } & (
  | AnsweredQuestion
  /** It answered, but nothing can be concluded from it. `message` continues the server's name: "answers SERVFAIL". */
  | { readonly kind: "unusable"; readonly message: string }
  | { readonly kind: "unanswered"; readonly message: string }
);

export interface AnsweredQuestion {
  readonly kind: "answered";
  /** false for NXDOMAIN: neither the name nor anything below it exists. */
  readonly exists: boolean;
  /** Targets of the CNAMEs from the name on, in order. */
  readonly chain: readonly string[];
  /** Records of the type asked, at the end of the chain. */
  readonly records: readonly DnsRecord[];
  /** Records of the type asked at the very name; beside a CNAME only servers that break RFC 1034 have any. */
  readonly own: readonly DnsRecord[];
  /** The end of the chain, when other servers must be asked about it. */
  readonly alias: string | undefined;
  /** Seconds for which resolvers may remember that there is no such record (RFC 2308 section 5). */
  readonly negativeTTL: number | undefined;
}

const MAX_ALIASES = 8;

const REFUSALS: Partial<Record<ResponseCode, string>> = {
  SERVFAIL: "answers SERVFAIL",
  REFUSED: "refuses to answer for this name",
};

/**
 * Reads a reply. `bailiwick` is the zone that the server is authoritative for: records of other names are hearsay.
 * undefined for a recursive resolver, which answers for every name and never with AA.
 */
export function readReply(
  question: DnsQuestion,
  reply: DnsReply | DnsFailure,
  bailiwick: string | undefined,
): AnsweredQuestion | { readonly kind: "unusable" | "unanswered"; readonly message: string } {
  if (reply.kind === "failure") return { kind: reply.reason === "Malformed" ? "unusable" : "unanswered", message: reply.message };
  if (reply.truncated) return { kind: "unusable", message: "sends an answer that is too long to read" };
  if (reply.code !== "NOERROR" && reply.code !== "NXDOMAIN")
    return { kind: "unusable", message: REFUSALS[reply.code] ?? "answers with an error" };
  if (bailiwick !== undefined && !reply.authoritative)
    return { kind: "unusable", message: `is not authoritative for ${bailiwick}` };
  const known = bailiwick === undefined ? reply.answers : reply.answers.filter((record) => isAtOrBelow(record.name, bailiwick));
  const chain = question.type === "CNAME" ? [] : chainFrom(question.name, known);
  const end = chain.at(-1) ?? question.name;
  const records = known.filter((record) => record.name === end && record.type === question.type);
  const negative = reply.authorities.find((record) => record.type === "SOA");
  const unresolved =
    chain.length > 0 &&
    records.length === 0 &&
    (bailiwick === undefined ? false : !isAtOrBelow(end, bailiwick) || (reply.code === "NOERROR" && negative === undefined));
  return {
    kind: "answered",
    exists: reply.code === "NOERROR",
    chain,
    records,
    own: known.filter((record) => record.name === question.name && record.type === question.type),
    alias: unresolved ? end : undefined,
    negativeTTL: records.length === 0 && negative?.type === "SOA" ? Math.min(negative.ttl, negative.minimum) : undefined,
  };
}

function chainFrom(name: string, records: readonly DnsRecord[]): readonly string[] {
  const chain: string[] = [];
  for (let owner = name; chain.length < MAX_ALIASES; ) {
    const alias = records.find((record) => record.name === owner && record.type === "CNAME");
    if (alias?.type !== "CNAME" || chain.includes(alias.data)) return chain;
    chain.push(alias.data);
    owner = alias.data;
  }
  return chain;
}

/** The zone that a server which holds only the parent sends us to. */
export interface Referral {
  readonly apex: string;
  readonly nameservers: readonly string[];
  /** Addresses that come along, of servers whose names stand inside the referring zone. */
  readonly glue: ReadonlyMap<string, readonly string[]>;
}

/** Only downwards, and only towards the name asked: anything else is a lame or hostile server. */
export function referralIn(question: DnsQuestion, reply: DnsReply | DnsFailure, zone: string): Referral | undefined {
  if (reply.kind === "failure" || reply.authoritative || reply.code !== "NOERROR" || reply.answers.length > 0) return undefined;
  const delegation = reply.authorities.flatMap((record) =>
    record.type === "NS" && isAtOrBelow(question.name, record.name) ? [record] : [],
  );
  const apex = delegation[0]?.name;
  if (apex === undefined || apex === zone || !isAtOrBelow(apex, zone)) return undefined;
  const nameservers = delegation.flatMap((record) => (record.name === apex ? [record.data] : []));
  const glue = new Map<string, readonly string[]>();
  for (const record of reply.additionals) {
    if ((record.type !== "A" && record.type !== "AAAA") || !isAtOrBelow(record.name, zone)) continue;
    glue.set(record.name, [...(glue.get(record.name) ?? []), record.data]);
  }
  return { apex, nameservers, glue };
}
