import { NOTHING_TO_DO, type ReasonGroup } from "./reason-description.ts";

/** What classes and routes tell. */
export const platformReasons = {
  Available: { on: ["CustomDomainClass Ready"], actor: "Nobody", means: "The class serves domains.", remedy: NOTHING_TO_DO },
  CredentialsAccepted: {
    on: ["CredentialsValid"],
    actor: "Nobody",
    means: "Cloudflare accepts the token.",
    remedy: NOTHING_TO_DO,
  },
  SecretNotFound: {
    on: ["CredentialsValid", "Synced", "HostnameActive", "Routed", "CustomDomainClass Ready"],
    actor: "Admin",
    means: "The Secret or the key within it does not exist in the operator's namespace.",
    remedy: "Create the Secret that the message names.",
  },
  Unauthorized: {
    on: ["CredentialsValid", "HostnameActive", "Synced", "BillingSynced", "CustomDomainClass Ready", "FallbackOriginActive"],
    actor: "Admin",
    means: "The provider refuses the credential, or it lacks a permission.",
    remedy: "Correct the Secret; it is tried again as soon as that changes.",
  },
  ZoneNotFound: {
    on: ["CredentialsValid"],
    actor: "Admin",
    means: "The token does not reach a zone of this id.",
    remedy: "Check zoneID and the token's zone; zoneID cannot change, so create another class if it is wrong.",
  },
  SaaSNotEnabled: {
    on: ["CustomDomainClass Ready", "HostnameActive", "CredentialsValid", "FallbackOriginActive"],
    actor: "Admin",
    means: "Cloudflare for SaaS is not enabled on the zone.",
    remedy: "Enable it in the zone's SSL/TLS settings, under Custom Hostnames.",
  },
  FallbackOriginMissing: {
    on: ["FallbackOriginActive"],
    actor: "Admin",
    means: "The zone has no fallback origin: no hostname can become active.",
    remedy: "Set the fallback origin of the zone.",
  },
  FallbackOriginMismatch: {
    on: ["FallbackOriginActive"],
    actor: "Admin",
    means: "The zone's fallback origin is not that of the class.",
    remedy: "Correct the zone, or cloudflare.fallbackOrigin of the class.",
  },
  FallbackOriginPending: {
    on: ["FallbackOriginActive"],
    actor: "Admin",
    means: "The zone's fallback origin is not active: no hostname can become active.",
    remedy: "Check that it has a proxied DNS record in the zone.",
  },
  ProofsPresent: { on: ["ProofReliable"], actor: "Nobody", means: "Proofs are found as expected.", remedy: NOTHING_TO_DO },
  MassProofLoss: {
    on: ["ProofReliable"],
    actor: "Admin",
    means: "So many proofs were lost at once that DNS itself is doubted; no domain is disconnected for it.",
    remedy: "Check the operator's DNS; lapses go on by themselves when proofs are found again.",
  },
  MassOrphaning: {
    on: ["CustomDomainClass Ready"],
    actor: "Admin",
    means: "So many CustomDomains vanished at once that a restore or a lost CRD is suspected; nothing is deleted for it.",
    remedy: "Restore the CustomDomains.",
  },
  ReleaseFailing: {
    on: ["CustomDomainClass Ready"],
    actor: "Admin",
    means: "Hostnames of deleted domains cannot be removed from Cloudflare; the operator goes on trying.",
    remedy: "Check the token and the zone.",
  },
  ClassInUse: {
    on: ["CustomDomainClass Ready"],
    actor: "Admin",
    means: "The class is being deleted, but domains are still served by it.",
    remedy: "Delete those CustomDomains.",
  },
  Programmed: {
    on: ["CustomDomainRoute Ready", "Programmed"],
    actor: "Nobody",
    means: "The HTTPRoute is in place.",
    remedy: NOTHING_TO_DO,
  },
  DomainNotFound: {
    on: ["Programmed"],
    actor: "Tenant",
    means: "The CustomDomain that domainRef names does not exist in the namespace.",
    remedy: "Create it; a route of another name needs another CustomDomainRoute.",
  },
  DomainNotVerified: {
    on: ["Programmed"],
    actor: "Owner",
    means: "The domain is not live yet, so nothing is routed.",
    remedy: "Look at the CustomDomain.",
  },
  NoGateway: {
    on: ["Programmed"],
    actor: "Admin",
    means: "The class names no Gateway, or the cluster does not have the Gateway API.",
    remedy: "Set gateway.parentRef in the class and install the Gateway API.",
  },
  HTTPRouteConflict: {
    on: ["Programmed"],
    actor: "Tenant",
    means: "An HTTPRoute of the name exists that is not the operator's.",
    remedy: "Rename or delete that HTTPRoute.",
  },
  HTTPRouteRefused: {
    on: ["Programmed"],
    actor: "Admin",
    means: "The API server refuses the rendered HTTPRoute: a policy of the cluster, or a Gateway API older than v1.5.",
    remedy: "Do what the message says; install a newer Gateway API if it is about statusCode 308.",
  },
  GatewayRefused: {
    on: ["Programmed"],
    actor: "Admin",
    means: "The Gateway does not accept the HTTPRoute, for example because no listener admits the namespace or the host name.",
    remedy: "Look at the HTTPRoute's status, and at the Gateway's listeners.",
  },
  DuplicatePath: {
    on: ["Programmed"],
    actor: "Tenant",
    means: "An older CustomDomainRoute of the domain has the same path.",
    remedy: "Change spec.path, or delete one of the two.",
  },
} as const satisfies ReasonGroup;
