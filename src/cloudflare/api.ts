import type { CustomHostname } from "./row.ts";

/**
 * Every effect on Cloudflare. One method is one HTTP request, never repeated; tests cut the process between any two of them.
 * All methods throw CloudflareError, or the signal's reason when aborted.
 */
export interface CloudflareApi {
  /** The rows whose hostname is exactly `hostname`: 0 or 1, more only in Cloudflare's error cases. */
  findByHostname(zoneID: string, hostname: string, signal: AbortSignal): Promise<readonly CustomHostname[]>;
  create(zoneID: string, input: CreateInput, signal: AbortSignal): Promise<Created>;
  /** Undefined when Cloudflare does not know the id (1436, 1435); a row that is going away is still returned: see isGone. */
  get(zoneID: string, id: string, signal: AbortSignal): Promise<CustomHostname | undefined>;
  /** Restarts validation, whatever it changes: never send one without a reason. */
  edit(zoneID: string, id: string, patch: EditInput, signal: AbortSignal): Promise<CustomHostname>;
  /** Resolves when Cloudflare accepted the deletion or no longer knows the id. */
  delete(zoneID: string, id: string, signal: AbortSignal): Promise<void>;
  listPage(zoneID: string, query: PageQuery, signal: AbortSignal): Promise<Page>;
  /** Undefined when the zone has none. */
  fallbackOrigin(zoneID: string, signal: AbortSignal): Promise<FallbackOrigin | undefined>;
  quota(zoneID: string, signal: AbortSignal): Promise<Quota>;
  /** The zone's part of the delegation target `<hostname>.<uuid>.dcv.cloudflare.com`. */
  dcvDelegationUuid(zoneID: string, signal: AbortSignal): Promise<string>;
  /** Works for user-owned tokens only: see checkCredential. */
  verifyToken(signal: AbortSignal): Promise<TokenState>;
}

export type ValidationMethod = "http" | "txt" | "email";

/** `method` and `type` are always sent together: Cloudflare refuses a part of `ssl` without both (1440). */
export interface CertificateInput {
  readonly method: ValidationMethod;
  readonly type: "dv";
  readonly certificateAuthority?: string;
  readonly bundleMethod?: string;
  readonly wildcard?: boolean;
  /** Needed for hostnames of more than 64 characters (1469); never echoed. */
  readonly cloudflareBranding?: boolean;
  /** Replaces all settings. */
  readonly settings?: SettingsInput;
}

export interface SettingsInput {
  readonly minTLSVersion?: string;
  readonly http2?: string;
  readonly tls13?: string;
  readonly earlyHints?: string;
  /** BoringSSL names, order kept. */
  readonly ciphers?: readonly string[];
}

export interface CreateInput {
  /** Lower-case A-label. */
  readonly hostname: string;
  readonly ssl: CertificateInput;
  readonly customOriginServer?: string;
  readonly customOriginSNI?: string;
}

export interface EditInput {
  readonly ssl: CertificateInput;
  /** "" goes back to the zone's fallback origin. */
  readonly customOriginServer?: string;
  readonly customOriginSNI?: string;
}

export interface Created {
  readonly hostname: CustomHostname;
  /** Cloudflare's `messages`, such as the note that hostnames above the soft quota cost money. */
  readonly warnings: readonly string[];
}

export interface PageQuery {
  /** From 1. Pages shift while rows come and go: there is no cursor. */
  readonly page: number;
  /** 5 to 1000. */
  readonly perPage: number;
  readonly hostnameStatus?: string;
  readonly sslStatus?: string;
}

export interface Page {
  readonly rows: readonly CustomHostname[];
  readonly totalPages: number;
  readonly totalCount: number;
}

export interface FallbackOrigin {
  readonly origin: string;
  /** Verbatim: only `active` serves; until then no hostname validates. */
  readonly status: string;
  readonly errors: readonly string[];
}

export interface Quota {
  readonly allocated: number;
  readonly used: number;
  /** Creates are refused from here on; undefined when Cloudflare names none. */
  readonly hardCap: number | undefined;
}

export interface TokenState {
  /** Verbatim: `active`, `disabled`, `expired`. */
  readonly status: string;
  /** RFC 3339; undefined for a token without an end. */
  readonly expiresAt: string | undefined;
}
