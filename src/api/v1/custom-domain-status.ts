import type { z } from "zod";
import { conditionsSchema } from "./conditions.ts";
import { choice, flag, type Immutable, integer, list, object, text, time } from "./schema.ts";

/** Never refused for being empty: a status that cannot be written helps nobody. */
const observed = (description: string, max: number) => text(description, { min: 0, max });
const sentence = (description: string) => observed(description, 1024);
const millisecondsOf = (part: string) => integer(`Milliseconds that ${part} took.`, 0, 3_600_000).optional();

/** What the customer must still publish. */
export const verificationRecordSchema = object("A DNS record that the owner must publish.", {
  type: choice("The record type.", ["TXT", "CNAME", "A", "AAAA", "CAA"]),
  name: observed("The full name of the record, without final dot.", 253),
  value: observed("The value, exactly as it must be published.", 1024),
  purpose: choice("Ownership proves who owns the name, Routing brings visitors, Certificate prepares the certificate.", [
    "Ownership",
    "Routing",
    "Certificate",
  ]),
  required: flag("false: the domain goes live without it; it only makes the certificate ready before the switch, or serves www."),
  reason: sentence("Why it is needed and what is there now."),
});

/** One row of the desired-versus-discovered table. */
export const dnsRecordSchema = object("What one DNS record should be and what was found.", {
  type: choice("The record type.", ["TXT", "CNAME", "A", "AAAA", "CAA"]),
  name: observed("The full name of the record, without final dot.", 253),
  desired: list("The values, any one of which is right. Empty: no such record should exist.", observed("A value.", 1024), {
    max: 4,
    type: "atomic",
  }),
  found: list(
    "The values that DNS has, canonicalised; a TXT value of a stranger is cut or counted.",
    observed("A value.", 1024),
    {
      max: 8,
      type: "atomic",
    },
  ),
  state: choice("How desired and found compare. Unknown: DNS could not be asked.", [
    "Ok",
    "Missing",
    "Mismatch",
    "Extra",
    "Unknown",
  ]),
  action: choice("What the owner must do with this record.", ["None", "Add", "Change", "Remove"]),
  purpose: choice("What the record is for.", ["Ownership", "Routing", "Certificate"]),
  reason: observed("The reason word when state is not Ok, or when there is something to know about how it is.", 128).optional(),
  message: sentence("What to do, or what there is to know, in a sentence.").optional(),
});

export const hostnameRowSchema = object("A custom hostname at Cloudflare.", {
  hostname: observed("The host name, as A-label.", 253),
  role: choice("Primary serves the domain, Redirect answers 308 to it.", ["Primary", "Redirect"]),
  zoneID: observed("The Cloudflare zone that holds it.", 64),
  cloudflareID: observed("The id of the custom hostname.", 64).optional(),
  status: observed("Cloudflare's word for the hostname, untouched, for example pending, active or moved.", 64).optional(),
  sslStatus: text("Cloudflare's word for the certificate, untouched, for example pending_validation or active.", {
    max: 64,
  }).optional(),
  errors: list("What Cloudflare says is wrong.", observed("An error of Cloudflare.", 512), { max: 8, type: "atomic" }),
  certificateExpiresAt: time("When the first of its certificates expires.").optional(),
});

export const checkResultSchema = object("The last request that was sent through the domain, as a visitor would.", {
  found: flag("Whether the answer came from this platform."),
  sslValid: flag(
    "Whether the certificate is trusted, names the domain and is in date. Absent: no handshake took place.",
  ).optional(),
  httpStatus: integer("The HTTP status of the answer. Absent: there was none.", 100, 999).optional(),
  sslError: sentence("What is wrong with TLS.").optional(),
  responseTimeMs: integer("Milliseconds from the DNS query to the end of the answer.", 0, 3_600_000).optional(),
  errorMessage: sentence("Why the domain does not answer as it should.").optional(),
  checkTimestamp: time("When the request was sent."),
  timings: object("Where the time went.", {
    dnsMs: millisecondsOf("the DNS query"),
    tcpMs: millisecondsOf("the connection"),
    tlsMs: millisecondsOf("the TLS handshake"),
    httpMs: millisecondsOf("the request and its answer"),
  }).optional(),
});

export const pendingRequestSchema = object("Something that was asked for by annotation and has to wait.", {
  annotation: observed("The annotation.", 317),
  token: observed("Its value.", 256),
  notBefore: time("When it is done, or its turn comes."),
  reason: observed("Why it waits.", 128),
  message: sentence("Why it waits, in a sentence."),
});

export const customDomainStatusSchema = object("What was found, and what the owner must still do.", {
  observedGeneration: integer("The metadata.generation that this status is about.", 0, Number.MAX_SAFE_INTEGER).optional(),
  id: observed("The stable id of the domain, the same in the HTTP APIs.", 63).optional(),
  domain: observed("The canonical name: lower-case A-label, www folded.", 253).optional(),
  unicodeDomain: observed("The same name in its own script, when that differs.", 253).optional(),
  className: observed("The class that serves the domain, pinned by the claim.", 253).optional(),
  verified: flag("Whether the domain has gone live and not been lost since.").optional(),
  verifiedAt: time("When the domain went live.").optional(),
  lastCheckedAt: time("When DNS and the domain were last looked at.").optional(),
  nextCheckAt: time("When they will be looked at next.").optional(),
  checkError: sentence("Why the last check failed. Absent when it succeeded.").optional(),
  verificationRecords: list(
    "The records that the owner must still publish. Empty once the domain has gone live.",
    verificationRecordSchema,
    {
      max: 32,
      type: "atomic",
    },
  ).optional(),
  dnsRecords: list("Every record that matters, desired beside found. It stays after the domain went live.", dnsRecordSchema, {
    max: 32,
    type: "atomic",
  }).optional(),
  hostnames: list("The custom hostnames at Cloudflare.", hostnameRowSchema, { max: 4, type: "atomic" }).optional(),
  check: checkResultSchema.optional(),
  lastHandledRecheck: observed("The last value of annotation customdomains.dev/recheck that was acted on.", 256).optional(),
  lastHandledRevalidate: text("The last value of annotation customdomains.dev/revalidate that was acted on.", {
    max: 256,
  }).optional(),
  lastRevalidatedAt: time("When Cloudflare was last asked to restart its validation.").optional(),
  pendingRequests: list("What was asked for by annotation and has to wait. Absent: nothing waits.", pendingRequestSchema, {
    max: 4,
    type: "atomic",
  }).optional(),
  failures: object("Errors of this domain alone since its last success.", {
    count: integer("How many in a row.", 0, 2_147_483_647),
    since: time("When the first of them happened."),
  }).optional(),
  schedule: object("Where the domain stands in the schedule of checks.", {
    since: time("What the intervals count from: creation, change of spec, or change seen in DNS."),
  }).optional(),
  conditions: conditionsSchema.optional(),
});

export type VerificationRecord = Immutable<z.output<typeof verificationRecordSchema>>;
export type DnsRecordRow = Immutable<z.output<typeof dnsRecordSchema>>;
export type PendingRequest = Immutable<z.output<typeof pendingRequestSchema>>;
export type HostnameRow = Immutable<z.output<typeof hostnameRowSchema>>;
export type CheckResult = Immutable<z.output<typeof checkResultSchema>>;
export type CustomDomainStatus = Immutable<z.output<typeof customDomainStatusSchema>>;
