import { billingReasons } from "./reasons-billing.ts";
import { claimReasons } from "./reasons-claim.ts";
import { cloudflareReasons } from "./reasons-cloudflare.ts";
import { dnsReasons } from "./reasons-dns.ts";
import { platformReasons } from "./reasons-platform.ts";

/**
 * Every reason that a condition or an event of this operator can have, with its meaning, who must act and what to do: the one
 * catalogue behind conditions, events, metric labels, the HTTP APIs and docs/reference/reasons.md. Renaming one breaks users.
 */
export const reasonCatalogue = {
  ...claimReasons,
  ...dnsReasons,
  ...cloudflareReasons,
  ...billingReasons,
  ...platformReasons,
} as const;

export type Reason = keyof typeof reasonCatalogue;

export function isReason(word: string): word is Reason {
  return Object.hasOwn(reasonCatalogue, word);
}
