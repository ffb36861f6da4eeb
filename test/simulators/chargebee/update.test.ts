import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkewedClock } from "../clock.ts";
import type { ChargebeeSimulator } from "./chargebee-simulator.ts";
import { ADDON, call, PLAN, quantityForm, startSite, UPDATE } from "./fixture.ts";

let chargebee: ChargebeeSimulator;

beforeEach(async () => {
  chargebee = await startSite(new SkewedClock());
});
afterEach(() => chargebee.close());

const update = (form: Record<string, string>) => call(chargebee, "POST", UPDATE, form);
const error = (status: number, code: string, param?: string) => ({
  status,
  body: { api_error_code: code, message: expect.any(String), ...(param === undefined ? {} : { param }) },
});

describe("an update is refused", () => {
  it.each(["0", "-1", "1.5", "x", ""])("for the quantity %j", async (quantity) => {
    expect(await update(quantityForm(quantity))).toMatchObject(
      error(400, "param_wrong_value", "subscription_items[quantity][0]"),
    );
    expect(chargebee.quantity("sub_A", ADDON)).toBe(2);
    expect(chargebee.counters()).toMatchObject({ badRequests: 1, writes: 0 });
  });

  it("for encodings that the API does not have", async () => {
    const gap = { "subscription_items[item_price_id][1]": ADDON };
    const repeated = `${new URLSearchParams(quantityForm(3))}&prorate=true`;
    expect(await update(gap)).toMatchObject(error(400, "param_wrong_value", "subscription_items"));
    expect(await update({ "subscription_items[0][item_price_id]": ADDON })).toMatchObject({ status: 400 });
    expect(await update(quantityForm(3, { prorate: "yes" }))).toMatchObject(error(400, "param_wrong_value", "prorate"));
    expect(await update(quantityForm(3, { "subscription_items[item_price_id][0]": undefined }))).toMatchObject(
      error(400, "param_wrong_value", "subscription_items[item_price_id][0]"),
    );
    const response = await fetch(`${chargebee.url}/api/v2${UPDATE}`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from("test_key:").toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: repeated,
    });
    expect(response.status).toBe(400);
    expect(await update(quantityForm(3, { trial_end: "0" }))).toMatchObject(error(400, "configuration_incompatible"));
    expect(chargebee.counters()).toMatchObject({ badRequests: 6, writes: 0 });
  });

  it("for a JSON body", async () => {
    const headers = { "content-type": "application/json" };
    expect(await call(chargebee, "POST", UPDATE, quantityForm(3), { headers })).toMatchObject(error(400, "invalid_request"));
  });

  it("for a replaced list without a line", async () => {
    expect(await update({ replace_items_list: "true" })).toMatchObject(error(400, "param_wrong_value", "replace_items_list"));
    expect(chargebee.counter("emptyReplacements")).toBe(1);
  });

  it("for what the catalogue forbids", async () => {
    const param = "subscription_items[item_price_id][0]";
    const price = (id: string) => quantityForm(1, { [param]: id });
    chargebee.addItem({ id: "metered", type: "addon", metered: true });
    chargebee.addItem({ id: "pro", type: "plan", applicableItemIDs: ["domains", "sla", "metered"] });
    chargebee.addItem({ id: "other", type: "addon" });
    chargebee.addItemPrice({ id: "archived", itemID: "domains", status: "archived" });
    chargebee.addItemPrice({ id: "euro", itemID: "domains", currency: "EUR" });
    chargebee.addItemPrice({ id: "yearly", itemID: "domains", period: { count: 1, unit: "year" } });
    chargebee.addItemPrice({ id: "usage", itemID: "metered" });
    chargebee.addItemPrice({ id: "stranger", itemID: "other" });
    expect(await update(price("missing"))).toMatchObject(error(404, "resource_not_found", param));
    expect(await update(price("archived"))).toMatchObject(error(400, "param_wrong_value", param));
    expect(await update(price("euro"))).toMatchObject(error(400, "param_wrong_value", param));
    expect(await update(price("usage"))).toMatchObject(error(400, "configuration_incompatible"));
    expect(await update(price("stranger"))).toMatchObject(error(400, "param_wrong_value", param));
    expect(await update(price("sla-USD-Monthly"))).toMatchObject(
      error(400, "param_wrong_value", "subscription_items[quantity][0]"),
    );
    const period = await update(price("yearly"));
    expect(period).toMatchObject({ status: 400, body: { message: expect.stringContaining("billing period are incompatible") } });
    expect(period.body).not.toHaveProperty("api_error_code");
    expect(chargebee.counter("writes")).toBe(0);
  });

  it("for a paused, transferred, deleted or unknown subscription", async () => {
    chargebee.setStatus("sub_A", "paused");
    expect(await update(quantityForm(3))).toMatchObject(error(409, "invalid_state_for_request"));
    chargebee.setStatus("sub_A", "transferred");
    expect(await update(quantityForm(3))).toMatchObject(error(409, "invalid_state_for_request"));
    chargebee.setStatus("sub_A", "deleted");
    expect(await update(quantityForm(3))).toMatchObject(error(404, "resource_not_found", "subscription_id"));
    expect(await call(chargebee, "GET", "/subscriptions/nobody")).toMatchObject(error(404, "resource_not_found"));
    expect(chargebee.counter("writes")).toBe(0);
  });

  it("when the payment fails, without any effect", async () => {
    chargebee.setPaymentsFail("sub_A", true);
    const failed = await update(quantityForm(3, { invoice_immediately: "true" }));
    expect(failed).toMatchObject(error(400, "payment_processing_failed"));
    expect(failed.body).toMatchObject({ type: "payment", error_cause_id: "gateway.general.decline" });
    expect(chargebee.quantity("sub_A", ADDON)).toBe(2);
    expect(chargebee.records()).toEqual({ unbilledCharges: [], invoices: [], creditNotes: [] });
    expect(await update(quantityForm(3))).toMatchObject({ status: 200 });
  });
});

