import type { z } from "zod";
import { immutable } from "./rules.ts";
import { choice, type Immutable, integer, object, text } from "./schema.ts";

export const ownershipSchema = object("How owners prove that a name is theirs.", {
  issuer: text(
    "A name for this installation that goes into every TXT value, for example acme-production. It cannot change: every published record would be void.",
    { max: 253, rules: [immutable("every TXT record that owners have published contains it; create another class")] },
  ),
  proof: choice(
    "Required: the owner publishes our TXT record. ProviderOnly: Cloudflare's validation is enough, for a platform with one tenant.",
    ["Required", "ProviderOnly"],
  ).default("Required"),
  provision: choice(
    "WhenSafe creates the hostname before the proof when the name does not point here yet and nobody else wants it.",
    ["WhenSafe", "AfterProof"],
  ).default("WhenSafe"),
  gracePeriodHours: integer("How long a domain stays connected after its TXT record was lost.", 0, 8760).default(168),
  releaseCooldownHours: integer(
    "How long a released name rests before another tenant can take it without proof.",
    0,
    8760,
  ).default(168),
  unprovenExpiryDays: integer("How long a claim without proof is kept.", 1, 3650).default(30),
  recheckMinSeconds: integer("The least time between two checks that a user asks for.", 1, 3600).default(30),
});

export type OwnershipSettings = Immutable<z.output<typeof ownershipSchema>>;
