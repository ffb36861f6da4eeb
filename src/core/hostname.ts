import { isIP } from "node:net";
import { parse } from "tldts";
import { toASCII, toUnicode } from "tr46";
import { homographRisk } from "./homograph.ts";

/** What one class lets its domains be called. Entries are names; each covers itself and everything below. */
export interface NamePolicy {
  /** The platform's own zone, CNAME target, fallback origin and UI hosts. */
  readonly platformDomains: readonly string[];
  readonly reservedDomains: readonly string[];
  /** When not empty, nothing else is accepted. An entry also lifts the refusal of suffixes that the public does not know. */
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

export type NameCode = "INVALID_DOMAIN" | "PUBLIC_SUFFIX" | "RESERVED_DOMAIN" | "IP_ADDRESS" | "HOMOGRAPH";

interface Refusal {
  readonly ok: false;
  readonly code: NameCode;
  readonly message: string;
}

export type CanonicalName = ({ readonly ok: true } & HostnameFacts) | Refusal;

/** DNS's 253 less `_customdomains-challenge.`, the longest name that is put in front. */
export const MAX_NAME_LENGTH = 253 - "_customdomains-challenge.".length;

const MAX_INPUT_LENGTH = 1024;

/** RFC 6761, 6762, 7686, 8375, 9476 and ICANN's `internal`: no public CA or resolver serves them. */
const SPECIAL_USE = ["test", "example", "invalid", "localhost", "local", "internal", "onion", "alt", "arpa"] as const;
const EXAMPLE_DOMAINS = ["example.com", "example.net", "example.org"] as const;

const IDNA = {
  useSTD3ASCIIRules: true,
  verifyDNSLength: true,
  checkBidi: true,
  checkJoiners: true,
  checkHyphens: false,
  transitionalProcessing: false,
} as const;

/** Full stops of UTS #46 besides the ASCII one. */
const OTHER_DOTS = /[\u3002\uff0e\uff61]/g;
/** Everything that leaves no mark on the screen; refused, since dropping it would turn one name into another. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
const SURROUNDING_SPACE = /^[\s--\uFEFF]+|[\s--\uFEFF]+$/gv;

/**
 * The one name pipeline: what a user typed → the name that is claimed, proven, sent to Cloudflare and stored.
 * Idempotent; the result equals the input up to spelling or, for `www.<apex>`, is its registrable domain.
 */
export function canonicalName(input: string, policy: NamePolicy): CanonicalName {
  const typed = input
    .slice(0, MAX_INPUT_LENGTH + 1)
    .replace(SURROUNDING_SPACE, "")
    .normalize("NFC");
  const misspelt = spellingProblem(input, typed);
  if (misspelt !== undefined) return misspelt;
  const dotted = typed.replace(OTHER_DOTS, ".").replace(/\.$/, "");
  const ascii = toASCII(dotted, IDNA);
  if (ascii === null) return invalid(idnaProblem(dotted));
  const { domain: unicode } = toUnicode(ascii, IDNA);
  const malformed = shapeProblem(ascii, unicode);
  if (malformed !== undefined) return malformed;
  const { domain, subdomain, publicSuffix, isIcann, isPrivate } = parse(ascii, {
    allowPrivateDomains: true,
    extractHostname: false,
  });
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
  const name = policy.foldWww && subdomain === "www" ? domain : ascii;
  const refused = policyProblem(ascii, policy) ?? policyProblem(name, policy);
  if (refused !== undefined) return refused;
  const risk = homographRisk(unicode);
  if (risk !== undefined) return refusal("HOMOGRAPH", `'${unicode}' (${ascii}) could be mistaken for another name: ${risk}`);
  return { ok: true, name, unicode: toUnicode(name, IDNA).domain, ...apexFacts(name, domain, policy) };
}

/** The name that a registrar sells above `name` (an A-label name), or undefined for a public suffix. */
export function registrableDomainOf(name: string): string | undefined {
  return parse(name, { allowPrivateDomains: true, extractHostname: false }).domain ?? undefined;
}

export function isAtOrBelow(name: string, ancestor: string): boolean {
  return name === ancestor || name.endsWith(`.${ancestor}`);
}

function apexFacts(
  name: string,
  registrableDomain: string,
  policy: NamePolicy,
): Pick<HostnameFacts, "registrableDomain" | "isApex" | "wwwTwin"> {
  const isApex = name === registrableDomain;
  const twin = `www.${name}`;
  // `www.github.io` is somebody's apex, but `www.www.github.io` is nobody's wish.
  const paired = isApex && policy.foldWww && !name.startsWith("www.") && policyProblem(twin, policy) === undefined;
  return { registrableDomain, isApex, wwwTwin: paired ? twin : undefined };
}

function spellingProblem(input: string, typed: string): Refusal | undefined {
  if (input.length > MAX_INPUT_LENGTH) return invalid("the name is far too long");
  if (typed === "") return invalid("the name is empty: write the name that visitors type, such as 'shop.acme.com'");
  if (INVISIBLE.test(typed)) return invalid("the name has invisible characters: type it instead of pasting it");
  if (/\p{Cc}/u.test(typed)) return invalid("the name has control characters: type it instead of pasting it");
  if (isIP(typed.replace(/^\[|\]$/g, "")) !== 0) return ipAddress();
  if (typed.includes("://")) return invalid("the name is a URL: write 'acme.com' instead of 'https://acme.com'");
  if (typed.includes("@")) return invalid("the name is an e-mail address: write only what stands behind the '@'");
  if (/[/\\?#]/.test(typed)) return invalid("the name has a path, query or fragment: write only what stands before it");
  if (typed.includes(":")) return invalid("the name has a port: write only what stands before the ':'");
  if (typed.includes("%")) return invalid("the name has '%' escapes: write the characters themselves");
  if (typed.includes("*")) return invalid("wildcards are not supported: write one host name");
  if (typed.includes("_")) return invalid("host names have letters, digits and '-' only; '_' is for DNS record names");
  if (/\s/.test(typed)) return invalid("the name has a space inside: write one host name");
  return undefined;
}

function shapeProblem(ascii: string, unicode: string): Refusal | undefined {
  const labels = ascii.split(".");
  // WHATWG URL, and with it every HTTP client, takes a name that ends in a number for an IPv4 address.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return ipAddress();
  if (INVISIBLE.test(unicode) || toASCII(unicode, IDNA) !== ascii)
    return invalid("an 'xn--' part of the name is not valid Punycode for a visible name");
  if (labels.some((label) => label.startsWith("-") || label.endsWith("-")))
    return invalid("a part of the name begins or ends with '-'");
  if (labels.length < 2 && parse(ascii, { extractHostname: false }).isIcann !== true) {
    return invalid("the name has only one part: write it with its top-level domain, such as 'acme.com'");
  }
  if (ascii.length > MAX_NAME_LENGTH) {
    return invalid(
      `the name is ${ascii.length} characters long in DNS; at most ${MAX_NAME_LENGTH} leave room for the ownership record in front of it`,
    );
  }
  return undefined;
}

/** tr46 only says that a name is wrong; this finds the sentence. */
function idnaProblem(dotted: string): string {
  if (/^\.|\.\.|\.$|^$/.test(dotted)) return "the name has an empty part between dots";
  const labels = dotted.split(".");
  const wrong = labels.find((label) => toASCII(label, IDNA) === null);
  if (wrong === undefined) return "the name is longer than DNS allows, or mixes writing directions";
  const character = [...wrong].find((each) => toASCII(`a${each}a`, { ...IDNA, checkBidi: false, checkJoiners: false }) === null);
  if (character !== undefined) return `the character '${character}' cannot stand in a host name`;
  if (/^xn--/i.test(wrong)) return "an 'xn--' part of the name is not valid Punycode";
  if ((toASCII(wrong, { ...IDNA, verifyDNSLength: false }) ?? "").length > 63)
    return "a part of the name is longer than the 63 characters that DNS allows";
  return `'${wrong}' is not a valid part of a host name`;
}

function policyProblem(ascii: string, policy: NamePolicy): Refusal | undefined {
  if (covers(policy.platformDomains, ascii))
    return refusal("RESERVED_DOMAIN", `'${ascii}' belongs to this platform: use a domain of your own`);
  if (covers(policy.reservedDomains, ascii))
    return refusal("RESERVED_DOMAIN", `'${ascii}' is reserved on this platform: use a domain of your own`);
  if (policy.refuseExampleDomains && covers(EXAMPLE_DOMAINS, ascii)) {
    return refusal("RESERVED_DOMAIN", `'${ascii}' is reserved for documentation: use a domain that you have registered`);
  }
  if (policy.allowedDomains.length > 0 && !covers(policy.allowedDomains, ascii))
    return refusal("RESERVED_DOMAIN", `'${ascii}' is not among the domains that this class accepts`);
  return undefined;
}

function covers(ancestors: readonly string[], name: string): boolean {
  return ancestors.some((ancestor) => isAtOrBelow(name, toASCII(ancestor.replace(/^\*?\.|\.$/g, "")) ?? ancestor));
}

function ipAddress(): Refusal {
  return refusal("IP_ADDRESS", "an IP address cannot be connected: use a name whose DNS records you can edit");
}

function invalid(message: string): Refusal {
  return refusal("INVALID_DOMAIN", message);
}

function refusal(code: NameCode, message: string): Refusal {
  return { ok: false, code, message };
}
