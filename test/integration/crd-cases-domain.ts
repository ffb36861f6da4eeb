import { casesOf, conditionCases, type RefusalCase, says } from "./crd-cases.ts";

const { wrong, wrongItem, together, changed } = casesOf("CustomDomain");

const DOMAIN = "spec.domain";
const noAddress = "write the name whose DNS records you can edit";
const numericEnd = `must be a host name, not an IP address: the last part must not be a number; ${noAddress}`;
const emptyPart = "must not have an empty part between dots: write 'acme.com' instead of 'acme..com' or '.acme.com'";
const oneName = "must have at least two parts, such as 'acme.com': a top-level domain or a bare name cannot be connected";
const edgeHyphen = "must not have a part that begins or ends with '-': remove that '-'";
const otherCharacter = "must consist of letters, digits, '-' and '.', such as 'acme.com'";
const tooLong =
  "must be at most 228 characters long: DNS allows 253, and the ownership record '_customdomains-challenge.' goes in front";
const asURL = "must be a host name, not a URL: write 'acme.com' instead of 'https://acme.com'";
const withPath = "must not have a path, query or fragment: write only what stands before the first '/', '?' or '#'";
const inside = "must not have a space inside: write one host name, such as 'acme.com'";
const literal6 = `must be a host name, not an IP address: ${noAddress}`;
const empty = "must not be empty: write the name that visitors type, such as 'shop.acme.com'";
const sameName =
  "must not change, except for case and space around it: create another CustomDomain for the other name, and delete this one";

const label63 = "a".repeat(63);
/** 228 characters. */
const longest = `${label63}.${label63}.${label63}.${"b".repeat(32)}.com`;

export const domainNames: readonly RefusalCase[] = [
  wrong(DOMAIN, "", "acme.com", empty),
  wrong(DOMAIN, " \t ", "acme.com", empty),
  wrong(DOMAIN, "https://acme.com", "acme.com", asURL),
  wrong(DOMAIN, "HTTP://acme.com:8080/a?b", "acme.com", asURL),
  wrong(DOMAIN, "bob@acme.com", "acme.com", "must be a host name, not an e-mail address: write only what stands behind the '@'"),
  wrong(DOMAIN, "acme.com/path", "acme.com", withPath),
  wrong(DOMAIN, "acme.com?a=b", "acme.com", withPath),
  wrong(DOMAIN, "acme.com#top", "acme.com", withPath),
  wrong(DOMAIN, "acme.com:443", "acme.com", "must not have a port: write only what stands before the ':'"),
  wrong(DOMAIN, "2001:db8::1", "acme.com", literal6),
  wrong(DOMAIN, "[::1]:443", "acme.com", literal6),
  wrong(DOMAIN, "127.1", "acme.com", numericEnd),
  wrong(DOMAIN, "192.0.2.1", "acme.com", numericEnd),
  wrong(DOMAIN, "2130706433", "acme.com", numericEnd),
  wrong(DOMAIN, "acme.0x7f", "acme.com", numericEnd),
  wrong(
    DOMAIN,
    "*.acme.com",
    "a.acme.com",
    "must not be a wildcard: write one host name, and create a CustomDomain for each further one",
  ),
  wrong(
    DOMAIN,
    "my_shop.acme.com",
    "my-shop.acme.com",
    "must not have an underscore: host names have letters, digits and '-' only; '_' is for DNS record names",
  ),
  wrong(DOMAIN, "acme com", "acme.com", inside),
  wrong(DOMAIN, "acme\u00a0.com", "\u00a0acme.com\u00a0", inside),
  wrong(DOMAIN, "ac\u200bme.com", "acme.com", "must not have invisible characters: type the name instead of pasting it"),
  wrong(DOMAIN, "\ufeffacme.com", "acme.com", "must not have invisible characters: type the name instead of pasting it"),
  wrong(DOMAIN, "%41cme.com", "acme.com", otherCharacter),
  wrong(DOMAIN, "acme\u0000.com", "acme.com", otherCharacter),
  wrong(DOMAIN, "acme,com", "acme.com", otherCharacter),
  wrong(DOMAIN, "acme..com", "acme.com", emptyPart),
  wrong(DOMAIN, ".acme.com", "acme.com.", emptyPart),
  wrong(DOMAIN, "acme.com..", "acme.com.", emptyPart),
  wrong(DOMAIN, "com", "acme.com", oneName),
  wrong(DOMAIN, "localhost.", "acme。com", oneName),
  wrong(DOMAIN, "-a.com", "a.com", edgeHyphen),
  wrong(DOMAIN, "acme.a-", "a--b.com", edgeHyphen),
  wrong(
    DOMAIN,
    `a${label63}.com`,
    `${label63}.com`,
    "must not have a part of more than 63 characters between dots: DNS has no such names",
  ),
  wrong(DOMAIN, `b.${longest}`, longest, tooLong),
  wrong(DOMAIN, ` b.${longest}. `, `\n${longest}.\t`, tooLong),
];

export const customDomainCases: readonly RefusalCase[] = [
  ...domainNames,
  changed(DOMAIN, "Acme.com", "acme.net", " ACME.COM\n", sameName),
  changed(DOMAIN, "acme.com", "www.acme.com", "acme.com", sameName),
  wrong("spec.className", "Store Fronts", "store-fronts", says.objectName),
  together(
    "spec.ssl",
    { "spec.ssl": { minTLSVersion: "1.3", ciphers: ["AES128-SHA"] } },
    { "spec.ssl": { minTLSVersion: "1.2", ciphers: ["AES128-SHA"] } },
    says.ciphersWith13,
  ),
  wrongItem("spec.ssl.ciphers", "aes128-sha", "AES128-SHA", says.cipher),
  wrong("spec.origin.server", "https://origin.storelane.app", "origin.storelane.app", says.hostname),
  wrong("spec.origin.sni", ":host:", ":request_host_header:", "must be a lower-case host name, or ':request_host_header:'"),
  ...conditionCases("CustomDomain"),
];
