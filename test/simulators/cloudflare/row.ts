import type { TLSSettings } from "./ssl-request.ts";
import type { AuthorityName, CertificateStatus, HostnameStatus } from "./statuses.ts";

export type ValidationMethod = "http" | "txt" | "email";

/** Proofs that the certificate authority wants; the names follow from the hostname. */
export interface ValidationTokens {
  readonly values: readonly string[];
  /** Unix milliseconds. */
  readonly issuedAt: number;
}

export interface IssuedPair {
  /** Unix milliseconds, both. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Two identities, since an ECDSA and an RSA certificate are issued together. */
  readonly ids: readonly [string, string];
}

export interface CertificateState {
  readonly id: string;
  method: ValidationMethod;
  wildcard: boolean;
  authority: AuthorityName;
  bundleMethod: string;
  settings: TLSSettings;
  status: CertificateStatus;
  tokens: ValidationTokens | undefined;
  errors: readonly string[];
  /** What the edge serves; kept while a successor is being validated. */
  issued: IssuedPair | undefined;
}

/** One custom hostname. Only its lifecycle objects and the zone that owns it change it. */
export interface Row {
  readonly id: string;
  readonly zoneID: string;
  readonly hostname: string;
  readonly createdAt: number;
  readonly ownershipToken: string;
  /** Undefined between POST and the first check, as the API then shows none. */
  status: HostnameStatus | undefined;
  errors: readonly string[];
  originServer: string | undefined;
  originSNI: string | undefined;
  metadata: Readonly<Record<string, unknown>> | undefined;
  certificate: CertificateState | undefined;
}

/** The delegation target of `_acme-challenge.<hostname>` (delegated DCV). */
export function delegationTarget(hostname: string, delegationUUID: string): string {
  return `${hostname}.${delegationUUID}.dcv.cloudflare.com`;
}
