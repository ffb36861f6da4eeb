import { cloudflareSchema } from "../api/v1/cloudflare-settings.ts";
import { policySchema } from "../api/v1/policy-settings.ts";
import type { CreateInput, EditInput } from "./api.ts";
import { type ClassSettings, type DomainSettings, wantedHostname } from "./hostname.ts";
import { inService } from "./recorded-rows.testing.ts";
import { type CustomHostname, parseRow } from "./row.ts";
import { createParams, editParams } from "./wire.ts";

export const ZONE = "023e105f4ecef8ad9ca31a8372d0c353";
export const HOSTNAME = "custom.customer.dev";

export function classOf(cloudflare: Record<string, unknown> = {}, policy: Record<string, unknown> = {}): ClassSettings {
  return {
    cloudflare: cloudflareSchema.parse({ zoneID: ZONE, apiTokenSecretRef: { name: "cloudflare", key: "token" }, ...cloudflare }),
    policy: policySchema.parse({
      overridableSSLFields: ["method", "minTLSVersion", "http2", "earlyHints", "ciphers", "certificateAuthority"],
      allowedOrigins: ["origin.platform.dev", ":request_host_header:"],
      ...policy,
    }),
  };
}

export function row(raw: unknown): CustomHostname {
  const parsed = parseRow(raw);
  if (parsed === undefined) throw new Error("no row");
  return parsed;
}

export const served = row(inService);

export function wanted(spec: DomainSettings = {}, classSettings = classOf()) {
  return wantedHostname(HOSTNAME, spec, classSettings);
}

/** What Cloudflare shows after it took the body: defaults filled in, an authority chosen. */
export function applied(body: CreateInput | EditInput, to: CustomHostname): CustomHostname {
  const { ssl: certificate, ...origins } = "hostname" in body ? createParams(ZONE, body) : editParams(ZONE, body);
  const settings = { http2: "on", http3: "on", ...certificate?.settings };
  return row({
    ...inService,
    ...to,
    ...origins,
    ssl: { certificate_authority: "google", bundle_method: "ubiquitous", ...certificate, settings },
  });
}

/** Settings are replaced as a whole, the rest member by member. */
export function patched(patch: EditInput, before: CustomHostname): CustomHostname {
  const body = editParams(ZONE, patch);
  return row({
    ...inService,
    custom_origin_server: body.custom_origin_server ?? before.customOriginServer,
    ssl: {
      method: body.ssl?.method,
      certificate_authority: body.ssl?.certificate_authority ?? before.ssl?.certificateAuthority,
      settings: body.ssl?.settings ?? {
        min_tls_version: before.ssl?.settings.minTLSVersion,
        http2: before.ssl?.settings.http2,
        tls_1_3: before.ssl?.settings.tls13,
        early_hints: before.ssl?.settings.earlyHints,
        ciphers: before.ssl?.settings.ciphers,
      },
    },
  });
}
