import { firstFailure, type Rule, rule, type Test } from "./rules.ts";
import { text } from "./schema.ts";

/** A lower-case A-label name of one or more labels, as an operator of the platform writes it. */
export function hostname(description: string) {
  return text(description, { max: 253, rules: [lowerCaseHostname] });
}

/** The name of another Kubernetes object; what may stand in its URL. */
export function objectName(description: string, further: readonly Rule[] = []) {
  return text(description, { max: 253, rules: [kubernetesName, ...further] });
}

const lowerCaseHostname: Rule = rule(
  "!format.dns1123Subdomain().validate(self).hasValue()",
  "must be a lower-case host name without scheme, port or final dot, such as 'edge.example.net'",
);

const kubernetesName: Rule = rule(
  "!format.dns1123Subdomain().validate(self).hasValue()",
  "must be the name of a Kubernetes object: lower-case letters, digits, '-' and '.'",
);

export const ipAddress: Rule = rule(
  "isIP(self)",
  "must be an IPv4 or IPv6 address without prefix length, such as '198.51.100.10'",
);

export const cidr: Rule = rule("isCIDR(self)", "must be an address block such as '198.51.100.0/24' or '2001:db8::/32'");

/** An address, not a name: there is no resolver yet to ask for it. */
export const addressAndPort: Rule = rule(
  "self.matches('^([0-9.]+|\\\\[[0-9A-Fa-f:.]+\\\\]):[0-9]{1,5}$') && isIP(self.matches('^[[]') ? self.substring(1, self.indexOf(']')) : self.substring(0, self.indexOf(':')))",
  "must be the address and port of a resolver, such as '10.96.0.10:53' or '[2001:db8::53]:53'",
);

export const httpURL: Rule = rule(
  "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.matches('[@?#]') && !self.endsWith('/')",
  "must be an http or https URL without user, query, fragment or final '/', such as 'https://api.cloudflare.com/client/v4'",
);

/** Up to the trimmed name: `_customdomains-challenge.` (25) in front of it must still fit DNS's 253. */
const MAX_DOMAIN = 228;

/** Dots as UTS #46 knows them: the name pipeline maps the three others to the first. */
const DOT = ".\\u3002\\uff0e\\uff61";
const TRIMMED = "self.trim().lowerAscii()";

function lacks(pattern: string, message: string): Test {
  return { holds: `!${TRIMMED}.matches('${pattern}')`, message };
}

const domainTests: readonly Test[] = [
  { holds: `${TRIMMED} != ''`, message: "must not be empty: write the name that visitors type, such as 'shop.acme.com'" },
  lacks("://", "must be a host name, not a URL: write 'acme.com' instead of 'https://acme.com'"),
  lacks("@", "must be a host name, not an e-mail address: write only what stands behind the '@'"),
  lacks("[/?#]", "must not have a path, query or fragment: write only what stands before the first '/', '?' or '#'"),
  lacks("^\\\\[?[0-9a-f]*:[0-9a-f:.]*:", "must be a host name, not an IP address: write the name whose DNS records you can edit"),
  lacks(":", "must not have a port: write only what stands before the ':'"),
  lacks("[*]", "must not be a wildcard: write one host name, and create a CustomDomain for each further one"),
  lacks("_", "must not have an underscore: host names have letters, digits and '-' only; '_' is for DNS record names"),
  lacks("[\\\\s\\\\p{Z}]", "must not have a space inside: write one host name, such as 'acme.com'"),
  lacks("\\\\p{Cf}", "must not have invisible characters: type the name instead of pasting it"),
  lacks(
    "[\\\\x00-\\\\x2c\\\\x2f\\\\x3a-\\\\x60\\\\x7b-\\\\x7f]",
    "must consist of letters, digits, '-' and '.', such as 'acme.com'",
  ),
  lacks(
    `^[${DOT}]|[${DOT}][${DOT}]`,
    "must not have an empty part between dots: write 'acme.com' instead of 'acme..com' or '.acme.com'",
  ),
  lacks(
    `(^|[${DOT}])([0-9]+|0x[0-9a-f]*)[${DOT}]?$`,
    "must be a host name, not an IP address: the last part must not be a number; write the name whose DNS records you can edit",
  ),
  {
    holds: `${TRIMMED}.matches('[^${DOT}][${DOT}][^${DOT}]')`,
    message: "must have at least two parts, such as 'acme.com': a top-level domain or a bare name cannot be connected",
  },
  lacks(`(^|[${DOT}])-|-([${DOT}]|$)`, "must not have a part that begins or ends with '-': remove that '-'"),
  lacks(`[^${DOT}]{64}`, "must not have a part of more than 63 characters between dots: DNS has no such names"),
  {
    holds: `${TRIMMED}.size() <= ${MAX_DOMAIN} || ${TRIMMED}.matches('^.{${MAX_DOMAIN}}[${DOT}]$')`,
    message: `must be at most ${MAX_DOMAIN} characters long: DNS allows 253, and the ownership record '_customdomains-challenge.' goes in front`,
  },
];

/** What a schema can say of the name pipeline; the rest (public suffixes, IDNA) is told by conditions. */
export const domainShape: Rule = firstFailure("must be a host name such as 'acme.com'", domainTests);
