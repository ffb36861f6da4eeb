import type { z } from "zod";
import { httpURL } from "./hostname-rules.ts";
import { immutable, type Rule, rule } from "./rules.ts";
import { choice, flag, type Immutable, integer, object, text } from "./schema.ts";
import { secretKeyRef } from "./secret-key-ref.ts";

const safeID: Rule = rule(
  "self.matches('^[A-Za-z0-9_-][A-Za-z0-9_.~-]{0,49}$')",
  "must be a Chargebee id: at most 50 letters, digits, '_', '-', '.' and '~', not beginning with '.' or '~'",
);

const siteName: Rule = rule(
  "self.matches('^[a-z0-9][a-z0-9-]*$')",
  "must be the site's name alone, such as 'acme-test' for https://acme-test.chargebee.com",
);

/** An id that may stand in a Chargebee URL. */
export function chargebeeID(description: string) {
  return text(description, { max: 50, rules: [safeID] });
}

const chargebeeSchema = object(
  "Chargebee bills the class by quantity: BillingAccount objects name the subscriptions.",
  {
    site: text("The Chargebee site. It cannot change: quantities of BillingAccounts belong to it.", {
      max: 63,
      rules: [siteName, immutable("BillingAccounts have quantities at this site; create another class")],
    }),
    apiURL: text("The base URL of the API. Absent: https://<site>.chargebee.com/api/v2.", {
      max: 512,
      rules: [httpURL],
    }).optional(),
    apiKeySecretRef: secretKeyRef("The API key, in the operator's namespace."),
    catalog: choice("The site's product catalogue: ItemPrices for 2.0, Addons for 1.0. It cannot change.", [
      "ItemPrices",
      "Addons",
    ]).default("ItemPrices"),
    itemPriceID: chargebeeID("The item price (Addons catalogue: the add-on) whose quantity counts domains."),
    mode: choice(
      "Overage writes the domains beyond freeQuantity; Total writes all of them and leaves the free tier to the price's tiers.",
      ["Overage", "Total"],
    ).default("Overage"),
    freeQuantity: integer("Domains per account that cost nothing. Used by mode Overage.", 0, 1_000_000).default(1),
    prorate: flag("Whether a change within the term is charged or credited in proportion.").default(true),
    invoiceImmediately: flag("true invoices each change at once; false leaves it to the next renewal.").default(false),
    debounceSeconds: integer("How long a rise must be quiet before it is written.", 0, 3600).default(5),
    holdDownSeconds: integer("How long a fall must last before it is written.", 0, 86_400).default(60),
    maxQuantity: integer("The quantity above which nothing is written.", 1, 1_000_000).default(10_000),
    resyncMinutes: integer("How often the quantity is read again and corrected.", 1, 1440).default(30),
    requestsPerMinute: integer("The most requests to the site per minute; other programs share its limit.", 1, 10_000).default(
      60,
    ),
  },
  [
    rule(
      "self.catalog == oldSelf.catalog",
      "catalog must not change: a site has one catalogue; create another class for another site",
    ),
  ],
);

export const billingSchema = object(
  "How domains are billed. Without chargebee nothing is.",
  {
    accounts: choice(
      "Required: without BillingAccount a namespace gets no new domain beyond freeQuantity. Optional: such domains are not billed.",
      ["Required", "Optional"],
    ).default("Required"),
    chargebee: chargebeeSchema.optional(),
  },
  [
    rule(
      "!has(oldSelf.chargebee) || has(self.chargebee)",
      "must keep chargebee: BillingAccounts have quantities at that site; set suspend on them, or create another class",
    ),
  ],
);

export type ChargebeeSettings = Immutable<z.output<typeof chargebeeSchema>>;
export type BillingSettings = Immutable<z.output<typeof billingSchema>>;
