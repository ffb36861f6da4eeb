import type { z } from "zod";
import { addressAndPort, cidr, hostname, ipAddress } from "./hostname-rules.ts";
import { rule } from "./rules.ts";
import { choice, type Immutable, integer, list, object, text } from "./schema.ts";

const apexSchema = object(
  "What the owner of a registrable name such as acme.com publishes, where CNAME is not allowed.",
  {
    mode: choice(
      "Flattening: an ALIAS or flattened CNAME to target. StaticAddresses: A and AAAA records. Unsupported: the owner is told to use a subdomain.",
      ["Flattening", "StaticAddresses", "Unsupported"],
    ).default("Flattening"),
    addresses: list("The addresses for mode StaticAddresses.", text("An address.", { max: 45, rules: [ipAddress] }), {
      max: 8,
      type: "set",
    }).default([]),
  },
  [
    rule(
      "self.mode != 'StaticAddresses' || self.addresses.size() > 0",
      "must have addresses when mode is 'StaticAddresses': list the addresses that owners point their A and AAAA records to",
    ),
  ],
);

export const dnsSchema = object("What owners publish, and how DNS is asked.", {
  target: hostname("The name that owners point their CNAME to."),
  acceptedTargets: list("Further names that are right as well, for example an earlier target.", hostname("A name."), {
    max: 16,
    type: "set",
  }).default([]),
  apex: apexSchema.prefault({}),
  mode: choice("Authoritative asks the servers of the owner's zone, Recursive asks resolvers.", [
    "Authoritative",
    "Recursive",
  ]).default("Authoritative"),
  resolvers: list(
    "The resolvers to ask. Empty: those of the operator's own system.",
    text("address:port.", { max: 260, rules: [addressAndPort] }),
    {
      max: 8,
      type: "atomic",
    },
  ).default([]),
  nameserverPort: integer("The port of authoritative servers.", 1, 65_535).default(53),
  nameserverCIDRs: list(
    "Addresses of authoritative servers that may be asked although they are private.",
    text("An address block.", { max: 49, rules: [cidr] }),
    {
      max: 32,
      type: "set",
    },
  ).default([]),
});

export type DnsSettings = Immutable<z.output<typeof dnsSchema>>;
