import { z } from "zod";

/**
 * One custom hostname as Cloudflare reported it, normalised: absent, null and "" are all `undefined` (Cloudflare writes unset
 * strings as ""), and statuses are kept verbatim so that a value of tomorrow neither crashes nor gets lost.
 */
export interface CustomHostname {
  readonly id: string;
  /** Lower-case A-label. */
  readonly hostname: string;
  /** Verbatim; "" when the answer held none, as a fresh POST's does. */
  readonly status: string;
  readonly verificationErrors: readonly string[];
  /** Cloudflare's own ownership TXT (`_cf-custom-hostname.<hostname>`); gone once the hostname is active. */
  readonly ownershipVerification: OwnershipRecord | undefined;
  /** Undefined for a hostname without TLS. */
  readonly ssl: HostnameCertificate | undefined;
  readonly customOriginServer: string | undefined;
  readonly customOriginSNI: string | undefined;
  /** RFC 3339. */
  readonly createdAt: string | undefined;
}

export interface OwnershipRecord {
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

export interface HostnameCertificate {
  readonly id: string | undefined;
  /** Verbatim; "" when the answer held none. */
  readonly status: string;
  readonly method: string | undefined;
  readonly type: string | undefined;
  /** Assigned by the server when nobody asked for one: never echo it in a PATCH (error 1459). */
  readonly certificateAuthority: string | undefined;
  readonly bundleMethod: string | undefined;
  readonly wildcard: boolean;
  readonly settings: CertificateSettings;
  /** Every record that must exist, without duplicates: several values under one name are all needed (wildcards, SSL.com). */
  readonly validationRecords: readonly ValidationRecord[];
  readonly validationErrors: readonly string[];
  readonly dcvDelegationRecords: readonly DelegationRecord[];
  /** RFC 3339: the earliest end among the served certificates (ECDSA and RSA are two). */
  readonly expiresAt: string | undefined;
}

export interface CertificateSettings {
  readonly minTLSVersion: string | undefined;
  readonly http2: string | undefined;
  readonly tls13: string | undefined;
  readonly earlyHints: string | undefined;
  readonly ciphers: readonly string[];
}

export type ValidationRecord =
  | { readonly kind: "txt"; readonly name: string; readonly value: string; readonly status: string | undefined }
  | { readonly kind: "http"; readonly url: string; readonly body: string; readonly status: string | undefined }
  | { readonly kind: "cname"; readonly name: string; readonly target: string; readonly status: string | undefined }
  | { readonly kind: "email"; readonly addresses: readonly string[]; readonly status: string | undefined };

/** Delegated validation: the customer's permanent CNAME that replaces the rotating TXT. */
export interface DelegationRecord {
  readonly name: string;
  readonly target: string;
}

const MAX_ERRORS = 10;
const MAX_ERROR_LENGTH = 500;
const MAX_RECORDS = 20;

const text = z
  .string()
  .optional()
  .catch(undefined)
  .transform((value) => (value === "" ? undefined : value));
const flag = z.boolean().optional().catch(undefined);
/** A member that is not a list counts as none, and an element of the wrong shape is left out alone. */
const listOf = <T>(element: z.ZodType<T>) =>
  z
    .array(z.unknown())
    .catch([])
    .transform((values) =>
      values.flatMap((value) => {
        const parsed = element.safeParse(value);
        return parsed.success ? [parsed.data] : [];
      }),
    );

/** Members that validation_records[] elements and, in old answers, `ssl` itself carry. */
const validationMembers = {
  status: text,
  txt_name: text,
  txt_value: text,
  http_url: text,
  http_body: text,
  cname: text,
  cname_target: text,
  emails: listOf(z.string()),
};
const validationSchema = z.object(validationMembers);
type RawValidation = z.infer<typeof validationSchema>;

const sslSchema = z.object({
  ...validationMembers,
  id: text,
  method: text,
  type: text,
  certificate_authority: text,
  bundle_method: text,
  wildcard: flag,
  settings: z
    .object({ min_tls_version: text, http2: text, tls_1_3: text, early_hints: text, ciphers: listOf(z.string()) })
    .optional()
    .catch(undefined),
  validation_records: listOf(validationSchema),
  validation_errors: listOf(z.object({ message: z.string() })),
  dcv_delegation_records: listOf(z.object({ cname: z.string(), cname_target: z.string() })),
  certificates: listOf(z.object({ expires_on: z.string() })),
  expires_on: text,
});

const rowSchema = z.object({
  id: z.string().min(1),
  hostname: z.string().min(1),
  status: text,
  verification_errors: listOf(z.string()),
  ownership_verification: z
    .object({ type: z.string().catch("txt"), name: z.string(), value: z.string() })
    .optional()
    .catch(undefined),
  ssl: sslSchema.optional().catch(undefined),
  custom_origin_server: text,
  custom_origin_sni: text,
  created_at: text,
});

/** The row in `value`, or undefined when it has no id or hostname; members we do not know are ignored. */
export function parseRow(value: unknown): CustomHostname | undefined {
  const parsed = rowSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const raw = parsed.data;
  return {
    id: raw.id,
    hostname: raw.hostname.toLowerCase(),
    status: raw.status ?? "",
    verificationErrors: bounded(raw.verification_errors),
    ownershipVerification: raw.ownership_verification,
    ssl: raw.ssl === undefined ? undefined : certificate(raw.ssl),
    customOriginServer: raw.custom_origin_server,
    customOriginSNI: raw.custom_origin_sni,
    createdAt: raw.created_at,
  };
}

function certificate(raw: z.infer<typeof sslSchema>): HostnameCertificate {
  return {
    id: raw.id,
    status: raw.status ?? "",
    method: raw.method,
    type: raw.type,
    certificateAuthority: raw.certificate_authority,
    bundleMethod: raw.bundle_method,
    wildcard: raw.wildcard ?? false,
    settings: {
      minTLSVersion: raw.settings?.min_tls_version,
      http2: raw.settings?.http2,
      tls13: raw.settings?.tls_1_3,
      earlyHints: raw.settings?.early_hints,
      ciphers: raw.settings?.ciphers ?? [],
    },
    // The top-level members mirror the first record in old answers and are all there is in the oldest.
    validationRecords: validationRecords([...raw.validation_records, { ...raw, status: undefined }]),
    validationErrors: bounded(raw.validation_errors.map((error) => error.message)),
    dcvDelegationRecords: raw.dcv_delegation_records
      .slice(0, MAX_RECORDS)
      .map(({ cname, cname_target }) => ({ name: cname, target: cname_target })),
    expiresAt: earliest([...raw.certificates.map((one) => one.expires_on), raw.expires_on]),
  };
}

function validationRecords(raws: readonly RawValidation[]): ValidationRecord[] {
  const records = new Map<string, ValidationRecord>();
  for (const raw of raws) {
    for (const [key, record] of recordsOf(raw)) {
      if (!records.has(key)) records.set(key, record);
    }
  }
  return [...records.values()].slice(0, MAX_RECORDS);
}

function recordsOf(raw: RawValidation): [string, ValidationRecord][] {
  const { status } = raw;
  const found: [string, ValidationRecord][] = [];
  if (raw.txt_name !== undefined && raw.txt_value !== undefined) {
    found.push([`txt ${raw.txt_name} ${raw.txt_value}`, { kind: "txt", name: raw.txt_name, value: raw.txt_value, status }]);
  }
  if (raw.http_url !== undefined && raw.http_body !== undefined) {
    found.push([`http ${raw.http_url} ${raw.http_body}`, { kind: "http", url: raw.http_url, body: raw.http_body, status }]);
  }
  if (raw.cname !== undefined && raw.cname_target !== undefined) {
    found.push([`cname ${raw.cname} ${raw.cname_target}`, { kind: "cname", name: raw.cname, target: raw.cname_target, status }]);
  }
  if (raw.emails.length > 0) {
    found.push([`email ${raw.emails.join(" ")}`, { kind: "email", addresses: raw.emails.slice(0, MAX_RECORDS), status }]);
  }
  return found;
}

function bounded(messages: readonly string[]): string[] {
  return messages.slice(0, MAX_ERRORS).map((message) => message.slice(0, MAX_ERROR_LENGTH));
}

function earliest(times: readonly (string | undefined)[]): string | undefined {
  let best: string | undefined;
  for (const time of times) {
    if (time === undefined || Number.isNaN(Date.parse(time))) continue;
    if (best === undefined || Date.parse(time) < Date.parse(best)) best = time;
  }
  return best;
}
