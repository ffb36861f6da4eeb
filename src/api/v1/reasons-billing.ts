import { NOTHING_TO_DO, type ReasonGroup } from "./reason-description.ts";

/** What BillingAccount and BillingSynced tell. */
export const billingReasons = {
  Synced: {
    on: ["BillingAccount Ready", "Synced", "BillingSynced"],
    actor: "Nobody",
    means: "Chargebee has the right quantity.",
    remedy: NOTHING_TO_DO,
  },
  NotBilled: { on: ["BillingSynced", "Synced"], actor: "Nobody", means: "The class bills nothing.", remedy: NOTHING_TO_DO },
  Unbilled: {
    on: ["BillingSynced"],
    actor: "Nobody",
    means: "The namespace has no BillingAccount for the class, and the class does not ask for one.",
    remedy: NOTHING_TO_DO,
  },
  NoBillingAccount: {
    on: ["BillingSynced", "HostnameActive"],
    actor: "Admin",
    means: "The namespace has no BillingAccount for the class: new domains beyond the free ones are not connected.",
    remedy: "Create a BillingAccount of the class's name in the namespace.",
  },
  AwaitingBilling: {
    on: ["BillingSynced", "Synced"],
    actor: "Nobody",
    means: "The quantity is about to be written.",
    remedy: "Wait; a rise is written after debounceSeconds, a fall after holdDownSeconds.",
  },
  CountUnknown: {
    on: ["Synced"],
    actor: "Nobody",
    means: "The operator has just started and has not counted the domains yet.",
    remedy: "Wait.",
  },
  SubscriptionConflict: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "Two BillingAccounts set the quantity of the same subscription line; neither is written.",
    remedy: "Give each account a subscription or item price of its own.",
  },
  SuspiciousDrop: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "The number of domains fell by more than half without deletions that explain it; nothing is written.",
    remedy: "Check the domains, then set annotation customdomains.dev/accept-quantity to the desired quantity.",
  },
  SubscriptionNotFound: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "Chargebee has no subscription of this id.",
    remedy: "Correct spec.subscriptionID.",
  },
  SubscriptionCancelled: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "The subscription is cancelled; it is never revived by this operator.",
    remedy: "Reactivate it at Chargebee, or name another in spec.subscriptionID.",
  },
  SubscriptionTransferred: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "The subscription was transferred and lives on under another id.",
    remedy: "Name the new one in spec.subscriptionID.",
  },
  SubscriptionDeleted: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "The subscription was deleted.",
    remedy: "Name another in spec.subscriptionID.",
  },
  SubscriptionPaused: {
    on: ["Synced"],
    actor: "Admin",
    means: "The subscription is paused; Chargebee accepts no change.",
    remedy: "Resume it at Chargebee; the quantity is then written.",
  },
  SubscriptionStatusUnknown: {
    on: ["Synced"],
    actor: "Admin",
    means: "The subscription has a status that this version of the operator does not know; nothing is written.",
    remedy: "Upgrade the operator if it lasts.",
  },
  ScheduledChangesPresent: {
    on: ["Synced"],
    actor: "Admin",
    means: "The subscription has scheduled changes, which a write would destroy.",
    remedy: "Wait until they have happened, or remove them at Chargebee.",
  },
  ItemPriceNotFound: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "Chargebee has no item price (or add-on) of this id.",
    remedy: "Correct itemPriceID of the account or of the class.",
  },
  ItemPriceArchived: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "The item price is archived and cannot be added to a subscription.",
    remedy: "Name an active one in itemPriceID.",
  },
  ItemPriceIncompatible: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means:
      "The item price does not fit: other currency, other period, not an add-on, metered, without quantity, or not applicable to the plan.",
    remedy: "Name one that fits in itemPriceID; the message says what does not.",
  },
  QuantityUnsupported: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "The line's quantity is a fraction, which domains cannot be.",
    remedy: "Correct the quantity at Chargebee.",
  },
  OldLineHeld: {
    on: ["Synced"],
    actor: "Admin",
    means: "After a change of subscription or price the old line could not be released yet; the new one is written.",
    remedy: "Look at the old subscription at Chargebee; it is tried again by itself.",
  },
  BillingRejected: {
    on: ["Synced", "BillingSynced"],
    actor: "Admin",
    means: "Chargebee refuses the quantity, for example because a payment failed.",
    remedy: "Look at the code in the message; it is tried again every hour and on any change.",
  },
  BillingUnavailable: {
    on: ["Synced"],
    actor: "Nobody",
    means: "Chargebee could not be asked or gave no clear answer.",
    remedy: "Wait; domains are not touched.",
  },
  SubscriptionLocked: {
    on: ["Synced"],
    actor: "Nobody",
    means: "Chargebee is changing the subscription for somebody else.",
    remedy: "Wait.",
  },
  ReleasePending: {
    on: ["BillingAccount Ready", "Synced"],
    actor: "Nobody",
    means: "The account is being deleted and its lines are not released yet.",
    remedy:
      "Wait; if Chargebee cannot be asked any more, set annotation customdomains.dev/abandon-billing to the subscription id.",
  },
  DriftCorrected: {
    on: ["Event"],
    actor: "Nobody",
    means: "Somebody else changed the quantity; it was set right.",
    remedy: "Do not change this line by hand.",
  },
  BillingAbandoned: {
    on: ["Event"],
    actor: "Admin",
    means: "The account was deleted without releasing its lines.",
    remedy: "Correct the subscription at Chargebee by hand.",
  },
  QuantityChanged: { on: ["Event"], actor: "Nobody", means: "A quantity was written to Chargebee.", remedy: NOTHING_TO_DO },
} as const satisfies ReasonGroup;
