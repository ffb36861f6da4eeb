/**
 * What a status word means for the operator.
 * ready: serves. progressing: nothing is wrong yet. moved: DNS left us or validation ran out; a PATCH revives it. blocked: abuse
 * flag or zone hold; a PATCH helps only once the cause is gone. gone: being deleted. failed: ended without success. unknown: a
 * word that is not documented for production; never ready.
 */
export type StatusClass = "ready" | "progressing" | "moved" | "blocked" | "gone" | "failed" | "unknown";

/** The 16 documented values of `status`. */
export const HOSTNAME_STATUSES: Readonly<Record<string, StatusClass>> = {
  active: "ready",
  active_redeploying: "ready",
  pending: "progressing",
  pending_provisioned: "progressing",
  pending_migration: "progressing",
  provisioned: "progressing",
  moved: "moved",
  blocked: "blocked",
  pending_blocked: "blocked",
  pending_deletion: "gone",
  deleted: "gone",
  test_pending: "unknown",
  test_active: "unknown",
  test_active_apex: "unknown",
  test_blocked: "unknown",
  test_failed: "unknown",
};

/** The 21 documented values of `ssl.status`. */
export const SSL_STATUSES: Readonly<Record<string, StatusClass>> = {
  active: "ready",
  initializing: "progressing",
  pending_validation: "progressing",
  pending_issuance: "progressing",
  pending_deployment: "progressing",
  pending_cleanup: "progressing",
  staging_deployment: "progressing",
  staging_active: "progressing",
  holding_deployment: "progressing",
  initializing_timed_out: "failed",
  validation_timed_out: "failed",
  issuance_timed_out: "failed",
  deployment_timed_out: "failed",
  deletion_timed_out: "failed",
  pending_expiration: "failed",
  expired: "failed",
  deactivating: "gone",
  inactive: "gone",
  pending_deletion: "gone",
  deleted: "gone",
  backup_issued: "unknown",
};

/** A fresh POST's answer holds no status yet. */
export function classifyHostname(status: string): StatusClass {
  return status === "" ? "progressing" : lookUp(HOSTNAME_STATUSES, status);
}

/** The documentation also writes a bare `timed_out` once. */
export function classifySSL(status: string): StatusClass {
  if (status === "") return "progressing";
  return isTimedOut(status) ? "failed" : lookUp(SSL_STATUSES, status);
}

export function isTimedOut(sslStatus: string): boolean {
  return sslStatus.includes("timed_out");
}

function lookUp(table: Readonly<Record<string, StatusClass>>, status: string): StatusClass {
  return Object.hasOwn(table, status) ? (table[status] ?? "unknown") : "unknown";
}
