import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BillingInput, decideBilling } from "./billing.ts";
import { isSuspiciousDrop } from "./billing-fuse.ts";
import { desiredQuantity } from "./billing-quantity.ts";
import { LINE, subscription } from "./billing-subscription.fixture.ts";

const small = fc.nat({ max: 40 });
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
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
const input: fc.Arbitrary<BillingInput> = fc.record({
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
const nearlyReady: fc.Arbitrary<BillingInput> = fc
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

const WRITABLE = ["active", "in_trial", "non_renewing"];

describe("whatever is known", () => {
  test("a write follows a read of this reconcile only, on a line that may be written and is on record", () => {
    fc.assert(
      fc.property(fc.oneof(input, nearlyReady), (given) => {
        const { step, desired } = decideBilling(given);
        if (step.kind !== "write") return;
        const read = given.snapshot?.subscription;
        expect(given.snapshot?.fresh).toBe(true);
        expect(WRITABLE).toContain(read?.status);
        expect(read?.deleted || read?.hasScheduledChanges || given.suspend).toBe(false);
        expect(given.contenders).toEqual([]);
        expect(desired).toBeLessThanOrEqual(given.maxQuantity);
        if (step.repeat !== undefined) {
          expect(step).toMatchObject({ quantity: given.pending?.quantity, repeat: given.pending });
          return;
        }
        expect(step.quantity).toBe(desired);
        expect(given.journalled).toBeDefined();
        expect(given.refusal).toBeUndefined();
        if (step.quantity === 0) expect(given.mode).toBe("Overage");
        else expect(given.catalog?.price).toBeDefined();
      }),
      { numRuns: 5_000 },
    );
  });

  test("no change goes out before its wait is over, and no suspicious fall without an admin's word", () => {
    fc.assert(
      fc.property(nearlyReady, (given) => {
        const { step, desired, damping } = decideBilling(given);
        if (step.kind !== "write" || damping === undefined || desired === undefined) return;
        expect(given.damping).toMatchObject({ rising: damping.rising, desired });
        expect(given.now - damping.changedAt).toBeGreaterThanOrEqual(damping.rising ? 5_000 : 60_000);
        if (step.drift) expect(given.driftWaitMs).toBe(0);
        if (damping.rising || given.acceptedQuantity === String(desired) || given.countBefore === undefined) return;
        const { explained, namespaceTerminating, countBefore: before, count = 0 } = given;
        expect(isSuspiciousDrop({ before, count, explained, namespaceTerminating })).toBe(false);
      }),
      { numRuns: 5_000 },
    );
  });

  test("an unknown count concludes nothing; a record means that the last thing seen is what is wanted", () => {
    fc.assert(
      fc.property(input, (given) => {
        const { step, desired } = decideBilling(given);
        expect(step.kind === "unknown").toBe(given.count === undefined);
        if (given.count === undefined) return;
        expect(desired).toBe(desiredQuantity(given.mode, given.count, given.freeQuantity));
        if (step.kind !== "record") return;
        expect(step.quantity).toBe(desired);
        const seen = given.snapshot === undefined ? given.recorded : (given.snapshot.subscription?.items[1]?.quantity ?? 0);
        expect(seen).toBe(desired);
        expect(given.readDue && given.snapshot?.fresh !== true).toBe(false);
      }),
      { numRuns: 3_000 },
    );
  });
});

test("carried out step by step it comes to rest at the right quantity, with one write, whatever it starts from", () => {
  const start = fc.record({
    count: small,
    quantity: maybe(fc.integer({ min: 1, max: 40 })),
    mode: fc.constantFrom("Overage" as const, "Total" as const),
  });
  fc.assert(
    fc.property(start, ({ count, quantity, mode }) => {
      const state = { observed: quantity ?? 0, journalled: undefined as number | undefined, now: 0, writes: 0 };
      let next: Pick<BillingInput, "snapshot" | "catalog" | "damping"> = {
        snapshot: undefined,
        catalog: undefined,
        damping: undefined,
      };
      const price = {
        id: "domains",
        itemID: "d",
        type: "addon",
        status: "active",
        currencyCode: "USD",
        pricingModel: "tiered",
        period: 1,
        periodUnit: "month",
        unitPrice: undefined,
      };
      for (let pass = 0; pass < 20; pass += 1) {
        const read = subscription({}, state.observed === 0 ? undefined : state.observed);
        const { step, desired, damping } = decideBilling({
          ...next,
          now: state.now,
          line: LINE,
          mode,
          freeQuantity: 1,
          maxQuantity: 100,
          delays: { debounceMs: 5_000, holdDownMs: 60_000 },
          suspend: false,
          count,
          countBefore: undefined,
          journalled: state.journalled,
          recorded: undefined,
          written: undefined,
          contenders: [],
          explained: 1_000,
          namespaceTerminating: false,
          acceptedQuantity: undefined,
          pending: undefined,
          refusal: undefined,
          readDue: false,
          driftWaitMs: 0,
        });
        next = { ...next, damping };
        if (step.kind === "record") {
          expect([state.observed, state.writes]).toEqual([desired, (quantity ?? 0) === desired ? 0 : 1]);
          return;
        }
        if (step.kind === "read") next = { ...next, snapshot: { subscription: read, fresh: true } };
        else if (step.kind === "inspect") next = { ...next, catalog: { price, item: undefined, applicable: true } };
        else if (step.kind === "journal") state.journalled = step.quantity;
        else if (step.kind === "wait") {
          state.now += step.afterMs;
          next = { ...next, snapshot: { subscription: read, fresh: false }, catalog: undefined };
        } else if (step.kind === "write") {
          state.observed = step.quantity;
          state.writes += 1;
          next = {
            snapshot: { subscription: subscription({}, step.quantity === 0 ? undefined : step.quantity), fresh: true },
            catalog: undefined,
            damping,
          };
        } else throw new Error(`unexpected ${step.kind}`);
      }
      throw new Error("it does not come to rest");
    }),
  );
});
