import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { input, maybe, nearlyReady, small } from "./billing.testing.ts";
import { type BillingInput, decideBilling } from "./billing.ts";
import { isSuspiciousDrop } from "./billing-fuse.ts";
import { desiredQuantity } from "./billing-quantity.ts";
import { LINE, subscription } from "./billing-subscription.fixture.ts";

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
