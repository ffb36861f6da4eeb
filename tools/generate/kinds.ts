import type { z } from "zod";
import { billingAccountSchema } from "../../src/api/v1/billing-account.ts";
import {
  ABNORMAL_CONDITIONS,
  BILLING_ACCOUNT_CONDITIONS,
  CUSTOM_DOMAIN_CLASS_CONDITIONS,
  CUSTOM_DOMAIN_CONDITIONS,
  CUSTOM_DOMAIN_ROUTE_CONDITIONS,
} from "../../src/api/v1/conditions.ts";
import { customDomainSchema } from "../../src/api/v1/custom-domain.ts";
import { customDomainClassSchema } from "../../src/api/v1/custom-domain-class.ts";
import { customDomainRouteSchema } from "../../src/api/v1/custom-domain-route.ts";
import { domainClaimSchema } from "../../src/api/v1/domain-claim.ts";
import {
  BILLING_ACCOUNTS,
  CUSTOM_DOMAIN_CLASSES,
  CUSTOM_DOMAIN_ROUTES,
  CUSTOM_DOMAINS,
  DOMAIN_CLAIMS,
} from "../../src/api/v1/group.ts";
import type { ResourceDefinition } from "../../src/kube/objects.ts";

export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** 1: shown by `-o wide` only. */
  readonly priority?: number;
}

/** What a CRD says of a kind beside its schema. */
export interface KindDescription {
  readonly resource: ResourceDefinition;
  readonly schema: z.ZodType;
  readonly shortName: string;
  readonly columns: readonly PrinterColumn[];
  /** At most 8, scalars only. */
  readonly selectableFields: readonly string[];
  readonly statusSubresource: boolean;
  readonly conditions: readonly string[];
}

function column(name: string, type: PrinterColumn["type"], jsonPath: string, description: string): PrinterColumn {
  return { name, type, jsonPath, description };
}

function wide(name: string, type: PrinterColumn["type"], jsonPath: string, description: string): PrinterColumn {
  return { name, type, jsonPath, description, priority: 1 };
}

function condition(type: string, member: "status" | "reason" | "message"): string {
  return `.status.conditions[?(@.type=="${type}")].${member}`;
}

const ready = column("Ready", "string", condition("Ready", "status"), "Whether everything is in order.");
const reason = column("Reason", "string", condition("Ready", "reason"), "Why, or why not.");
const message = wide("Message", "string", condition("Ready", "message"), "What to do.");
const age = column("Age", "date", ".metadata.creationTimestamp", "When the object was created.");
const primary = '.status.hostnames[?(@.role=="Primary")]';

const customDomain: KindDescription = {
  resource: CUSTOM_DOMAINS,
  schema: customDomainSchema,
  shortName: "cdom",
  columns: [
    column("Domain", "string", ".spec.domain", "The domain as it was written."),
    ready,
    reason,
    column("DNS", "string", condition("DNSConfigured", "status"), "Whether DNS points here."),
    column("Cert", "string", condition("CertificateReady", "status"), "Whether the certificate is in use."),
    column("Verified", "date", ".status.verifiedAt", "When the domain went live."),
    age,
    wide("CF-Status", "string", `${primary}.status`, "Cloudflare's word for the hostname."),
    wide("SSL-Status", "string", `${primary}.sslStatus`, "Cloudflare's word for the certificate."),
    wide("Billing", "string", condition("BillingSynced", "reason"), "Whether the domain is billed."),
    // A date column shows times to come as <invalid>.
    wide("Next-Check", "string", ".status.nextCheckAt", "When it is looked at next."),
    message,
  ],
  selectableFields: [".status.domain", ".spec.className"],
  statusSubresource: true,
  conditions: [...CUSTOM_DOMAIN_CONDITIONS, ...ABNORMAL_CONDITIONS],
};

const customDomainClass: KindDescription = {
  resource: CUSTOM_DOMAIN_CLASSES,
  schema: customDomainClassSchema,
  shortName: "cdclass",
  columns: [
    column("Target", "string", ".spec.dns.target", "What owners point their CNAME to."),
    column("Default", "boolean", ".spec.default", "Whether it serves CustomDomains without className."),
    ready,
    reason,
    column("Domains", "integer", ".status.domains", "Domains that hold a claim."),
    age,
    wide("Zone", "string", ".spec.cloudflare.zoneID", "The Cloudflare zone."),
    wide("Used", "integer", ".status.quota.used", "Custom hostnames in the zone."),
    wide("Included", "integer", ".status.quota.allocated", "Custom hostnames that are included."),
    wide("Site", "string", ".spec.billing.chargebee.site", "The Chargebee site."),
    message,
  ],
  selectableFields: [".spec.cloudflare.zoneID", ".spec.billing.chargebee.site"],
  statusSubresource: true,
  conditions: [...CUSTOM_DOMAIN_CLASS_CONDITIONS, ...ABNORMAL_CONDITIONS],
};

const billingAccount: KindDescription = {
  resource: BILLING_ACCOUNTS,
  schema: billingAccountSchema,
  shortName: "bacct",
  columns: [
    column("Subscription", "string", ".spec.subscriptionID", "The Chargebee subscription."),
    column("Domains", "integer", ".status.domains", "Billable domains."),
    column("Quantity", "integer", ".status.desiredQuantity", "The quantity that Chargebee should have."),
    ready,
    reason,
    column("Synced", "date", ".status.lastSyncedTime", "When Chargebee last agreed."),
    age,
    message,
  ],
  selectableFields: [".spec.subscriptionID"],
  statusSubresource: true,
  conditions: [...BILLING_ACCOUNT_CONDITIONS, ...ABNORMAL_CONDITIONS],
};

const domainClaim: KindDescription = {
  resource: DOMAIN_CLAIMS,
  schema: domainClaimSchema,
  shortName: "dclaim",
  columns: [
    column("State", "string", ".spec.state", "Pending, Proven, Releasing or Released."),
    column("Tenant", "string", ".spec.tenant", "The holder's tenant."),
    column("Namespace", "string", ".spec.holder.namespace", "The holder's namespace."),
    column("Holder", "string", ".spec.holder.name", "The CustomDomain that holds the name."),
    column("Class", "string", ".spec.className", "The class."),
    column("Verified", "date", ".spec.verifiedTime", "When the domain went live."),
    age,
  ],
  selectableFields: [".spec.state", ".spec.tenant", ".spec.className", ".spec.holder.namespace"],
  // A restore brings back spec but not status, and holder and state must change in one write.
  statusSubresource: false,
  conditions: [],
};

const customDomainRoute: KindDescription = {
  resource: CUSTOM_DOMAIN_ROUTES,
  schema: customDomainRouteSchema,
  shortName: "cdroute",
  columns: [
    column("Domain", "string", ".spec.domainRef.name", "The CustomDomain."),
    column("Path", "string", ".spec.path", "The path that is routed."),
    column("Service", "string", ".spec.backendRef.name", "The Service it is routed to."),
    column("Port", "integer", ".spec.backendRef.port", "The port of the Service."),
    ready,
    reason,
    age,
    message,
  ],
  selectableFields: [".spec.domainRef.name"],
  statusSubresource: true,
  conditions: [...CUSTOM_DOMAIN_ROUTE_CONDITIONS, ...ABNORMAL_CONDITIONS],
};

export const kinds: readonly KindDescription[] = [
  customDomain,
  customDomainClass,
  billingAccount,
  domainClaim,
  customDomainRoute,
];
