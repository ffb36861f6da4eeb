import fc from "fast-check";
import { expect, test } from "vitest";
import type { ItemPrice, Subscription, SubscriptionItem } from "./catalog.ts";
import { addonParams, echoedLine, itemPriceParams, planRemoval, quantityOf } from "./quantity.ts";

const POLICY = { prorate: true, invoiceImmediately: false };
const PRICE: ItemPrice = {
  id: "x",
  itemID: "i",
  type: "addon",
  status: "active",
  currencyCode: "USD",
  pricingModel: "per_unit",
  period: 1,
  periodUnit: "month",
  unitPrice: 200,
};

const item: fc.Arbitrary<SubscriptionItem> = fc.record({
  itemPriceID: fc.constantFrom("a", "b", "c", "domains"),
  type: fc.constantFrom("plan", "addon", "charge", "novelty"),
  quantity: fc.option(fc.oneof(fc.nat({ max: 9 }), fc.constant(0.5)), { nil: undefined }),
  inDecimal: fc.constant(false),
  unitPrice: fc.option(fc.nat({ max: 300 }), { nil: undefined }),
  billingCycles: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
});

const subscription: fc.Arbitrary<Subscription> = fc.record({
  id: fc.constant("sub_A"),
  status: fc.constantFrom("active", "non_renewing"),
  deleted: fc.constant(false),
  currencyCode: fc.constant("USD"),
  resourceVersion: fc.constant(1),
  billingPeriod: fc.constant(1),
  billingPeriodUnit: fc.constant("month"),
  hasScheduledChanges: fc.constant(false),
  items: fc.uniqueArray(item, { selector: ({ itemPriceID }) => itemPriceID, maxLength: 4 }),
});

test("a removal never names the line, a charge or a quantity below 1, is never empty, and takes the plan only for the last addon", () => {
  fc.assert(
    fc.property(subscription, fc.constantFrom("ItemPrices", "Addons"), (read, catalog) => {
      const removal = planRemoval(read, "domains", catalog);
      const addons = read.items.filter(({ type, itemPriceID }) => type === "addon" && itemPriceID !== "domains");
      if (removal.kind === "held") {
        expect(addons).toEqual([]);
        return;
      }
      expect(removal.keep.length).toBeGreaterThan(0);
      if (addons.length > 0) expect(removal.keep).toEqual(addons);
      else
        expect([catalog, read.status, ...new Set(removal.keep.map(({ type }) => type))]).toEqual([
          "ItemPrices",
          "active",
          "plan",
        ]);
      for (const line of removal.keep.map((kept) => echoedLine(kept, PRICE)))
        expect(line.quantity ?? 1).toBeGreaterThanOrEqual(1);
    }),
  );
});

test("a negotiated price is repeated, a catalogue price and the price of tiers are not", () => {
  const line: SubscriptionItem = {
    itemPriceID: "x",
    type: "addon",
    quantity: 2,
    inDecimal: false,
    unitPrice: 150,
    billingCycles: undefined,
  };
  expect(echoedLine(line, PRICE).unitPrice).toBe(150);
  expect(echoedLine({ ...line, unitPrice: 200 }, PRICE).unitPrice).toBeUndefined();
  expect(echoedLine(line, { ...PRICE, pricingModel: "tiered" }).unitPrice).toBeUndefined();
  expect(echoedLine(line, undefined).unitPrice).toBeUndefined();
});

test.each([0, -1, 0.5, Number.NaN])("no body is made of quantity %d", (quantity) => {
  const line = { itemPriceID: "x", quantity, inDecimal: false, unitPrice: undefined, billingCycles: undefined };
  expect(() => itemPriceParams([line], false, POLICY)).toThrow(RangeError);
  expect(() => addonParams([line], false, POLICY)).toThrow(RangeError);
});

test("another add-on's fraction is repeated on a decimal site", () => {
  const line: SubscriptionItem = {
    itemPriceID: "x",
    type: "addon",
    quantity: 2.5,
    inDecimal: true,
    unitPrice: undefined,
    billingCycles: undefined,
  };
  expect(itemPriceParams([echoedLine(line, undefined)], true, POLICY).subscription_items).toEqual([
    { item_price_id: "x", quantity_in_decimal: "2.5" },
  ]);
});

test("every body forbids to revive a cancelled subscription", () => {
  const line = { itemPriceID: "x", quantity: 1, inDecimal: false, unitPrice: undefined, billingCycles: undefined };
  for (const replaceAll of [true, false]) {
    expect(itemPriceParams([line], replaceAll, POLICY)).toMatchObject({ reactivate: false });
    expect(addonParams([line], replaceAll, POLICY)).toMatchObject({ reactivate: false });
  }
});

test("an absent line is 0; one without a quantity compares with nothing", () => {
  const flat: SubscriptionItem = {
    itemPriceID: "flat",
    type: "addon",
    quantity: undefined,
    inDecimal: false,
    unitPrice: 1,
    billingCycles: undefined,
  };
  fc.assert(
    fc.property(subscription, (read) => {
      expect(quantityOf({ ...read, items: [] }, "flat")).toBe(0);
      expect(quantityOf({ ...read, items: [flat] }, "flat")).toBeNaN();
    }),
  );
});
