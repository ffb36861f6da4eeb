import fc from "fast-check";
import type { BillingInput } from "./billing.ts";
import { desiredQuantity } from "./billing-quantity.ts";
import { LINE, subscription } from "./billing-subscription.fixture.ts";

export const small = fc.nat({ max: 40 });
export const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const status = fc.constantFrom(
  "active",
  "active",
  "active",
  "in_trial",
  "non_renewing",
  "paused",
  "cancelled",
  "transferred",
  "foo",
);
const snapshot = fc.record({
  fresh: fc.boolean(),
  subscription: maybe(
    fc
      .tuple(status, fc.boolean(), fc.boolean(), maybe(fc.oneof(small, fc.constant(2.5))))
      .map(([state, scheduled, deleted, quantity]) =>
        subscription({ status: state, hasScheduledChanges: scheduled && deleted, deleted: deleted && !scheduled }, quantity),
      ),
  ),
});
const catalog = fc.record({
  price: maybe(
    fc.constantFrom("active", "archived").map((state) => ({
      id: "domains",
      itemID: "d",
      type: "addon",
      status: state,
      currencyCode: "USD",
      pricingModel: "per_unit",
      period: 1,
      periodUnit: "month",
      unitPrice: 100,
    })),
  ),
  item: fc.constant(undefined),
  applicable: fc.boolean(),
});

const NOW = 10_000_000;
/** Whatever can be known of an account, in any combination. */
export const input: fc.Arbitrary<BillingInput> = fc.record({
  now: fc.constant(NOW),
  line: fc.constant(LINE),
  mode: fc.constantFrom("Overage", "Total"),
  freeQuantity: fc.nat({ max: 3 }),
  maxQuantity: fc.integer({ min: 1, max: 60 }),
  delays: fc.constant({ debounceMs: 5_000, holdDownMs: 60_000 }),
  suspend: fc.boolean(),
  count: maybe(small),
  countBefore: maybe(small),
  journalled: maybe(small),
  recorded: maybe(small),
  written: maybe(small),
  contenders: fc.oneof(fc.constant([]), fc.constant([]), fc.constant(["b/default"])),
  explained: fc.nat({ max: 5 }),
  namespaceTerminating: fc.boolean(),
  acceptedQuantity: maybe(small.map(String)),
  damping: maybe(
    fc.record({
      desired: small,
      rising: fc.boolean(),
      changedAt: fc.integer({ min: NOW - 90_000, max: NOW }),
      startedAt: fc.constant(NOW - 90_000),
    }),
  ),
  pending: maybe(
    fc.record({ quantity: small, idempotencyKey: fc.constant("k"), sentAt: fc.integer({ min: NOW - 3_600_000, max: NOW }) }),
  ),
  refusal: maybe(fc.constant({ reason: "BillingRejected" as const, message: "no" })),
  readDue: fc.boolean(),
  snapshot: maybe(snapshot),
  catalog: maybe(catalog),
  driftWaitMs: fc.constantFrom(0, 0, 60_000),
});

/** As above, but with nothing in the way except waits, the fuse and the drift limit: most of these lead to a write. */
export const nearlyReady: fc.Arbitrary<BillingInput> = fc
  .tuple(input, small, small, fc.integer({ min: 1, max: 90_000 }))
  .map(([given, count, observed, sinceMs]) => {
    const desired = desiredQuantity(given.mode, count, given.freeQuantity);
    const price = {
      id: "domains",
      itemID: "d",
      type: "addon",
      status: "active",
      currencyCode: "USD",
      pricingModel: "per_unit",
      period: 1,
      periodUnit: "month",
      unitPrice: 100,
    };
    return {
      ...given,
      count,
      maxQuantity: 60,
      suspend: false,
      contenders: [],
      pending: undefined,
      refusal: undefined,
      journalled: given.journalled === undefined ? observed : given.journalled,
      damping: { desired, rising: desired > observed, changedAt: NOW - sinceMs, startedAt: NOW - sinceMs },
      snapshot: { fresh: true, subscription: subscription({}, observed === 0 ? undefined : observed) },
      catalog: { price, item: undefined, applicable: true },
    };
  });
