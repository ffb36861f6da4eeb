import type { z } from "zod";
import type { KubeObject } from "../../kube/objects.ts";
import { type CustomDomainStatus, customDomainStatusSchema } from "./custom-domain-status.ts";
import { domainShape, objectName } from "./hostname-rules.ts";
import { rule } from "./rules.ts";
import { choice, flag, type Immutable, object, text } from "./schema.ts";
import { domainSSLSchema, originSchema } from "./ssl-settings.ts";

const sameDomain = rule(
  "self.trim().lowerAscii() == oldSelf.trim().lowerAscii()",
  "must not change, except for case and space around it: create another CustomDomain for the other name, and delete this one",
);

export const customDomainSpecSchema = object("The domain that the tenant wants connected.", {
  domain: text(
    "The host name to connect, for example shop.acme.com. Any case, space around it, and international names are accepted; " +
      "status.domain shows the canonical form. www.acme.com and acme.com are one domain. It cannot change.",
    { min: 0, max: 1024, rules: [domainShape, sameDomain] },
  ),
  className: objectName(
    "The CustomDomainClass that serves the domain. Absent: the default class at the time of the claim. It cannot change once claimed.",
  ).optional(),
  wwwRedirect: choice(
    "Auto also connects www.<domain> and redirects it here, when the domain is a registrable name such as acme.com.",
    ["Auto", "Disabled"],
  ).default("Auto"),
  ssl: domainSSLSchema.optional(),
  origin: originSchema.optional(),
  deletionPolicy: choice(
    "Retain leaves the Cloudflare hostname and the claim when this object goes, and goes on being billed. The class must allow it.",
    ["Delete", "Retain"],
  ).default("Delete"),
  suspend: flag(
    "true stops creating, changing and checking. Proof of ownership and its grace period, billing, transfer and deletion go on.",
  ).default(false),
});

export const customDomainSchema = object(
  "A domain of a tenant that is connected to the platform: its desired state, what was found, and what the owner must still publish.",
  { spec: customDomainSpecSchema, status: customDomainStatusSchema.optional() },
);

export type CustomDomainSpec = Immutable<z.output<typeof customDomainSpecSchema>>;

export interface CustomDomain extends KubeObject<CustomDomainSpec, CustomDomainStatus> {
  readonly spec: CustomDomainSpec;
}
