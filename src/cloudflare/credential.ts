import type { CloudflareApi, Quota, TokenState } from "./api.ts";
import { CloudflareError } from "./errors.ts";

export type CredentialVerdict =
  /** `expiresAt`: RFC 3339; undefined for a token without an end, or one whose end cannot be asked for. */
  | { readonly kind: "Valid"; readonly expiresAt: string | undefined; readonly quota: Quota }
  | { readonly kind: "Invalid"; readonly message: string };

/**
 * Whether the token works for the zone. It is proven by reading the zone's quota, which needs the very permission that the
 * operator needs; asking about the token itself only adds when it ends.
 * @throws CloudflareError for anything but a refusal of the token, or the signal's reason
 */
export async function checkCredential(api: CloudflareApi, zoneID: string, signal: AbortSignal): Promise<CredentialVerdict> {
  const token = await ownState(api, signal);
  if (token !== undefined && token.status !== "active") {
    return { kind: "Invalid", message: `Cloudflare reports the API token as ${token.status}` };
  }
  try {
    return { kind: "Valid", expiresAt: token?.expiresAt, quota: await api.quota(zoneID, signal) };
  } catch (error) {
    if (error instanceof CloudflareError && error.class === "Unauthorized") return { kind: "Invalid", message: error.message };
    throw error;
  }
}

/**
 * [?] /user/tokens/verify refuses account-owned tokens (401), and their own endpoint needs an account id, which a class does not
 * have. So a refusal here says nothing about the token.
 */
async function ownState(api: CloudflareApi, signal: AbortSignal): Promise<TokenState | undefined> {
  try {
    return await api.verifyToken(signal);
  } catch (error) {
    if (error instanceof CloudflareError && error.class === "Unauthorized") return undefined;
    throw error;
  }
}
