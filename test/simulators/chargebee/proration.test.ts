import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkewedClock } from "../clock.ts";
import type { ChargebeeSimulator } from "./chargebee-simulator.ts";
import { ADDON, call, DAY_MS, PLAN, quantityForm, startSite, UPDATE } from "./fixture.ts";
import { addPeriod, dividesPeriod, type ItemPrice } from "./model.ts";
import { lineAmount } from "./pricing.ts";

let clock: SkewedClock;
let chargebee: ChargebeeSimulator;

beforeEach(async () => {
  clock = new SkewedClock();
  chargebee = await startSite(clock);
});
afterEach(() => chargebee.close());

const update = (form: Record<string, string>) => call(chargebee, "POST", UPDATE, form);
const amounts = () => {
  const { unbilledCharges, invoices, creditNotes } = chargebee.records();
  return {
    unbilled: unbilledCharges.map(({ amount }) => amount),
    invoiced: invoices.map(({ total }) => total),
    credited: creditNotes.map(({ total }) => total),
  };
};

describe("proration", () => {
  it("accrues the rest of the term until the renewal", async () => {
    clock.advance(15 * DAY_MS);
    const { body } = await update(quantityForm(4));
    expect(body).toMatchObject({
      unbilled_charges: [{ amount: 200, quantity: 2, description: expect.stringContaining("Prorated Charges") }],
    });
    expect(body).not.toHaveProperty("invoice");
    expect(amounts()).toEqual({ unbilled: [200], invoiced: [], credited: [] });
    clock.advance(15 * DAY_MS);
    await call(chargebee, "GET", "/subscriptions/sub_A");
    expect(amounts()).toEqual({ unbilled: [], invoiced: [200 + 1500 + 800], credited: [] });
    expect(chargebee.records().invoices[0]?.cause).toBe("renewal");
  });

  it("makes one invoice when asked to invoice at once", async () => {
    clock.advance(15 * DAY_MS);
    const { body } = await update(quantityForm(4, { invoice_immediately: "true" }));
    expect(body).toMatchObject({ invoice: { total: 200, line_items: [{ description: expect.stringContaining("Prorated") }] } });
    expect(amounts()).toEqual({ unbilled: [], invoiced: [200], credited: [] });
  });

  it("does nothing when it is off", async () => {
    clock.advance(15 * DAY_MS);
    await update(quantityForm(4, { prorate: "false", invoice_immediately: "true" }));
    expect(amounts()).toEqual({ unbilled: [], invoiced: [], credited: [] });
  });

  it("credits what was taken away", async () => {
    clock.advance(15 * DAY_MS);
    expect(await update(quantityForm(1))).toMatchObject({ body: { credit_notes: [{ total: 100 }] } });
    expect(amounts()).toEqual({ unbilled: [], invoiced: [], credited: [100] });
  });

  it("gives no credit after a change without proration in the same term, and does again in the next", async () => {
    await update(quantityForm(5, { prorate: "false" }));
    await update(quantityForm(3));
    expect(amounts().credited).toEqual([]);
    expect(chargebee.counters()).toMatchObject({ credits: 0, suppressedCredits: 1 });
    clock.advance(31 * DAY_MS);
    await update(quantityForm(2));
    expect(amounts().credited).toHaveLength(1);
  });

  it.each(["in_trial", "future"])("is not for a subscription that is %s", async (status) => {
    chargebee.setStatus("sub_A", status);
    const { body } = await update(quantityForm(9, { invoice_immediately: "true" }));
    expect(body).not.toHaveProperty("invoice");
    expect(chargebee.counters()).toMatchObject({ writes: 1, charges: 0, invoices: 0 });
  });

  it("follows the line's own type, which stays for later changes", async () => {
    clock.advance(15 * DAY_MS);
    await update(quantityForm(3, { "subscription_items[proration_type][0]": "full_term", prorate: "false" }));
    await update(quantityForm(4));
    expect(amounts().unbilled).toEqual([200, 200]);
  });
});

