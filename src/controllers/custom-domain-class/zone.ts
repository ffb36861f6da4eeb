import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { CloudflareApi, Quota } from "../../cloudflare/api.ts";
import { checkCredential } from "../../cloudflare/credential.ts";
import { CloudflareError } from "../../cloudflare/errors.ts";
import type { Finding } from "../../core/conditions.ts";
import type { SessionResult } from "../providers.ts";

/** What Cloudflare says of a class's zone; "keep": it could not be asked. */
export interface ZoneReport {
  readonly credentials: Finding | "keep";
  readonly fallbackOrigin: Finding | "keep";
  readonly quota: { readonly allocated: number; readonly used: number } | undefined;
}

const BLOCKED: Finding = { status: "Unknown", reason: "NotChecked", message: "Not looked at: the credential does not work." };

/** Asks Cloudflare what a class depends on. Reads only; never throws for what an administrator can mend. */
export async function inspectZone(found: CustomDomainClass, provider: SessionResult, signal: AbortSignal): Promise<ZoneReport> {
  if (provider.kind === "unavailable") {
    const { reason, message } = provider;
    const status = reason === "SecretNotFound" ? "False" : "Unknown";
    return { credentials: { status, reason, message }, fallbackOrigin: BLOCKED, quota: undefined };
  }
  const { session } = provider;
  const api = session.api({
    subject: `CustomDomainClass/${found.metadata.name}`,
    why: "inspection",
    hostnames: [],
    priority: "normal",
  });
  const { finding: credentials, quota } = await credentialFinding(api, session.zoneID, signal);
  if (credentials !== "keep" && credentials.status !== "True") {
    return { credentials, fallbackOrigin: BLOCKED, quota: undefined };
  }
  const fallbackOrigin = await fallbackFinding(api, found, signal);
  return {
    credentials,
    fallbackOrigin,
    quota: quota === undefined ? undefined : { allocated: quota.allocated, used: quota.used },
  };
}

async function credentialFinding(
  api: CloudflareApi,
  zoneID: string,
  signal: AbortSignal,
): Promise<{ readonly finding: Finding | "keep"; readonly quota: Quota | undefined }> {
  try {
    const verdict = await checkCredential(api, zoneID, signal);
    if (verdict.kind === "Valid") {
      const message = "Cloudflare accepts the API token for the zone.";
      return { finding: { status: "True", reason: "CredentialsAccepted", message }, quota: verdict.quota };
    }
    const message = `${verdict.message}: put a token with permission SSL and Certificates: Edit into the Secret`;
    return { finding: { status: "False", reason: "Unauthorized", message }, quota: undefined };
  } catch (error) {
    return { finding: findingOf(error, signal), quota: undefined };
  }
}

async function fallbackFinding(api: CloudflareApi, found: CustomDomainClass, signal: AbortSignal): Promise<Finding | "keep"> {
  const { zoneID, fallbackOrigin: wanted } = found.spec.cloudflare;
  try {
    const origin = await api.fallbackOrigin(zoneID, signal);
    if (origin === undefined) {
      return {
        status: "False",
        reason: "FallbackOriginMissing",
        message: "The zone has no fallback origin, and without one no hostname validates: set it at Cloudflare.",
      };
    }
    if (wanted !== undefined && origin.origin !== wanted) {
      const message = `The zone's fallback origin is ${origin.origin}, the class expects ${wanted}: change one of the two`;
      return { status: "False", reason: "FallbackOriginMismatch", message };
    }
    if (origin.status !== "active") {
      const detail = origin.errors[0] === undefined ? "" : ` (${origin.errors[0].slice(0, 200)})`;
      return {
        status: "False",
        reason: "FallbackOriginPending",
        message: `Cloudflare reports the fallback origin ${origin.origin} as ${origin.status}${detail}: no hostname validates before it is active.`,
      };
    }
    return { status: "True", reason: "Active", message: `The fallback origin ${origin.origin} is active.` };
  } catch (error) {
    return findingOf(error, signal);
  }
}

/** What only an administrator can mend is a finding; an outage leaves the last one standing. */
function findingOf(error: unknown, signal: AbortSignal): Finding | "keep" {
  signal.throwIfAborted();
  if (!(error instanceof CloudflareError)) throw error;
  if (error.class === "Transient" || error.class === "RateLimited") return "keep";
  return { status: "False", reason: error.reason, message: error.message };
}
