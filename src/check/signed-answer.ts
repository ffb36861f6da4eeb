import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";

/** What the origin's answer must be bound to. */
export interface SignedExpectation {
  /** The bytes of the class's signing Secret. */
  readonly key: Uint8Array;
  readonly host: string;
  /** status.id; the origin may leave it out by answering "". */
  readonly domainID: string;
  /** 32 lower-case hexadecimal digits. */
  readonly nonce: string;
  /** Unix milliseconds. */
  readonly now: number;
}

export type SignedVerdict = "Genuine" | "NotSigned" | "OtherNonce" | "OtherHost" | "OtherDomain" | "WrongTime" | "WrongSignature";

const MAX_CLOCK_DIFFERENCE_S = 60;

const answerSchema = z.object({
  v: z.literal(1),
  host: z.string().max(253),
  domain_id: z.string().max(63),
  nonce: z.string().max(64),
  iat: z.int(),
  sig: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * Whether `body` answers our very request: `{v: 1, host, domain_id, nonce, iat, sig}` with sig = lower-case hexadecimal
 * HMAC-SHA256 over `v|host|domain_id|nonce|iat`. It shows where requests arrive, not who owns
 * the name: any proxy could pass it on.
 */
export function verifySignedAnswer(body: string, expected: SignedExpectation): SignedVerdict {
  const parsed = answerSchema.safeParse(parseJSON(body));
  if (!parsed.success) return "NotSigned";
  const { v, host, domain_id, nonce, iat, sig } = parsed.data;
  const own = createHmac("sha256", expected.key).update(`${v}|${host}|${domain_id}|${nonce}|${iat}`, "utf8").digest();
  if (!timingSafeEqual(own, Buffer.from(sig, "hex"))) return "WrongSignature";
  if (nonce !== expected.nonce) return "OtherNonce";
  if (host !== expected.host) return "OtherHost";
  if (domain_id !== "" && domain_id !== expected.domainID) return "OtherDomain";
  return Math.abs(iat - expected.now / 1000) <= MAX_CLOCK_DIFFERENCE_S ? "Genuine" : "WrongTime";
}

function parseJSON(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
