import type { DNSView } from "./dns-view.ts";
import { delegationTarget, type Row } from "./row.ts";

/** `unknown`: DNS did not answer, which neither proves nor disproves anything. */
export type Verdict = { readonly kind: "yes" } | { readonly kind: "no" } | { readonly kind: "unknown"; readonly message: string };

export interface RoutingZone {
  /** Names a customer's CNAME may lead to. */
  readonly targets: readonly string[];
  /** Addresses of apex proxying; empty when the plan lacks it. */
  readonly addresses: readonly string[];
  readonly delegationUUID: string;
}

const YES: Verdict = { kind: "yes" };
const NO: Verdict = { kind: "no" };

/** By alias, or, where flattening hides the alias, by having no address but the zone's. */
export async function routesToZone(dns: DNSView, hostname: string, zone: RoutingZone): Promise<Verdict> {
  const aliases = await dns.aliasChain(hostname);
  if (aliases.slice(1).some((name) => zone.targets.includes(name))) return YES;
  const [own, ...targets] = await Promise.all([dns.addresses(hostname), ...zone.targets.map((target) => dns.addresses(target))]);
  if (own === undefined || own.kind === "none") return NO;
  if (own.kind === "failed") return { kind: "unknown", message: `${own.code} looking up A for ${hostname}` };
  const ours = new Set([...zone.addresses, ...targets.flatMap((answer) => (answer.kind === "records" ? answer.records : []))]);
  return own.records.every((address) => ours.has(address)) ? YES : NO;
}

export async function publishesText(dns: DNSView, name: string, values: readonly string[]): Promise<Verdict> {
  const answer = await dns.texts(name);
  if (answer.kind === "failed") return { kind: "unknown", message: `${answer.code} looking up TXT for ${name}` };
  const found = new Set(answer.kind === "records" ? answer.records : []);
  return values.length > 0 && values.every((value) => found.has(value)) ? YES : NO;
}

export function ownershipTextName(hostname: string): string {
  return `_cf-custom-hostname.${hostname}`;
}

export function challengeName(hostname: string): string {
  return `_acme-challenge.${hostname}`;
}

/**
 * Control of the name as a certificate authority sees it: all TXT values, or the delegation CNAME, or (never for a
 * wildcard) the HTTP path, which the edge answers by itself for whatever routes to it.
 */
export async function controlsName(dns: DNSView, row: Row, zone: RoutingZone, edgeAnswers: boolean): Promise<Verdict> {
  const { certificate, hostname } = row;
  if (certificate?.tokens === undefined) return NO;
  const verdicts: Verdict[] = [];
  if (certificate.method === "txt") {
    verdicts.push(await publishesText(dns, challengeName(hostname), certificate.tokens.values));
    const alias = await dns.alias(challengeName(hostname));
    if (alias.kind === "records" && alias.records[0] === delegationTarget(hostname, zone.delegationUUID)) verdicts.push(YES);
  }
  if (!certificate.wildcard && certificate.method !== "email" && edgeAnswers)
    verdicts.push(await routesToZone(dns, hostname, zone));
  return verdicts.find((verdict) => verdict.kind === "yes") ?? verdicts.find((verdict) => verdict.kind === "unknown") ?? NO;
}
