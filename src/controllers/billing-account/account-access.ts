import type { BillingAccount } from "../../api/v1/billing-account.ts";
import type { ChargebeeApi } from "../../chargebee/client.ts";
import type { SecretReader } from "../../kube/secrets.ts";
import { type AccountSettings, accountSettings, hasValidIDs, siteRequestsPerMinute } from "./account-settings.ts";
import type { PlainState } from "./account-status.ts";
import type { BillingSources, SiteDirectory } from "./ports.ts";

export type AccountAccess =
  | {
      readonly kind: "ready";
      readonly settings: AccountSettings;
      readonly api: ChargebeeApi;
      /** Changes with the class and the Secret. */
      readonly version: string;
    }
  /** The Secret is not known yet. */
  | { readonly kind: "unknown" }
  | { readonly kind: "none"; readonly state: PlainState };

/** Finds out how an account reaches Chargebee, or why it does not. */
export class AccessResolver {
  readonly #sources: BillingSources;
  readonly #secrets: SecretReader;
  readonly #sites: SiteDirectory;

  constructor(options: { readonly sources: BillingSources; readonly secrets: SecretReader; readonly sites: SiteDirectory }) {
    this.#sources = options.sources;
    this.#secrets = options.secrets;
    this.#sites = options.sites;
  }

  resolve(account: BillingAccount): AccountAccess {
    const className = account.metadata.name;
    const accountClass = this.#sources.classNamed(className);
    if (accountClass === undefined)
      return none(
        "stalled",
        "ClassNotFound",
        `No CustomDomainClass is named ${className}; a BillingAccount has its class's name.`,
      );
    const { chargebee } = accountClass.spec.billing;
    if (chargebee === undefined) return none("ready", "NotBilled", `CustomDomainClass ${className} does not bill.`);
    const settings = accountSettings(account, chargebee);
    if (!hasValidIDs(settings.line))
      return none("stalled", "SubscriptionNotFound", "The subscription or item price is not a Chargebee id.");
    const secret = this.#secrets.read(settings.secretRef);
    if (secret.kind === "unknown") return { kind: "unknown" };
    if (secret.kind === "missing") return none("waiting", "SecretNotFound", `${secret.message}.`);
    const requestsPerMinute = siteRequestsPerMinute(settings.site, this.#sources.classes());
    // A key in a file often ends with a newline.
    const apiKey = secret.value.toString("utf8").trim();
    const api = this.#sites.client({ ...settings.access, apiKey, requestsPerMinute });
    const { uid = "", generation = 0 } = accountClass.metadata;
    return { kind: "ready", settings, api, version: `${uid}/${generation}/${secret.version}` };
  }
}

function none(kind: PlainState["kind"], reason: PlainState["reason"], message: string): AccountAccess {
  return { kind: "none", state: { kind, reason, message } };
}
