import type { z } from "zod";
import { hostname } from "./hostname-rules.ts";
import { type Rule, rule } from "./rules.ts";
import { choice, flag, type Immutable, list, object, text } from "./schema.ts";

const cipherName: Rule = rule(
  "self.matches('^[A-Z0-9-]+$')",
  "must be a BoringSSL cipher name, such as 'ECDHE-RSA-AES128-GCM-SHA256'",
);

const noCiphersWith13: Rule = rule(
  "!has(self.ciphers) || !has(self.minTLSVersion) || self.minTLSVersion != '1.3'",
  "must not have ciphers together with minTLSVersion '1.3': TLS 1.3 chooses its own; remove one of the two",
);

const method = choice("How the certificate authority checks control of the name: txt, http or email.", ["txt", "http", "email"]);
const minTLSVersion = choice("The oldest TLS version that the edge accepts from visitors.", ["1.0", "1.1", "1.2", "1.3"]);

const sharedFields = {
  certificateAuthority: choice(
    "The certificate authority. Absent: Cloudflare chooses. Cloudflare allows a choice on Enterprise plans only.",
    ["google", "lets_encrypt", "ssl_com"],
  ).optional(),
  http2: flag("Whether the edge offers HTTP/2. Absent: as Cloudflare does.").optional(),
  tls13: flag("Whether the edge offers TLS 1.3. Absent: as Cloudflare does.").optional(),
  earlyHints: flag("Whether the edge sends Early Hints. Absent: as Cloudflare does.").optional(),
  ciphers: list(
    "The cipher suites that the edge offers up to TLS 1.2, best first. Absent: as Cloudflare does.",
    text("A BoringSSL cipher name.", { max: 64, rules: [cipherName] }),
    { max: 32, type: "atomic" },
  ).optional(),
};

/** For a class, where what is needed has a default. */
export const classSSLSchema = object(
  "The certificate and TLS settings of every domain of the class.",
  { method: method.default("txt"), minTLSVersion: minTLSVersion.default("1.2"), ...sharedFields },
  [noCiphersWith13],
);

/** For a domain, where an absent member means the class's. */
export const domainSSLSchema = object(
  "Certificate and TLS settings that differ from the class. Only those that the class lists in policy.overridableSSLFields.",
  { method: method.optional(), minTLSVersion: minTLSVersion.optional(), ...sharedFields },
  [noCiphersWith13],
);

export const SSL_FIELDS = ["method", "certificateAuthority", "minTLSVersion", "http2", "tls13", "earlyHints", "ciphers"] as const;

export type ClassSSLSettings = Immutable<z.output<typeof classSSLSchema>>;
export type DomainSSLSettings = Immutable<z.output<typeof domainSSLSchema>>;

const sniName: Rule = rule(
  "self == ':request_host_header:' || !format.dns1123Subdomain().validate(self).hasValue()",
  "must be a lower-case host name, or ':request_host_header:'",
);

export const originSchema = object("The server behind this domain, when it is not the zone's fallback origin.", {
  server: hostname(
    "The host name that Cloudflare forwards to (custom_origin_server). Must be in the class's policy.allowedOrigins.",
  ).optional(),
  sni: text("The name that Cloudflare asks the origin's certificate for (custom_origin_sni). Enterprise plans only.", {
    max: 253,
    rules: [sniName],
  }).optional(),
});

export type Origin = Immutable<z.output<typeof originSchema>>;
