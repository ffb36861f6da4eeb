import type {
  CustomHostnameCreateParams,
  CustomHostnameEditParams,
} from "cloudflare/resources/custom-hostnames/custom-hostnames";
import { z } from "zod";
import type { CertificateInput, CreateInput, EditInput, FallbackOrigin, Quota, SettingsInput, TokenState } from "./api.ts";

/**
 * Our inputs in Cloudflare's words. The SDK's parameter types are narrower than the API (closed enums of certificate authorities
 * and TLS versions): the values were validated by the CRD, so the bodies are cast once, here.
 */
export function createParams(zoneID: string, input: CreateInput): CustomHostnameCreateParams {
  return { zone_id: zoneID, hostname: input.hostname, ...bodyOf(input) } as CustomHostnameCreateParams;
}

export function editParams(zoneID: string, input: EditInput): CustomHostnameEditParams {
  return { zone_id: zoneID, ...bodyOf(input) } as CustomHostnameEditParams;
}

function bodyOf(input: EditInput) {
  return defined({
    ssl: certificateBody(input.ssl),
    custom_origin_server: input.customOriginServer,
    custom_origin_sni: input.customOriginSNI,
  });
}

function certificateBody(ssl: CertificateInput) {
  return defined({
    method: ssl.method,
    type: ssl.type,
    certificate_authority: ssl.certificateAuthority,
    bundle_method: ssl.bundleMethod,
    wildcard: ssl.wildcard,
    cloudflare_branding: ssl.cloudflareBranding,
    settings: ssl.settings === undefined ? undefined : settingsBody(ssl.settings),
  });
}

function settingsBody(settings: SettingsInput) {
  return defined({
    min_tls_version: settings.minTLSVersion,
    http2: settings.http2,
    tls_1_3: settings.tls13,
    early_hints: settings.earlyHints,
    ciphers: settings.ciphers,
  });
}

function defined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

const texts = z.array(z.string()).nullish().catch([]);
const optionalText = z.string().nullish().catch(undefined);
const amount = z.number().nonnegative();

export const fallbackOriginSchema = z
  .object({ origin: z.string(), status: z.string().catch(""), errors: texts })
  .transform(({ origin, status, errors }): FallbackOrigin => ({ origin, status, errors: (errors ?? []).slice(0, 10) }));

export const quotaSchema = z
  .object({ allocated: amount, used: amount, hard_cap: amount.nullish().catch(undefined) })
  .transform(({ allocated, used, hard_cap }): Quota => ({ allocated, used, hardCap: hard_cap ?? undefined }));

/** It becomes a DNS label in a record that the customer publishes. */
export const delegationSchema = z.object({ uuid: z.string().regex(/^[0-9a-z-]{1,63}$/i) }).transform(({ uuid }) => uuid);

export const tokenSchema = z
  .object({ status: z.string(), expires_on: optionalText })
  .transform(({ status, expires_on }): TokenState => ({ status, expiresAt: expires_on ?? undefined }));
