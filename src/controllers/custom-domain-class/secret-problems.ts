import type { CustomDomainClass } from "../../api/v1/custom-domain-class.ts";
import type { ChargebeeSites } from "../../chargebee/sites.ts";
import type { Finding } from "../../core/conditions.ts";
import type { SecretReader } from "../../kube/secrets.ts";
import { siteOf } from "../billing-account/account-settings.ts";

/** The key that answers of the check are signed with is missing. */
export function signingKeyProblem(found: CustomDomainClass, secrets: SecretReader): Finding | undefined {
  const { response, egress, signingKeySecretRef } = found.spec.check;
  if (response !== "Signed" || egress === "Off" || signingKeySecretRef === undefined) return undefined;
  const key = secrets.read(signingKeySecretRef);
  if (key.kind !== "missing") return undefined;
  const message = `${key.message}: create it, with the key that answers of the check are signed with`;
  return { status: "False", reason: "SecretNotFound", message };
}

/** A key that Chargebee refuses is told here, once, and not on every account. */
export function billingKeyProblem(
  found: CustomDomainClass,
  secrets: SecretReader,
  sites: Pick<ChargebeeSites, "isRefused">,
): Finding | undefined {
  const { chargebee } = found.spec.billing;
  if (chargebee === undefined) return undefined;
  const key = secrets.read(chargebee.apiKeySecretRef);
  if (key.kind === "missing") {
    return { status: "False", reason: "SecretNotFound", message: `${key.message}: create it, with Chargebee's API key` };
  }
  if (!sites.isRefused(siteOf(chargebee))) return undefined;
  const message = `Chargebee refuses the API key for site ${chargebee.site}: put a key with full access to subscriptions into the Secret`;
  return { status: "False", reason: "Unauthorized", message };
}
