import { describe, expect, test } from "vitest";
import type { BillingAccount, BillingAccountStatus } from "../../api/v1/billing-account.ts";
import type { BillingSettings } from "../../api/v1/chargebee-settings.ts";
import { billingSchema } from "../../api/v1/chargebee-settings.ts";
import { billingCondition, mayProvision } from "./domain-billing.ts";

const chargebee = { site: "acme", apiKeySecretRef: { name: "s", key: "k" }, itemPriceID: "domains", freeQuantity: 2 };
const REQUIRED: BillingSettings = billingSchema.parse({ chargebee });
const OPTIONAL: BillingSettings = billingSchema.parse({ accounts: "Optional", chargebee });
const NONE: BillingSettings = billingSchema.parse({});

function account(status: BillingAccountStatus = {}): BillingAccount {
  const metadata = { name: "default", namespace: "a" };
  return {
    apiVersion: "customdomains.dev/v1",
    kind: "BillingAccount",
    metadata,
    spec: { subscriptionID: "sub_A", suspend: false },
    status,
  };
}

function condition(type: string, status: "True" | "False", reason: string) {
  return { type, status, reason, message: "why", lastTransitionTime: "2026-01-01T00:00:00Z" };
}

const SYNCED = { lastSyncedTime: "2026-01-01T12:00:00Z", conditions: [condition("Synced", "True", "Synced")] };
const STALLED = {
  ...SYNCED,
  conditions: [condition("Synced", "False", "SubscriptionCancelled"), condition("Stalled", "True", "SubscriptionCancelled")],
};
const OUTAGE = {
  ...SYNCED,
  conditions: [condition("Synced", "False", "BillingUnavailable"), condition("Reconciling", "True", "BillingUnavailable")],
};

const base = {
  billing: REQUIRED,
  className: "default",
  namespace: "a",
  account: undefined,
  claimCreatedTime: "2026-01-01T11:00:00.500Z",
  previous: undefined,
};

describe("BillingSynced", () => {
  test.each([
    ["the class bills nothing", { billing: NONE }, "True", "NotBilled"],
    ["no account, one is required", {}, "False", "NoBillingAccount"],
    ["no account, none is required", { billing: OPTIONAL }, "True", "Unbilled"],
    ["not synced yet", { account: account() }, "False", "AwaitingBilling"],
    ["synced since", { account: account(SYNCED) }, "True", "Synced"],
    [
      "synced in the second of the claim",
      { account: account(SYNCED), claimCreatedTime: "2026-01-01T12:00:00.900Z" },
      "True",
      "Synced",
    ],
    ["synced before", { account: account(SYNCED), claimCreatedTime: "2026-01-01T12:00:01Z" }, "False", "AwaitingBilling"],
    ["no claim that counts", { account: account(SYNCED), claimCreatedTime: undefined }, "False", "AwaitingBilling"],
    ["covered once: an outage does not matter", { account: account(OUTAGE), previous: "True" as const }, "True", "Synced"],
    ["not covered yet, and an outage", { account: account(OUTAGE) }, "False", "AwaitingBilling"],
    ["the account is stalled", { account: account(STALLED), previous: "True" as const }, "False", "SubscriptionCancelled"],
  ])("%s", (_, input, status, reason) => {
    expect(billingCondition({ ...base, ...input })).toMatchObject({ status, reason });
  });
});

test("rule 11: without an account only the free domains may be connected, where one is required", () => {
  expect([0, 1, 2].map((count) => mayProvision(REQUIRED, undefined, count))).toEqual([true, true, false]);
  expect([OPTIONAL, NONE].map((billing) => mayProvision(billing, undefined, 9))).toEqual([true, true]);
  expect(mayProvision(REQUIRED, account(), 9)).toBe(true);
});
