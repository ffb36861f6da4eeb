import { z } from "zod";
import { type Rule, rule } from "./rules.ts";
import { choice, type Immutable, integer, keyedList, object, text, time } from "./schema.ts";

const conditionType: Rule = rule("self.matches('^[A-Za-z]([A-Za-z0-9]*[A-Za-z0-9])?$')", "must be a CamelCase condition type");
const conditionReason: Rule = rule("self.matches('^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$')", "must be a CamelCase reason");

/** metav1.Condition. The message is bounded tighter than there: 1,024 characters. */
export const conditionSchema = object("One aspect of the state, as every Kubernetes object reports it.", {
  type: text("What this condition is about, for example Ready.", { max: 64, rules: [conditionType] }),
  status: choice("Whether it holds; Unknown when nobody could tell yet.", ["True", "False", "Unknown"]),
  observedGeneration: integer("The metadata.generation that this was decided for.", 0, Number.MAX_SAFE_INTEGER).optional(),
  lastTransitionTime: time("When status last changed."),
  reason: text("A stable word for the cause, from the list in docs/reference/reasons.md.", {
    max: 128,
    rules: [conditionReason],
  }),
  message: z.string().max(1024).meta({ description: "A sentence for people: what is the matter, who must act, and what to do." }),
});

export type Condition = Immutable<z.output<typeof conditionSchema>>;
export type ConditionStatus = Condition["status"];

export const conditionsSchema = keyedList("What is known, one condition per aspect.", conditionSchema, 16, ["type"]);

/** The message bound of {@link conditionSchema}, in characters: a longer one would make the API server refuse the status. */
export const MAX_MESSAGE = 1024;

/**
 * Reconciling, Stalled and Paused are present only while they are True (kstatus); all others are present from the first write.
 */
export const ABNORMAL_CONDITIONS = ["Reconciling", "Stalled", "Paused"] as const;

export const CUSTOM_DOMAIN_CONDITIONS = [
  "Ready",
  "Claimed",
  "OwnershipVerified",
  "HostnameActive",
  "CertificateReady",
  "DNSConfigured",
  "Routed",
  "BillingSynced",
] as const;
export type CustomDomainConditionType = (typeof CUSTOM_DOMAIN_CONDITIONS)[number] | AbnormalConditionType;

export const CUSTOM_DOMAIN_CLASS_CONDITIONS = ["Ready", "CredentialsValid", "FallbackOriginActive", "ProofReliable"] as const;
export type CustomDomainClassConditionType = (typeof CUSTOM_DOMAIN_CLASS_CONDITIONS)[number] | AbnormalConditionType;

/** Synced is about the quantity at Chargebee; Ready adds that nothing waits for an admin. */
export const BILLING_ACCOUNT_CONDITIONS = ["Ready", "Synced"] as const;
export type BillingAccountConditionType = (typeof BILLING_ACCOUNT_CONDITIONS)[number] | AbnormalConditionType;

/** Programmed is about the rendered HTTPRoute. */
export const CUSTOM_DOMAIN_ROUTE_CONDITIONS = ["Ready", "Programmed"] as const;
export type CustomDomainRouteConditionType = (typeof CUSTOM_DOMAIN_ROUTE_CONDITIONS)[number] | AbnormalConditionType;

export type AbnormalConditionType = (typeof ABNORMAL_CONDITIONS)[number];
