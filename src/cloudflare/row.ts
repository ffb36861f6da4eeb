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

type Members = Readonly<Record<string, unknown>>;

/**
 * The row in `value`, or undefined when it has no id or hostname; members we do not know are ignored, those of the wrong type
 * count as absent. Read by hand: a sweep reads 50,000 rows, which a schema does ten times slower.
 */
export function parseRow(value: unknown): CustomHostname | undefined {
  const raw = membersOf(value);
  const id = text(raw, "id");
  const hostname = text(raw, "hostname");
  if (raw === undefined || id === undefined || hostname === undefined) return undefined;
  const ssl = membersOf(raw.ssl);
  return {
    id,
    hostname: hostname.toLowerCase(),
    status: text(raw, "status") ?? "",
    verificationErrors: bounded(texts(raw, "verification_errors")),
    ownershipVerification: ownership(membersOf(raw.ownership_verification)),
    ssl: ssl === undefined ? undefined : certificate(ssl),
    customOriginServer: text(raw, "custom_origin_server"),
    customOriginSNI: text(raw, "custom_origin_sni"),
    createdAt: text(raw, "created_at"),
  };
}

function ownership(raw: Members | undefined): OwnershipRecord | undefined {
  const name = text(raw, "name");
  const value = text(raw, "value");
  return name === undefined || value === undefined ? undefined : { type: text(raw, "type") ?? "txt", name, value };
}

function certificate(raw: Members): HostnameCertificate {
  const expiries = list(raw, "certificates").map((one) => text(membersOf(one), "expires_on"));
  return {
    id: text(raw, "id"),
    status: text(raw, "status") ?? "",
    method: text(raw, "method"),
    type: text(raw, "type"),
    certificateAuthority: text(raw, "certificate_authority"),
    bundleMethod: text(raw, "bundle_method"),
    wildcard: raw.wildcard === true,
    settings: settingsOf(membersOf(raw.settings)),
    // The top-level members mirror the first record in old answers and are all there is in the oldest.
    validationRecords: validationRecords([...list(raw, "validation_records"), { ...raw, status: undefined }]),
    validationErrors: bounded(list(raw, "validation_errors").flatMap((one) => text(membersOf(one), "message") ?? [])),
    dcvDelegationRecords: list(raw, "dcv_delegation_records").flatMap(delegation).slice(0, MAX_RECORDS),
    expiresAt: earliest([...expiries, text(raw, "expires_on")]),
  };
}

function settingsOf(raw: Members | undefined): CertificateSettings {
  return {
    minTLSVersion: text(raw, "min_tls_version"),
    http2: text(raw, "http2"),
    tls13: text(raw, "tls_1_3"),
    earlyHints: text(raw, "early_hints"),
    ciphers: texts(raw, "ciphers"),
  };
}

function delegation(value: unknown): DelegationRecord[] {
  const raw = membersOf(value);
  const name = text(raw, "cname");
  const target = text(raw, "cname_target");
  return name === undefined || target === undefined ? [] : [{ name, target }];
}

function validationRecords(values: readonly unknown[]): ValidationRecord[] {
  const records = new Map<string, ValidationRecord>();
  for (const value of values) {
    for (const record of recordsOf(membersOf(value))) {
      const key = keyOf(record);
      if (!records.has(key)) records.set(key, record);
    }
  }
  return [...records.values()].slice(0, MAX_RECORDS);
}

function recordsOf(raw: Members | undefined): ValidationRecord[] {
  const status = text(raw, "status");
  const found: ValidationRecord[] = [];
  const name = text(raw, "txt_name");
  const value = text(raw, "txt_value");
  if (name !== undefined && value !== undefined) found.push({ kind: "txt", name, value, status });
  const url = text(raw, "http_url");
  const body = text(raw, "http_body");
  if (url !== undefined && body !== undefined) found.push({ kind: "http", url, body, status });
  for (const { name: cname, target } of delegation(raw)) found.push({ kind: "cname", name: cname, target, status });
  const addresses = texts(raw, "emails").slice(0, MAX_RECORDS);
  if (addresses.length > 0) found.push({ kind: "email", addresses, status });
  return found;
}

function keyOf(record: ValidationRecord): string {
  switch (record.kind) {
    case "txt":
      return `txt ${record.name} ${record.value}`;
    case "http":
      return `http ${record.url} ${record.body}`;
    case "cname":
      return `cname ${record.name} ${record.target}`;
    case "email":
      return `email ${record.addresses.join(" ")}`;
  }
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}

function text(raw: Members | undefined, name: string): string | undefined {
  const value = raw?.[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function list(raw: Members | undefined, name: string): readonly unknown[] {
  const value = raw?.[name];
  return Array.isArray(value) ? value : [];
}

function texts(raw: Members | undefined, name: string): string[] {
  return list(raw, name).filter((value) => typeof value === "string");
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
