import { isIP } from "node:net";
import { parse } from "tldts";
import { toASCII, toUnicode } from "tr46";

export type NameCode = "INVALID_DOMAIN" | "PUBLIC_SUFFIX" | "RESERVED_DOMAIN" | "IP_ADDRESS" | "HOMOGRAPH";

/** Which of the reasons that a condition can have says best what is wrong with the name. */
export type NameReason = "InvalidDomain" | "DomainNotAllowed" | "NameTooLong";

export interface NameRefusal {
  readonly ok: false;
  readonly code: NameCode;
  readonly reason: NameReason;
  readonly message: string;
}

/** A name as DNS has it, with nothing said yet about who may use it. */
export interface SpelledName {
  readonly ok: true;
  readonly ascii: string;
  readonly unicode: string;
}

/** DNS's 253 less `_customdomains-challenge.`, the longest name that is put in front. */
export const MAX_NAME_LENGTH = 253 - "_customdomains-challenge.".length;

const MAX_INPUT_LENGTH = 1024;

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
/** IDNA 2008: letters, marks and digits, and the few signs that are letters in their own language. */
const NO_LETTER_OR_DIGIT = /[^\p{L}\p{M}\p{Nd}.\-\u00b7\u0375\u05f3\u05f4\u3007\u30fb]/u;

/** What was typed → the name in DNS. Rules that stand in no list of anybody: the same answer for ever. */
export function readName(input: string): SpelledName | NameRefusal {
  const typed = input
    .slice(0, MAX_INPUT_LENGTH + 1)
    .replace(SURROUNDING_SPACE, "")
    .normalize("NFC");
  const misspelt = spellingProblem(input, typed);
  if (misspelt !== undefined) return misspelt;
  const dotted = typed.replace(OTHER_DOTS, ".").replace(/\.$/, "");
  const ascii = toASCII(dotted, IDNA);
  if (ascii === null) return idnaProblem(dotted);
  const unicode = unicodeOf(ascii);
  return shapeProblem(ascii, unicode) ?? { ok: true, ascii, unicode };
}

/** The same name for people to read. */
export function unicodeOf(ascii: string): string {
  return toUnicode(ascii, IDNA).domain;
}

/** An entry of a list of names, which may be written with a wildcard or dots around it. */
export function listedName(entry: string): string {
  return toASCII(entry.replace(/^\*?\.|\.$/g, "")) ?? entry;
}

export function refusal(code: NameCode, message: string, reason: NameReason = "InvalidDomain"): NameRefusal {
  return { ok: false, code, reason, message };
}

export function invalid(message: string): NameRefusal {
  return refusal("INVALID_DOMAIN", message);
}

function spellingProblem(input: string, typed: string): NameRefusal | undefined {
  if (input.length > MAX_INPUT_LENGTH) return tooLong("the name is far too long");
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

function shapeProblem(ascii: string, unicode: string): NameRefusal | undefined {
  const labels = ascii.split(".");
  // WHATWG URL, and with it every HTTP client, takes a name that ends in a number for an IPv4 address.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return ipAddress();
  if (INVISIBLE.test(unicode) || toASCII(unicode, IDNA) !== ascii)
    return invalid("an 'xn--' part of the name is not valid Punycode for a visible name");
  // UTS #46 lets signs through that look like '/' or '.'; no registry sells them.
  const sign = NO_LETTER_OR_DIGIT.exec(unicode)?.[0];
  if (sign !== undefined) return invalid(`the character '${sign}' cannot stand in a host name`);
  if (labels.some((label) => label.startsWith("-") || label.endsWith("-")))
    return invalid("a part of the name begins or ends with '-'");
  if (labels.length < 2 && parse(ascii, { extractHostname: false }).isIcann !== true) {
    return invalid("the name has only one part: write it with its top-level domain, such as 'acme.com'");
  }
  if (ascii.length <= MAX_NAME_LENGTH) return undefined;
  return tooLong(
    `the name is ${ascii.length} characters long in DNS; at most ${MAX_NAME_LENGTH} leave room for the ownership record in front of it`,
  );
}

/** tr46 only says that a name is wrong; this finds the sentence. */
function idnaProblem(dotted: string): NameRefusal {
  if (/^\.|\.\.|\.$|^$/.test(dotted)) return invalid("the name has an empty part between dots");
  const wrong = dotted.split(".").find((label) => toASCII(label, IDNA) === null);
  if (wrong === undefined) {
    const fits = toASCII(dotted, { ...IDNA, verifyDNSLength: false }) === null;
    return fits ? invalid("the name mixes writing directions") : tooLong("the name is longer than DNS allows");
  }
  const character = [...wrong].find((each) => toASCII(`a${each}a`, { ...IDNA, checkBidi: false, checkJoiners: false }) === null);
  if (character !== undefined) return invalid(`the character '${character}' cannot stand in a host name`);
  if (/^xn--/i.test(wrong)) return invalid("an 'xn--' part of the name is not valid Punycode");
  if ((toASCII(wrong, { ...IDNA, verifyDNSLength: false }) ?? "").length > 63)
    return tooLong("a part of the name is longer than the 63 characters that DNS allows");
  return invalid(`'${wrong}' is not a valid part of a host name`);
}

function tooLong(message: string): NameRefusal {
  return refusal("INVALID_DOMAIN", message, "NameTooLong");
}

function ipAddress(): NameRefusal {
  return refusal("IP_ADDRESS", "an IP address cannot be connected: use a name whose DNS records you can edit");
}