describe("an update", () => {
  it("of an archived price works where the subscription has it", async () => {
    chargebee.addItemPrice({ id: ADDON, itemID: "domains", price: 200, status: "archived" });
    expect(await update(quantityForm(3))).toMatchObject({ status: 200 });
  });

  it("reactivates a cancelled subscription unless it is told not to", async () => {
    chargebee.setStatus("sub_A", "cancelled");
    expect(await update(quantityForm(3))).toMatchObject({ status: 200, body: { subscription: { status: "cancelled" } } });
    expect(chargebee.counters()).toMatchObject({ reactivations: 0, invoices: 0, charges: 0 });
    const revived = await update(quantityForm(3, { reactivate: undefined }));
    expect(revived).toMatchObject({ body: { subscription: { status: "active" }, invoice: { total: 2100 } } });
    expect(chargebee.counters()).toMatchObject({ reactivations: 1, invoices: 1 });
  });

  it("destroys a scheduled change", async () => {
    chargebee.scheduleChange("sub_A", ADDON, 9);
    expect(await call(chargebee, "GET", "/subscriptions/sub_A")).toMatchObject({
      body: { subscription: { has_scheduled_changes: true } },
    });
    expect(await update(quantityForm(3))).toMatchObject({ body: { subscription: { has_scheduled_changes: false } } });
    expect(chargebee.counter("destroyedSchedules")).toBe(1);
  });

  it("loses a negotiated price unless it repeats it", async () => {
    chargebee.setUnitPrice("sub_A", ADDON, 150);
    const unitPrice = () => chargebee.subscription("sub_A").lines.find((line) => line.itemPriceID === ADDON)?.unitPrice;
    await update(quantityForm(3, { "subscription_items[unit_price][0]": "150" }));
    expect([unitPrice(), chargebee.counter("priceResets")]).toEqual([150, 0]);
    await update(quantityForm(4));
    expect([unitPrice(), chargebee.counter("priceResets")]).toEqual([200, 1]);
  });

  it("with replace_items_list and only addons keeps the plan and mandatory addons", async () => {
    chargebee.addSubscription({
      id: "sub_A",
      items: [{ itemPriceID: PLAN }, { itemPriceID: ADDON, quantity: 2 }, { itemPriceID: "sla-USD-Monthly", mandatory: true }],
    });
    chargebee.addItem({ id: "extra", type: "addon" });
    chargebee.addItemPrice({ id: "extra-USD", itemID: "extra" });
    const extra = quantityForm(1, { "subscription_items[item_price_id][0]": "extra-USD", replace_items_list: "true" });
    await update(extra);
    const ids = () => chargebee.subscription("sub_A").lines.map((line) => line.itemPriceID);
    expect(ids()).toEqual([PLAN, "sla-USD-Monthly", "extra-USD"]);
    await update({ ...extra, "mandatory_items_to_remove[0]": "sla" });
    expect(ids()).toEqual([PLAN, "extra-USD"]);
  });

  it("with replace_items_list and the plan removes the last addon", async () => {
    const form = quantityForm(1, { "subscription_items[item_price_id][0]": PLAN, replace_items_list: "true" });
    expect(await update(form)).toMatchObject({ status: 200 });
    expect(chargebee.subscription("sub_A").lines.map((line) => line.itemPriceID)).toEqual([PLAN]);
    expect(chargebee.counters()).toMatchObject({ planLines: 1, credits: 1 });
  });

  it("charges a one-time item again when the list repeats it", async () => {
    const echoed = { "subscription_items[item_price_id][1]": "setup-USD", "subscription_items[quantity][1]": "1" };
    await update(quantityForm(3, { ...echoed, "subscription_items[charge_on_option][1]": "on_event" }));
    expect(chargebee.counters()).toMatchObject({ chargeItems: 0, charges: 1 });
    await update(quantityForm(4, echoed));
    expect(chargebee.counters()).toMatchObject({ chargeItems: 1, charges: 3 });
  });

  it("with a plan line brings a non-renewing subscription back", async () => {
    chargebee.setStatus("sub_A", "non_renewing");
    expect(await update(quantityForm(3))).toMatchObject({ body: { subscription: { status: "non_renewing" } } });
    await update(quantityForm(1, { "subscription_items[item_price_id][0]": PLAN }));
    expect(chargebee.subscription("sub_A").status).toBe("active");
  });

  it("counts the names that it does not know and otherwise ignores them", async () => {
    expect(await update(quantityForm(3, { proration_option: "prorate" }))).toMatchObject({ status: 200 });
    expect(chargebee.counter("unknownParameters")).toBe(1);
  });

  it("of an equal quantity is a write that changes and costs nothing", async () => {
    const before = chargebee.subscription("sub_A").resourceVersion;
    expect(await update(quantityForm(2))).toMatchObject({ status: 200 });
    expect(chargebee.counters()).toMatchObject({ writes: 1, unchangedWrites: 1, charges: 0, credits: 0 });
    expect(chargebee.subscription("sub_A").resourceVersion).toBeGreaterThan(before);
  });

  it("of a decimal subscription takes and gives decimal text", async () => {
    chargebee.addSubscription({
      id: "sub_A",
      decimal: true,
      items: [{ itemPriceID: PLAN }, { itemPriceID: ADDON, quantity: 2 }],
    });
    expect(await update(quantityForm(3))).toMatchObject(error(400, "param_wrong_value", "subscription_items[quantity][0]"));
    const decimal = quantityForm(3, {
      "subscription_items[quantity][0]": undefined,
      "subscription_items[quantity_in_decimal][0]": "3",
    });
    const { body } = await update(decimal);
    const line = {
      item_price_id: ADDON,
      item_type: "addon",
      quantity_in_decimal: "3",
      unit_price: 200,
      amount: 600,
      object: "subscription_item",
    };
    expect(body).toMatchObject({ subscription: { subscription_items: [{}, line] } });
    expect(JSON.stringify(body)).toContain(JSON.stringify(line));
  });
});
