import { parse } from "tldts";
import { homographRisk } from "./homograph.ts";
import { invalid, listedName, type NameRefusal, readName, refusal, unicodeOf } from "./hostname-spelling.ts";

/** What one class lets its domains be called. Entries are names; each covers itself and everything below. */
export interface NamePolicy {
  /** The platform's own zones, CNAME targets, fallback origins and UI hosts. */
  readonly platformDomains: readonly string[];
  readonly reservedDomains: readonly string[];
  /**
   * When not empty, nothing else is accepted. An entry also lifts the refusal of suffixes that the public does not know, and of
   * names that could be mistaken for others: an admin has looked at it.
   */
  readonly allowedDomains: readonly string[];
  /** Whether `www.<apex>` means `<apex>`; false where the class cannot serve an apex. */
  readonly foldWww: boolean;
  /** Whether example.com, example.net and example.org are refused, as Cloudflare does (error 1411). */
  readonly refuseExampleDomains: boolean;
}

export interface HostnameFacts {
  /** Lower-case A-labels without final dot: the identity of the domain everywhere. */
  readonly name: string;
  /** The same name for people to read. */
  readonly unicode: string;
  readonly registrableDomain: string;
  readonly isApex: boolean;
  /** `www.<name>` for an apex that takes its www along. */
  readonly wwwTwin: string | undefined;
}

export type CanonicalName = ({ readonly ok: true } & HostnameFacts) | NameRefusal;

/** RFC 6761, 6762, 7686, 8375, 9476 and ICANN's `internal`: no public CA or resolver serves them. */
const SPECIAL_USE = ["test", "example", "invalid", "localhost", "local", "internal", "onion", "alt", "arpa"] as const;
const EXAMPLE_DOMAINS = ["example.com", "example.net", "example.org"] as const;

const WITH_PRIVATE_SUFFIXES = { allowPrivateDomains: true, extractHostname: false } as const;

/**
 * The one name pipeline: what a user typed → the name that is claimed, proven, sent to Cloudflare and stored.
 * Idempotent; the result equals the input up to spelling or, for `www.<apex>`, is its registrable domain.
 */
export function canonicalName(input: string, policy: NamePolicy): CanonicalName {
  const spelled = readName(input);
  if (!spelled.ok) return spelled;
  const { ascii, unicode } = spelled;
  const { domain, publicSuffix, isIcann, isPrivate } = parse(ascii, WITH_PRIVATE_SUFFIXES);
  const exempt = covers(policy.allowedDomains, ascii);
  const reserved = SPECIAL_USE.find((suffix) => isAtOrBelow(ascii, suffix));
  if (reserved !== undefined && !exempt)
    return refusal("RESERVED_DOMAIN", `'.${reserved}' is not part of the public Internet: use a domain that you have registered`);
  if (domain === null || publicSuffix === null) {
    return refusal(
      "PUBLIC_SUFFIX",
      `'${ascii}' is a suffix under which many parties register names, not a domain of one of them: use a name below it`,
    );
  }
  if (!isIcann && !isPrivate && !exempt) return invalid(`'.${publicSuffix}' is not a known top-level domain: check the spelling`);
  const name = policy.foldWww ? withoutWww(ascii) : ascii;
  const refused = policyProblem(ascii, policy) ?? policyProblem(name, policy);
  if (refused !== undefined) return refused;
  const risk = exempt ? undefined : homographRisk(unicode);
  if (risk !== undefined) return refusal("HOMOGRAPH", `'${unicode}' (${ascii}) could be mistaken for another name: ${risk}`);
  const facts = heldName(name);
  return { ok: true, ...facts, wwwTwin: wwwTwinOf(facts, policy) };
}

/**
 * The facts of a name that is held, by which it goes on being served: no list, table or policy of today can refuse it. It has no
 * www twin but one that the caller knows of.
 */
export function heldName(name: string): HostnameFacts {
  // What has become a public suffix since was somebody's registrable domain, and the apex of a zone, all the same.
  const registrableDomain = registrableDomainOf(name) ?? parse(name, { extractHostname: false }).domain ?? name;
  return { name, unicode: unicodeOf(name), registrableDomain, isApex: name === registrableDomain, wwwTwin: undefined };
}

/** `www.<name>` for an apex that `policy` lets take its www along. */
export function wwwTwinOf({ name, isApex }: HostnameFacts, policy: NamePolicy): string | undefined {
  const twin = `www.${name}`;
  // `www.github.io` is somebody's apex, but `www.www.github.io` is nobody's wish.
  if (!isApex || !policy.foldWww || name.startsWith("www.")) return undefined;
  return policyProblem(twin, policy) === undefined ? twin : undefined;
}

/** The A-label names that `input` may be canonicalised to by one class or another, whatever their policies say of them. */
export function possibleNamesOf(input: string): readonly string[] {
  const spelled = readName(input);
  return spelled.ok ? [...new Set([spelled.ascii, withoutWww(spelled.ascii)])] : [];
}

/**
 * Whether somebody who typed `input` may be the one who holds `name` since earlier: by spelling and www alone, since what folds
 * www depends on lists that change.
 */
export function mayStandFor(input: string, name: string): boolean {
  const spelled = readName(input);
  return spelled.ok && (spelled.ascii === name || spelled.ascii === `www.${name}`);
}

/** The name that a registrar sells above `name` (an A-label name), or undefined for a public suffix. */
export function registrableDomainOf(name: string): string | undefined {
  return parse(name, WITH_PRIVATE_SUFFIXES).domain ?? undefined;
}

export function isAtOrBelow(name: string, ancestor: string): boolean {
  return name === ancestor || name.endsWith(`.${ancestor}`);
}

/** `www.<apex>` → `<apex>`; not where that is a www name itself, whose twin nobody would get. */
function withoutWww(ascii: string): string {
  const { domain, subdomain } = parse(ascii, WITH_PRIVATE_SUFFIXES);
  return domain !== null && subdomain === "www" && !domain.startsWith("www.") ? domain : ascii;
}

function policyProblem(ascii: string, policy: NamePolicy): NameRefusal | undefined {
  if (covers(policy.platformDomains, ascii))
    return refusal("RESERVED_DOMAIN", `'${ascii}' belongs to this platform: use a domain of your own`);
  if (covers(policy.reservedDomains, ascii))
    return refusal("RESERVED_DOMAIN", `'${ascii}' is reserved on this platform: use a domain of your own`);
  if (policy.refuseExampleDomains && covers(EXAMPLE_DOMAINS, ascii)) {
    return refusal("RESERVED_DOMAIN", `'${ascii}' is reserved for documentation: use a domain that you have registered`);
  }
  if (policy.allowedDomains.length > 0 && !covers(policy.allowedDomains, ascii))
    return refusal("RESERVED_DOMAIN", `'${ascii}' is not among the domains that this class accepts`, "DomainNotAllowed");
  return undefined;
}

function covers(ancestors: readonly string[], name: string): boolean {
  return ancestors.some((ancestor) => isAtOrBelow(name, listedName(ancestor)));
}
