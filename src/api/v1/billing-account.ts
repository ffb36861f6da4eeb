import type { z } from "zod";
import type { KubeObject } from "../../kube/objects.ts";
import { chargebeeID } from "./chargebee-settings.ts";
import { conditionsSchema } from "./conditions.ts";
import { flag, type Immutable, integer, keyedList, object, time } from "./schema.ts";

const quantity = (description: string) => integer(description, 0, 1_000_000);

export const billingAccountSpecSchema = object("The subscription that pays for the namespace's domains.", {
  subscriptionID: chargebeeID("The Chargebee subscription whose quantity follows the number of domains."),
  itemPriceID: chargebeeID(
    "The item price (Addons catalogue: the add-on) to set the quantity of. Absent: the class's.",
  ).optional(),
  freeQuantity: quantity("Domains that cost nothing. Absent: the class's.").optional(),
  maxQuantity: integer("The quantity above which nothing is written. Absent: the class's.", 1, 1_000_000).optional(),
  suspend: flag("true stops every write to Chargebee.").default(false),
});

const billingLineSchema = object("A subscription line that the operator may have set to more than zero.", {
  subscriptionID: chargebeeID("The subscription."),
  itemPriceID: chargebeeID("The item price or add-on."),
  quantity: quantity("The quantity last seen there."),
  resourceVersion: integer(
    "Chargebee's resource_version of the subscription when the quantity was seen.",
    0,
    Number.MAX_SAFE_INTEGER,
  ).optional(),
});

export const billingAccountStatusSchema = object("What was counted, and what Chargebee has.", {
  observedGeneration: integer("The metadata.generation that this status is about.", 0, Number.MAX_SAFE_INTEGER).optional(),
  domains: quantity("Billable domains of the namespace in this class.").optional(),
  desiredQuantity: quantity("The quantity that Chargebee should have. 0: no line.").optional(),
  errorEpoch: integer(
    "Counts final refusals by Chargebee, so that the next try is not answered from its memory.",
    0,
    2_147_483_647,
  ).optional(),
  lastSyncedTime: time("When Chargebee was last seen to agree.").optional(),
  lines: keyedList("The lines that the operator answers for.", billingLineSchema, 4, [
    "subscriptionID",
    "itemPriceID",
  ]).optional(),
  conditions: conditionsSchema.optional(),
});

export const billingAccountSchema = object(
  "The account that pays for the domains of a namespace in the CustomDomainClass of the same name. Written by admins.",
  { spec: billingAccountSpecSchema, status: billingAccountStatusSchema.optional() },
);

export type BillingLine = Immutable<z.output<typeof billingLineSchema>>;
export type BillingAccountSpec = Immutable<z.output<typeof billingAccountSpecSchema>>;
export type BillingAccountStatus = Immutable<z.output<typeof billingAccountStatusSchema>>;

export interface BillingAccount extends KubeObject<BillingAccountSpec, BillingAccountStatus> {
  readonly spec: BillingAccountSpec;
}
