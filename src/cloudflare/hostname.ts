import { isDeepStrictEqual } from "node:util";
import type { CustomDomainSpec } from "../api/v1/custom-domain.ts";
import type { CustomDomainClassSpec } from "../api/v1/custom-domain-class.ts";
import { type ClassSSLSettings, type DomainSSLSettings, SSL_FIELDS } from "../api/v1/ssl-settings.ts";
import type { CertificateInput, CreateInput, EditInput, SettingsInput, ValidationMethod } from "./api.ts";
import type { CertificateSettings, CustomHostname } from "./row.ts";
import { classifyHostname, isTimedOut } from "./status-class.ts";

type SSLField = (typeof SSL_FIELDS)[number];

/** What a hostname at Cloudflare should be, with the class's and the domain's settings merged. */
export interface WantedHostname {
  readonly hostname: string;
  readonly ssl: ClassSSLSettings;
  /** The members of {@link ssl} that an existing row is compared in: the rest is the server's, or of the time of creation. */
  readonly owned: ReadonlySet<SSLField>;
  /** Undefined: the zone's fallback origin. */
  readonly originServer: string | undefined;
  readonly originSNI: string | undefined;
}

/** What is read of a CustomDomain's spec. */
export type DomainSettings = Pick<CustomDomainSpec, "ssl" | "origin">;
/** What is read of a class's spec. */
export type ClassSettings = Pick<CustomDomainClassSpec, "cloudflare" | "policy">;

/**
 * The www twin is wanted with the same settings as its apex. Settings that the class's policy does not let a domain choose are
 * left out. `rollout` says whether the class's own settings are compared on a row that exists: pass "Existing" for a row that
 * was handed over from another holder, whose choices must not survive.
 */
export function wantedHostname(
  hostname: string,
  spec: DomainSettings,
  classSpec: ClassSettings,
  rollout: "NewOnly" | "Existing" = classSpec.cloudflare.rollout,
): WantedHostname {
  const overrides = allowedOverrides(spec.ssl, classSpec.policy.overridableSSLFields);
  const merged = mergedSSL(classSpec.cloudflare.ssl, overrides);
  const { ciphers: _unused, ...withoutCiphers } = merged;
  // TLS 1.3 chooses its own ciphers, and Cloudflare refuses the pair (1443), which a merge of two valid halves can produce.
  const ssl = merged.minTLSVersion === "1.3" ? withoutCiphers : merged;
  const { server, sni } = spec.origin ?? {};
  const allowed = classSpec.policy.allowedOrigins;
  return {
    hostname,
    ssl,
    owned: ownedFields(ssl, rollout === "Existing" ? ssl : overrides),
    originServer: server !== undefined && allowed.includes(server) ? server : undefined,
    originSNI: sni !== undefined && allowed.includes(sni) ? sni : undefined,
  };
}

function allowedOverrides(ssl: DomainSSLSettings | undefined, fields: readonly SSLField[]): DomainSSLSettings {
  const entries = Object.entries(ssl ?? {}).filter(
    ([field, value]) => value !== undefined && fields.some((one) => one === field),
  );
  return Object.fromEntries(entries);
}

function mergedSSL(ssl: ClassSSLSettings, overrides: DomainSSLSettings): ClassSSLSettings {
  return {
    ...ssl,
    ...overrides,
    method: overrides.method ?? ssl.method,
    minTLSVersion: overrides.minTLSVersion ?? ssl.minTLSVersion,
  };
}

/** Ciphers bring the least TLS version with them: a row that still asks for 1.3 cannot take any. */
function ownedFields(ssl: ClassSSLSettings, from: DomainSSLSettings): ReadonlySet<SSLField> {
  const owned = new Set(SSL_FIELDS.filter((field) => from[field] !== undefined && ssl[field] !== undefined));
  if (owned.has("ciphers")) owned.add("minTLSVersion");
  return owned;
}

export function createInput(wanted: WantedHostname): CreateInput {
  const { ssl, hostname, originServer, originSNI } = wanted;
  return {
    hostname,
    ssl: {
      ...base(hostname, ssl.method),
      ...(ssl.certificateAuthority === undefined ? {} : { certificateAuthority: ssl.certificateAuthority }),
      settings: settingsOf(ssl),
    },
    ...(originServer === undefined ? {} : { customOriginServer: originServer }),
    ...(originSNI === undefined ? {} : { customOriginSNI: originSNI }),
  };
}

/**
 * The one PATCH that makes the row as wanted, or undefined. Every PATCH restarts validation and can pull traffic over from
 * another zone, so only owned settings count as a difference: server defaults, the server's choice of certificate authority and
 * members we do not know never do. The origin is always owned: a former holder's must not go on serving.
 */
