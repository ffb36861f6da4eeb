import type { ResourceDefinition } from "../../kube/objects.ts";

export const GROUP = "customdomains.dev";
export const VERSION = "v1";
export const API_VERSION = "customdomains.dev/v1";

/** Held on every kind whose deletion must first be settled elsewhere (Cloudflare, Chargebee, claims). */
export const FINALIZER = "customdomains.dev/finalizer";

/** On a CustomDomain: its stable id. A tenant can edit it, so it is only a request until the claim has pinned it. */
export const LABEL_ID = "customdomains.dev/id";
/** On a Namespace, written by admins: the tenant it belongs to. Without it the namespace's name is the tenant. */
export const LABEL_TENANT = "customdomains.dev/tenant";
/** On a CustomDomain or BillingAccount: a token; a value not seen before asks for one check or one billing read now. */
export const ANNOTATION_RECHECK = "customdomains.dev/recheck";
/** On a CustomDomain: a token; a value not seen before asks for exactly one PATCH that restarts Cloudflare's validation. */
export const ANNOTATION_REVALIDATE = "customdomains.dev/revalidate";
/** On a BillingAccount: the desired quantity that an admin accepts after SuspiciousDrop. */
export const ANNOTATION_ACCEPT_QUANTITY = "customdomains.dev/accept-quantity";
/** On a deleting BillingAccount: the subscription id whose lines an admin settles by hand. */
export const ANNOTATION_ABANDON_BILLING = "customdomains.dev/abandon-billing";

function resource(kind: string, plural: string, namespaced: boolean): ResourceDefinition {
  return { group: GROUP, version: VERSION, kind, plural, namespaced };
}

export const CUSTOM_DOMAINS = resource("CustomDomain", "customdomains", true);
export const DOMAIN_CLAIMS = resource("DomainClaim", "domainclaims", false);
export const BILLING_ACCOUNTS = resource("BillingAccount", "billingaccounts", true);
export const CUSTOM_DOMAIN_CLASSES = resource("CustomDomainClass", "customdomainclasses", false);
export const CUSTOM_DOMAIN_ROUTES = resource("CustomDomainRoute", "customdomainroutes", true);
