import type { z } from "zod";
import { hostname, httpURL } from "./hostname-rules.ts";
import { immutable, type Rule, rule } from "./rules.ts";
import { choice, flag, type Immutable, integer, object, text } from "./schema.ts";
import { secretKeyRef } from "./secret-key-ref.ts";
import { classSSLSchema } from "./ssl-settings.ts";

const zoneID: Rule = rule(
  "self.matches('^[0-9a-f]{32}$')",
  "must be a Cloudflare zone id: 32 hexadecimal digits, lower case, from the zone's overview page",
);

export const cloudflareSchema = object("The Cloudflare zone whose custom hostnames serve the domains.", {
  zoneID: text("The zone's id. It cannot change. One zone belongs to one installation of this operator.", {
    max: 64,
    rules: [zoneID, immutable("its hostnames exist in this zone; create another class")],
  }),
  apiTokenSecretRef: secretKeyRef(
    "An API token with permission SSL and Certificates: Edit on the zone, in the operator's namespace.",
  ),
  apiURL: text("The base URL of the API.", { max: 512, rules: [httpURL] }).default("https://api.cloudflare.com/client/v4"),
  ssl: classSSLSchema.prefault({}),
  adoption: choice(
    "What to do with a custom hostname that exists already. IfMatching takes it over when it has the same origin and belongs to nobody else.",
    ["IfMatching", "Never", "Always"],
  ).default("IfMatching"),
  rollout: choice("Existing brings a change of ssl to all hostnames, NewOnly to those created later.", [
    "NewOnly",
    "Existing",
  ]).default("NewOnly"),
  fallbackOrigin: hostname("The zone's fallback origin. It is compared, never written.").optional(),
  requestsPer5Minutes: integer(
    "The most requests with this token in 5 minutes. Cloudflare allows 1200 to all users of it.",
    1,
    100_000,
  ).default(1000),
  createsPerMinute: integer(
    "The most custom hostnames created per minute. Cloudflare issues 15 certificates per minute.",
    1,
    10_000,
  ).default(15),
  pageSize: integer("Hostnames per page when the zone is listed.", 5, 1000).default(1000),
  snapshotSeconds: integer("The least time between two lists of the zone.", 1, 3600).default(15),
  autoRestartValidation: flag("Whether Cloudflare is asked to validate again when DNS is right after it gave up.").default(true),
});

export type CloudflareSettings = Immutable<z.output<typeof cloudflareSchema>>;