export function drift(row: CustomHostname, wanted: WantedHostname): EditInput | undefined {
  const { ssl, owned } = wanted;
  const target = settingsOf(ssl);
  const current = inputOf(row.ssl?.settings);
  const settingsDiffer = SETTINGS.some((field) => owned.has(field) && !isDeepStrictEqual(current[field], target[field]));
  const methodDiffers = owned.has("method") && row.ssl?.method !== ssl.method;
  const caDiffers = owned.has("certificateAuthority") && row.ssl?.certificateAuthority !== ssl.certificateAuthority;
  const serverDiffers = row.customOriginServer !== wanted.originServer;
  const sniDiffers = row.customOriginSNI !== wanted.originSNI;
  if (row.ssl !== undefined && !settingsDiffer && !methodDiffers && !caDiffers && !serverDiffers && !sniDiffers) return undefined;
  return {
    ssl: {
      ...base(wanted.hostname, owned.has("method") ? ssl.method : keptMethod(row, ssl.method)),
      ...(caDiffers && ssl.certificateAuthority !== undefined ? { certificateAuthority: ssl.certificateAuthority } : {}),
      ...(settingsDiffer || row.ssl === undefined ? { settings: wholeSettings(current, target, owned) } : {}),
    },
    // [?] That "" goes back to the zone's fallback origin is unverified: Cloudflare writes unset strings so.
    ...(serverDiffers ? { customOriginServer: wanted.originServer ?? "" } : {}),
    ...(sniDiffers ? { customOriginSNI: wanted.originSNI ?? "" } : {}),
  };
}

/** The PATCH that changes nothing and restarts validation: same method and type, so id and tokens stay. */
export function restartInput(row: CustomHostname, wanted: WantedHostname): EditInput {
  return { ssl: base(row.hostname, keptMethod(row, wanted.ssl.method)) };
}

/**
 * Whether a PATCH could revive the row. Automatic: Cloudflare gave up (moved, timed out). OnRequest: blocked, where a PATCH helps
 * only after somebody removed the cause.
 */
export function restartable(row: CustomHostname): "Automatic" | "OnRequest" | undefined {
  const statusClass = classifyHostname(row.status);
  if (statusClass === "blocked") return "OnRequest";
  if (statusClass === "gone") return undefined;
  return statusClass === "moved" || isTimedOut(row.ssl?.status ?? "") ? "Automatic" : undefined;
}

/** Such a row still answers GET for a while, but is no hostname of ours any more. */
export function isGone(row: CustomHostname): boolean {
  return classifyHostname(row.status) === "gone";
}

const CREATED_SLACK_MS = 60_000;

/**
 * Whether the row was created after the claim recorded that the name had no row of ours (RFC 3339; 60 s of clock difference
 * allowed). False when Cloudflare does not say when it was created.
 */
export function createdByUs(row: CustomHostname, createdTime: string): boolean {
  return row.createdAt !== undefined && Date.parse(row.createdAt) >= Date.parse(createdTime) - CREATED_SLACK_MS;
}

/** What adoption "IfMatching" asks for beside the claim. */
export function sameOrigin(row: CustomHostname, wanted: WantedHostname): boolean {
  return row.customOriginServer === wanted.originServer && row.customOriginSNI === wanted.originSNI;
}

const MAX_UNBRANDED = 64;

function base(hostname: string, method: ValidationMethod): CertificateInput {
  const branding = hostname.length > MAX_UNBRANDED ? { cloudflareBranding: true } : {};
  return { method, type: "dv", ...branding };
}

/** Changing the method issues a new certificate: a row keeps its own unless the method is owned. Old rows have others ("cname"). */
function keptMethod(row: CustomHostname, fallback: ValidationMethod): ValidationMethod {
  const method = row.ssl?.method;
  return method === "http" || method === "txt" || method === "email" ? method : fallback;
}

const SETTINGS = ["minTLSVersion", "http2", "tls13", "earlyHints", "ciphers"] as const;

function settingsOf(ssl: ClassSSLSettings): SettingsInput {
  return {
    minTLSVersion: ssl.minTLSVersion,
    ...(ssl.http2 === undefined ? {} : { http2: onOff(ssl.http2) }),
    ...(ssl.tls13 === undefined ? {} : { tls13: onOff(ssl.tls13) }),
    ...(ssl.earlyHints === undefined ? {} : { earlyHints: onOff(ssl.earlyHints) }),
    ...(ssl.ciphers === undefined ? {} : { ciphers: ssl.ciphers }),
  };
}

function inputOf(settings: CertificateSettings | undefined): SettingsInput {
  if (settings === undefined) return {};
  const { minTLSVersion, http2, tls13, earlyHints, ciphers } = settings;
  return {
    ...(minTLSVersion === undefined ? {} : { minTLSVersion }),
    ...(http2 === undefined ? {} : { http2 }),
    ...(tls13 === undefined ? {} : { tls13 }),
    ...(earlyHints === undefined ? {} : { earlyHints }),
    ...(ciphers.length === 0 ? {} : { ciphers }),
  };
}

/** A PATCH replaces `settings` as a whole: what is not owned is sent back as it is. */
function wholeSettings(current: SettingsInput, target: SettingsInput, owned: ReadonlySet<SSLField>): SettingsInput {
  const kept = Object.fromEntries(
    Object.entries(current).filter(([field]) => !SETTINGS.some((one) => one === field && owned.has(one))),
  );
  const ours = Object.fromEntries(
    Object.entries(target).filter(([field]) => SETTINGS.some((one) => one === field && owned.has(one))),
  );
  const whole: SettingsInput = { ...kept, ...ours };
  const { ciphers: _unused, ...withoutCiphers } = whole;
  return whole.minTLSVersion === "1.3" ? withoutCiphers : whole;
}

function onOff(flag: boolean): string {
  return flag ? "on" : "off";
}
