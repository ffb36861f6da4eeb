import { type Referral, readReply, referralIn, type ServerAnswer } from "./answer.ts";
import type { DnsFailure, DnsServer } from "./dns.ts";
import type { DnsQuestion, DnsReply } from "./dns-message.ts";

export interface NameServer extends DnsServer {
  readonly name: string;
}

export interface Reply {
  readonly server: NameServer;
  readonly reply: DnsReply | DnsFailure;
}

/** The servers of one zone sent us further down. */
export interface Delegation {
  readonly referral: Referral;
  /** The answers of those that did not, and did not answer themselves either: they say nothing, and that counts. */
  readonly unusable: readonly ServerAnswer[];
  /** Servers that know better, with authority or by another referral: right only if they are among those referred to. */
  readonly dissenting: readonly NameServer[];
}

/**
 * What the replies of one zone's servers say about a name further down: undefined where nobody refers. Of several referrals the
 * one to the uppermost zone counts, since a server of both zones may know the next one already.
 */
export function delegationIn(question: DnsQuestion, replies: readonly Reply[], zone: string): Delegation | undefined {
  const referrals = replies.flatMap(({ reply }) => referralIn(question, reply, zone) ?? []);
  const [referral] = referrals.sort((left, right) => left.apex.length - right.apex.length);
  if (referral === undefined) return undefined;
  const unusable: ServerAnswer[] = [];
  const dissenting: NameServer[] = [];
  for (const { server, reply } of replies) {
    const other = referralIn(question, reply, zone);
    if (other !== undefined && isSame(other, referral)) continue;
    const answer = readReply(question, reply, zone);
    if (other !== undefined || answer.kind === "answered") dissenting.push(server);
    else if (answer.kind === "unusable") unusable.push({ name: server.name, address: server.address, ...answer });
  }
  return { referral, unusable, dissenting };
}

/** Those among the dissenting who are not responsible further down: then the servers contradict each other. */
export function contradicting({ referral, dissenting }: Delegation, below: readonly NameServer[]): readonly NameServer[] {
  return dissenting.filter(
    ({ name, address }) => !referral.nameservers.includes(name) && !below.some((server) => server.address === address),
  );
}

function isSame(left: Referral, right: Referral): boolean {
  return left.apex === right.apex && listed(left) === listed(right);
}

function listed({ nameservers }: Referral): string {
  return [...new Set(nameservers)].sort().join(" ");
}
