import { createHmac } from "node:crypto";

/** The origin's answer to GET `<path>?n=<32 hex>`: proves that a request reached us. */
export interface SignedResponse {
  readonly v: 1;
  readonly host: string;
  readonly domain_id: string;
  readonly nonce: string;
  /** Unix seconds. */
  readonly iat: number;
  /** Lower-case hexadecimal HMAC-SHA256 over `v|host|domain_id|nonce|iat`. */
  readonly sig: string;
}

export interface SignedResponseInput {
  readonly host: string;
  readonly domainID: string;
  readonly nonce: string;
  readonly issuedAt: number;
}

export function signResponse(key: Buffer, { host, domainID, nonce, issuedAt }: SignedResponseInput): SignedResponse {
  const sig = createHmac("sha256", key).update(`1|${host}|${domainID}|${nonce}|${issuedAt}`).digest("hex");
  return { v: 1, host, domain_id: domainID, nonce, iat: issuedAt, sig };
}
