import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainClass, CustomDomainClassSpec } from "../../api/v1/custom-domain-class.ts";
import type { ClaimRow, DomainClaim } from "../../api/v1/domain-claim.ts";
import type { Reason } from "../../api/v1/reasons.ts";
import { SSL_FIELDS } from "../../api/v1/ssl-settings.ts";
import { type WantedHostname, wantedHostname } from "../../cloudflare/hostname.ts";

/** A setting of the spec that the class's policy does not let a domain have. */
export interface RefusedSetting {
  readonly reason: Extract<Reason, "OriginNotAllowed" | "SSLFieldNotAllowed">;
  readonly message: string;
}

/** One custom hostname as the holder of the name wants it. */
export interface WantedRow {
  readonly role: ClaimRow["role"];
  readonly wanted: WantedHostname;
  /** What the policy leaves out of {@link wanted}; `asked` is the hostname with it. */
  readonly refused?: RefusedSetting & { readonly asked: WantedHostname };
}

/** The first setting that the class does not allow; none is sent to Cloudflare. */
export function refusedSetting({ spec }: CustomDomain, found: CustomDomainClass): RefusedSetting | undefined {
  const { policy } = found.spec;
  const origins = [spec.origin?.server, spec.origin?.sni].filter((value) => value !== undefined);
  const origin = origins.find((value) => !policy.allowedOrigins.includes(value));
  if (origin !== undefined) {
    const message = `Class ${found.metadata.name} does not allow origin ${origin}: remove it from spec.origin, or ask an administrator`;
    return { reason: "OriginNotAllowed", message };
  }
  const fields: readonly string[] = policy.overridableSSLFields;
  const field = Object.keys(spec.ssl ?? {}).find((name) => !fields.includes(name));
  if (field === undefined) return undefined;
  const message = `Class ${found.metadata.name} does not let a domain set ssl.${field}: remove it from spec.ssl, or ask an administrator`;
  return { reason: "SSLFieldNotAllowed", message };
}

export function wantedRow(
  role: ClaimRow["role"],
  hostname: string,
  {
    domain,
    class: found,
    claim,
  }: { readonly domain: CustomDomain; readonly class: CustomDomainClass; readonly claim: DomainClaim },
): WantedRow {
  // A former holder's choices must not survive, whatever the class does with rows that exist.
  const handedOver = claim.spec.rows.some((known) => known.hostname === hostname && known.handedOver === true);
  const rollout = handedOver ? "Existing" : found.spec.cloudflare.rollout;
  const wanted = wantedHostname(hostname, domain.spec, found.spec, rollout);
  const refused = refusedSetting(domain, found);
  if (refused === undefined) return { role, wanted };
  return { role, wanted, refused: { ...refused, asked: wantedHostname(hostname, domain.spec, lenient(domain, found), rollout) } };
}

function lenient({ spec }: CustomDomain, found: CustomDomainClass): CustomDomainClassSpec {
  const origins = [spec.origin?.server, spec.origin?.sni].filter((value) => value !== undefined);
  const policy = { ...found.spec.policy, allowedOrigins: origins, overridableSSLFields: [...SSL_FIELDS] };
  return { ...found.spec, policy };
}
