/** `status` of a custom hostname, as far as the simulator produces them (the API knows 16 values). */
export type HostnameStatus = "pending" | "active" | "moved" | "blocked" | "pending_deletion" | "deleted";

/** `ssl.status`, as far as the simulator produces them (the API knows 21 values). */
export type CertificateStatus =
  | "initializing"
  | "pending_validation"
  | "pending_issuance"
  | "pending_deployment"
  | "active"
  | "validation_timed_out"
  | "expired"
  | "pending_deletion"
  | "deleted";

export type FallbackOriginStatus =
  | "initializing"
  | "pending_deployment"
  | "active"
  | "deployment_timed_out"
  | "pending_deletion"
  | "deletion_timed_out";

export type AuthorityName = "google" | "lets_encrypt" | "ssl_com";