describe("time", () => {
  it("ends a non-renewing subscription and invoices what was unbilled", async () => {
    await update(quantityForm(3));
    chargebee.setStatus("sub_A", "non_renewing");
    clock.advance(30 * DAY_MS);
    expect(await call(chargebee, "GET", "/subscriptions/sub_A")).toMatchObject({
      body: { subscription: { status: "cancelled" } },
    });
    expect(amounts()).toEqual({ unbilled: [], invoiced: [200], credited: [] });
  });

  it("applies a scheduled change at the end of the term, or on its date", async () => {
    chargebee.scheduleChange("sub_A", ADDON, 9);
    clock.advance(29 * DAY_MS);
    expect(chargebee.quantity("sub_A", ADDON)).toBe(2);
    clock.advance(1 * DAY_MS);
    expect(chargebee.quantity("sub_A", ADDON)).toBe(9);
    const at = Math.floor(clock.now() / 1000) + 3600;
    await update(quantityForm(5, { change_option: "specific_date", changes_scheduled_at: String(at) }));
    expect(chargebee.quantity("sub_A", ADDON)).toBe(9);
    clock.advance(3_601_000);
    expect(chargebee.quantity("sub_A", ADDON)).toBe(5);
    expect(chargebee.subscription("sub_A").scheduled).toBeUndefined();
  });

  it("starts a trial's first paid term", async () => {
    chargebee.setStatus("sub_A", "in_trial");
    clock.advance(30 * DAY_MS);
    expect(chargebee.subscription("sub_A").status).toBe("active");
    expect(amounts().invoiced).toEqual([1900]);
  });

  it("renews as often as it must", () => {
    clock.advance(100 * DAY_MS);
    expect(chargebee.subscription("sub_A").termEnd).toBeGreaterThan(clock.now());
    expect(amounts().invoiced.length).toBeGreaterThanOrEqual(3);
  });
});

describe("amounts", () => {
  const tiers = [
    { startingUnit: 1, endingUnit: 5, price: 0 },
    { startingUnit: 6, endingUnit: 10, price: 100 },
    { startingUnit: 11, price: 50 },
  ];
  const price = (pricingModel: ItemPrice["pricingModel"]): ItemPrice => ({
    ...{ id: "p", itemID: "i", currency: "USD", status: "active", createdAt: 0, price: 7, tiers, pricingModel },
    period: { count: 1, unit: "month" },
  });

  it.each([
    ["flat_fee", 12, 7],
    ["per_unit", 12, 84],
    ["tiered", 1, 0],
    ["tiered", 12, 600],
    ["volume", 12, 600],
    ["volume", 6, 600],
    ["stairstep", 10, 100],
    ["stairstep", 12, 50],
  ] as const)("of %s for %i units is %i", (model, quantity, amount) => {
    expect(lineAmount(price(model), { quantity, unitPrice: undefined })).toBe(amount);
  });

  it("of tiers grow by the price of the unit's own tier", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), (quantity) => {
        const [before, after] = [quantity, quantity + 1].map((units) =>
          lineAmount(price("tiered"), { quantity: units, unitPrice: undefined }),
        );
        const expected = quantity + 1 <= 5 ? 0 : quantity + 1 <= 10 ? 100 : 50;
        return (after ?? 0) - (before ?? 0) === expected;
      }),
    );
    expect(lineAmount(price("tiered"), { quantity: 5, unitPrice: undefined })).toBe(0);
  });

  it("of a tiered line stand in the answers without a unit price", async () => {
    chargebee.addItemPrice({ id: "tiered-USD", itemID: "domains", pricingModel: "tiered", tiers });
    const { body } = await update(quantityForm(7, { "subscription_items[item_price_id][0]": "tiered-USD" }));
    expect(body).toMatchObject({
      subscription: { subscription_items: [{}, {}, {}, { item_price_id: "tiered-USD", quantity: 7, amount: 200 }] },
    });
    expect(await call(chargebee, "GET", "/item_prices/tiered-USD")).toMatchObject({
      body: {
        item_price: {
          pricing_model: "tiered",
          tiers: [{ starting_unit: 1, ending_unit: 5, price: 0 }, {}, { starting_unit: 11 }],
        },
      },
    });
  });
});

describe("periods", () => {
  it("add months without running into the month after", () => {
    const at = (text: string) => Date.parse(`${text}T00:00:00Z`);
    expect(addPeriod(at("2026-01-31"), { count: 1, unit: "month" })).toBe(at("2026-02-28"));
    expect(addPeriod(at("2024-02-29"), { count: 1, unit: "year" })).toBe(at("2025-02-28"));
    expect(addPeriod(at("2026-12-31"), { count: 2, unit: "week" })).toBe(at("2027-01-14"));
  });

  it("divide each other within one kind", () => {
    expect(dividesPeriod({ count: 1, unit: "month" }, { count: 1, unit: "year" })).toBe(true);
    expect(dividesPeriod({ count: 1, unit: "year" }, { count: 1, unit: "month" })).toBe(false);
    expect(dividesPeriod({ count: 1, unit: "week" }, { count: 1, unit: "month" })).toBe(false);
    expect(dividesPeriod({ count: 1, unit: "day" }, { count: 2, unit: "week" })).toBe(true);
  });

  it("of plan and addon decide about applicability", async () => {
    chargebee.addItemPrice({ id: "yearly", itemID: "domains", period: { count: 1, unit: "year" } });
    const { body } = await call(chargebee, "GET", `/item_prices/${PLAN}/applicable_item_prices?limit=100`);
    expect(JSON.stringify(body)).toContain(ADDON);
    expect(JSON.stringify(body)).not.toContain("yearly");
  });
});
