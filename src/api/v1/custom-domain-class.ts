import type { z } from "zod";
import type { KubeObject } from "../../kube/objects.ts";
import { billingSchema } from "./chargebee-settings.ts";
import { checkSchema } from "./check-settings.ts";
import { cloudflareSchema } from "./cloudflare-settings.ts";
import { conditionsSchema } from "./conditions.ts";
import { dnsSchema } from "./dns-settings.ts";
import { objectName } from "./hostname-rules.ts";
import { ownershipSchema } from "./ownership-settings.ts";
import { policySchema } from "./policy-settings.ts";
import { flag, type Immutable, integer, object } from "./schema.ts";

const gatewaySchema = object("The Gateway that CustomDomainRoutes are attached to. Absent: routes are not rendered.", {
  parentRef: object("The Gateway.", {
    name: objectName("The name of the Gateway."),
    namespace: objectName("The namespace of the Gateway."),
    sectionName: objectName("The listener of the Gateway. Absent: all of them.").optional(),
  }),
});

export const customDomainClassSpecSchema = object("How the domains of the class are served, checked and billed.", {
  default: flag("true: CustomDomains without className use this class. At most one class may say so.").default(false),
  cloudflare: cloudflareSchema,
  dns: dnsSchema,
  ownership: ownershipSchema,
  check: checkSchema,
  billing: billingSchema.prefault({}),
  gateway: gatewaySchema.optional(),
  policy: policySchema.prefault({}),
});

const count = (description: string) => integer(description, 0, 2_147_483_647);

export const customDomainClassStatusSchema = object("What is known of the zone and the credentials.", {
  observedGeneration: integer("The metadata.generation that this status is about.", 0, Number.MAX_SAFE_INTEGER).optional(),
  quota: object("The zone's quota of custom hostnames.", {
    allocated: count("How many are included."),
    used: count("How many exist."),
  }).optional(),
  domains: count("CustomDomains that hold a claim in this class.").optional(),
  unmanagedHostnames: count("Custom hostnames of the zone that no claim answers for.").optional(),
  conditions: conditionsSchema.optional(),
});

export const customDomainClassSchema = object(
  "How custom domains are served: the Cloudflare zone, the DNS target, the proof of ownership, the checks and the billing. Written by admins.",
  { spec: customDomainClassSpecSchema, status: customDomainClassStatusSchema.optional() },
);

export type GatewaySettings = Immutable<z.output<typeof gatewaySchema>>;
export type CustomDomainClassSpec = Immutable<z.output<typeof customDomainClassSpecSchema>>;
export type CustomDomainClassStatus = Immutable<z.output<typeof customDomainClassStatusSchema>>;

export interface CustomDomainClass extends KubeObject<CustomDomainClassSpec, CustomDomainClassStatus> {
  readonly spec: CustomDomainClassSpec;
}
