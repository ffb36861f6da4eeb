import { z } from "zod";
import { hostname } from "./hostname-rules.ts";
import { rule } from "./rules.ts";
import { choice, flag, type Immutable, integer, list, object, text } from "./schema.ts";
import { SSL_FIELDS } from "./ssl-settings.ts";

const labelKey = (description: string) => text(description, { max: 317 });
const labelValue = z.string().max(63);

const requirementSchema = object(
  "A condition on a label.",
  {
    key: labelKey("The label."),
    operator: choice("How the label compares with values.", ["In", "NotIn", "Exists", "DoesNotExist"]),
    values: list("The values for In and NotIn.", labelValue, { max: 64, type: "atomic" }).optional(),
  },
  [
    rule(
      "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
      "must have values for operator 'In' and 'NotIn', and none for 'Exists' and 'DoesNotExist'",
    ),
  ],
);

/** metav1.LabelSelector, bounded. */
export const labelSelectorSchema = object(
  "Selects by labels; all conditions must hold, and an empty selector selects everything.",
  {
    matchLabels: z.record(z.string(), labelValue).meta({ description: "Labels and their values.", maxProperties: 32 }).optional(),
    matchExpressions: list("Conditions on labels.", requirementSchema, { max: 16, type: "atomic" }).optional(),
  },
);

const domains = (description: string) =>
  list(description, hostname("A name, which stands for its subdomains as well."), { max: 256, type: "set" }).default([]);

export const policySchema = object("What tenants may ask for.", {
  reservedDomains: domains("Names that nobody may connect, nor any subdomain of them."),
  allowedDomains: domains(
    "When not empty, only these names and their subdomains may be connected; it also admits suffixes that are not public, such as test.",
  ),
  allowedOrigins: list(
    "The values that origin.server and origin.sni of a CustomDomain may have.",
    text("A host name.", { max: 253 }),
    { max: 64, type: "set" },
  ).default([]),
  overridableSSLFields: list("The members of ssl that a CustomDomain may set.", choice("A member of ssl.", SSL_FIELDS), {
    max: SSL_FIELDS.length,
    type: "set",
  }).default(["minTLSVersion"]),
  allowRetain: flag("Whether deletionPolicy Retain is honoured.").default(false),
  allowedNamespaces: labelSelectorSchema.optional(),
  maxDomainsPerNamespace: integer("The most domains that a namespace may claim in this class.", 0, 1_000_000).default(100),
});

export type LabelSelector = Immutable<z.output<typeof labelSelectorSchema>>;
export type PolicySettings = Immutable<z.output<typeof policySchema>>;
