import { NOTHING_TO_DO, type ReasonGroup } from "./reason-description.ts";

/** Who holds the name, and whether the holder proved it. */
export const claimReasons = {
  Live: {
    on: ["CustomDomain Ready"],
    actor: "Nobody",
    means: "The domain is proven, certified, pointed here and answered by this platform.",
    remedy: NOTHING_TO_DO,
  },
  Claimed: { on: ["Claimed"], actor: "Nobody", means: "The name is held by this CustomDomain.", remedy: NOTHING_TO_DO },
  InvalidDomain: {
    on: ["Claimed"],
    actor: "Tenant",
    means:
      "spec.domain is no name that can be connected: malformed, a public suffix, an IP address, reserved, or easily confused with another.",
    remedy: "Create a CustomDomain with another name; the message says what is wrong with this one.",
  },
  DomainNotAllowed: {
    on: ["Claimed"],
    actor: "Tenant",
    means: "The class admits only the names in its policy.allowedDomains, and this is none of them.",
    remedy: "Use a name that the class admits, another class, or ask the admin to admit it.",
  },
  NamespaceNotAllowed: {
    on: ["Claimed"],
    actor: "Admin",
    means: "The class's policy.allowedNamespaces does not select this namespace.",
    remedy: "Label the namespace, or name another class in spec.className.",
  },
  ClassNotFound: {
    on: ["Claimed", "BillingAccount Ready", "Programmed", "HostnameActive", "BillingSynced", "Synced"],
    actor: "Tenant",
    means: "The CustomDomainClass that is named does not exist.",
    remedy: "Correct spec.className (a BillingAccount: its name), or create the class.",
  },
  NoDefaultClass: {
    on: ["Claimed"],
    actor: "Tenant",
    means: "spec.className is absent and no class is the default.",
    remedy: "Set spec.className, or make one class the default.",
  },
  MultipleDefaults: {
    on: ["CustomDomainClass Ready", "Claimed"],
    actor: "Admin",
    means: "More than one class is the default.",
    remedy: "Set spec.default to false on all classes but one.",
  },
  ClassNotReady: {
    on: ["Claimed", "HostnameActive"],
    actor: "Admin",
    means: "The class cannot serve domains at the moment.",
    remedy: "Look at the conditions of the class.",
  },
  ClassChangeNotSupported: {
    on: ["CustomDomain Stalled", "Claimed"],
    actor: "Tenant",
    means: "spec.className was changed after the name was claimed in another class.",
    remedy: "Put the old class back, or delete the CustomDomain and create it again.",
  },
  OriginNotAllowed: {
    on: ["HostnameActive", "Claimed"],
    actor: "Tenant",
    means: "spec.origin is not among the class's policy.allowedOrigins.",
    remedy: "Use an allowed origin, or remove spec.origin.",
  },
  SSLFieldNotAllowed: {
    on: ["HostnameActive", "Claimed"],
    actor: "Tenant",
    means: "spec.ssl sets a member that the class does not list in policy.overridableSSLFields.",
    remedy: "Remove that member from spec.ssl.",
  },
  RetainNotAllowed: {
    on: ["Event"],
    actor: "Tenant",
    means: "deletionPolicy Retain was asked for, but the class does not allow it: Delete applies.",
    remedy: "Set deletionPolicy to Delete, or ask the admin to allow Retain.",
  },
  QuotaExceeded: {
    on: ["Claimed", "HostnameActive", "CustomDomainClass Ready", "Synced", "BillingSynced"],
    actor: "Admin",
    means: "A limit is reached: domains per namespace, hostnames of the zone, or the account's maxQuantity.",
    remedy: "Delete unused domains, or raise the limit that the message names.",
  },
  DomainExists: {
    on: ["Claimed"],
    actor: "Tenant",
    means: "Another CustomDomain of the same tenant holds the name, or its www twin.",
    remedy: "Use that CustomDomain, or delete it; this one then takes over.",
  },
  DomainAlreadyOwned: {
    on: ["Claimed"],
    actor: "Owner",
    means: "Another tenant has proven the name.",
    remedy:
      "If it is yours, publish the TXT record in status.verificationRecords and remove the other tenant's: it is transferred after 24 h.",
  },
  CompetingProof: {
    on: ["Claimed"],
    actor: "Owner",
    means: "Another tenant wants the name too, and nobody has proven it.",
    remedy: "Publish the TXT record in status.verificationRecords: the first proof wins.",
  },
  NameReleasing: {
    on: ["Claimed", "HostnameActive"],
    actor: "Nobody",
    means: "The name is just being released by its last holder.",
    remedy: "Wait; it is tried again by itself.",
  },
  CoolingDown: {
    on: ["Claimed", "HostnameActive"],
    actor: "Owner",
    means: "The name was released by another tenant a short time ago and rests.",
    remedy: "Publish the TXT record in status.verificationRecords, or wait for the cool-down to end.",
  },
  ClaimLost: {
    on: ["Claimed", "HostnameActive", "CertificateReady", "Routed"],
    actor: "Owner",
    means: "The name went to a tenant who proved it, after this one's proof was gone.",
    remedy: "If it is yours, publish the TXT record in status.verificationRecords again and remove the other.",
  },
  Proven: {
    on: ["OwnershipVerified"],
    actor: "Nobody",
    means: "Our TXT record was found.",
    remedy: "Leave the TXT record in place.",
  },
  ProviderOnly: {
    on: ["OwnershipVerified"],
    actor: "Nobody",
    means: "The class takes Cloudflare's validation for proof, and it succeeded.",
    remedy: NOTHING_TO_DO,
  },
  AwaitingProof: {
    on: ["OwnershipVerified", "HostnameActive"],
    actor: "Owner",
    means: "Ownership is not proven yet, and the hostname is created after the proof only.",
    remedy: "Publish the TXT record in status.verificationRecords.",
  },
  ProofLost: {
    on: ["OwnershipVerified"],
    actor: "Owner",
    means: "The TXT record that proved ownership is gone; after the grace period the domain is disconnected.",
    remedy: "Publish the TXT record in status.dnsRecords again.",
  },
  ProofLapsed: {
    on: ["OwnershipVerified", "Event"],
    actor: "Owner",
    means: "The TXT record stayed away for the whole grace period: the domain was disconnected.",
    remedy: "Publish the TXT record in status.verificationRecords again.",
  },
  ProofExpired: {
    on: ["Claimed", "CustomDomain Stalled", "OwnershipVerified"],
    actor: "Owner",
    means: "Ownership was not proven in time, and the claim was given up.",
    remedy: "Publish the TXT record and set annotation customdomains.dev/recheck to a new value.",
  },
  ProofExpiring: {
    on: ["Event"],
    actor: "Owner",
    means: "The claim is given up in three days unless ownership is proven.",
    remedy: "Publish the TXT record in status.verificationRecords.",
  },
  DomainTransferred: {
    on: ["Event"],
    actor: "Nobody",
    means: "The name went from one tenant to another who proved it.",
    remedy: NOTHING_TO_DO,
  },
  Suspended: {
    on: ["CustomDomain Paused", "BillingAccount Paused", "HostnameActive", "CustomDomain Ready", "BillingAccount Ready"],
    actor: "Tenant",
    means: "spec.suspend is true.",
    remedy: "Set spec.suspend to false to go on.",
  },
  Deleting: {
    on: ["CustomDomain Ready", "CustomDomainRoute Ready", "Claimed"],
    actor: "Nobody",
    means: "The object is being deleted.",
    remedy: "Wait.",
  },
  DeletionStalled: {
    on: ["CustomDomain Ready", "Claimed", "Event"],
    actor: "Admin",
    means: "What must be removed elsewhere before this object can go could not be removed.",
    remedy: "Look at the message; the operator goes on trying.",
  },
  InternalError: {
    on: ["CustomDomain Ready", "CustomDomainClass Ready", "BillingAccount Ready", "CustomDomainRoute Ready"],
    actor: "Admin",
    means: "The operator failed unexpectedly.",
    remedy: "Look at the operator's log; it tries again by itself.",
  },
} as const satisfies ReasonGroup;
