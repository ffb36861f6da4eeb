import Chargebee from "chargebee";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkewedClock } from "../clock.ts";
import { type ChargebeeSimulator, startChargebeeSimulator } from "./chargebee-simulator.ts";
import { ADDON, PLAN, startSite } from "./fixture.ts";

function client(chargebee: ChargebeeSimulator, apiKey = "test_key") {
  const options = { site: "localhost", hostSuffix: "", protocol: "http", port: chargebee.port, apiKey } as const;
  return new Chargebee(options);
}

describe("the official SDK against an item price site", () => {
  let chargebee: ChargebeeSimulator;

  beforeEach(async () => {
    chargebee = await startSite(new SkewedClock());
  });
  afterEach(() => chargebee.close());

  it("retrieves a subscription with its lines", async () => {
    const { subscription, customer } = await client(chargebee).subscription.retrieve("sub_A");
    expect(subscription).toMatchObject({
      id: "sub_A",
      status: "active",
      currency_code: "USD",
      billing_period: 1,
      billing_period_unit: "month",
      has_scheduled_changes: false,
      subscription_items: [
        { item_price_id: PLAN, item_type: "plan", quantity: 1, unit_price: 1500, amount: 1500 },
        { item_price_id: ADDON, item_type: "addon", quantity: 2, unit_price: 200, amount: 400 },
        { item_price_id: "sla-USD-Monthly", item_type: "addon", unit_price: 0, amount: 0 },
      ],
    });
    expect(subscription.subscription_items?.[2]).not.toHaveProperty("quantity");
    expect(customer).toMatchObject({ id: "cust_A", auto_collection: "on" });
  });

  it("sets a quantity and leaves the other lines alone", async () => {
    const before = chargebee.subscription("sub_A");
    const answer = await client(chargebee).subscription.updateForItems(
      "sub_A",
      {
        subscription_items: [{ item_price_id: ADDON, quantity: 3 }],
        prorate: true,
        invoice_immediately: false,
        reactivate: false,
        change_option: "immediately",
      },
      { "chargebee-idempotency-key": "k1" },
    );
    expect(answer.isIdempotencyReplayed).toBe(false);
    expect(answer.subscription.subscription_items?.find((line) => line.item_price_id === ADDON)).toMatchObject({
      quantity: 3,
      amount: 600,
    });
    expect(answer.unbilled_charges).toHaveLength(1);
    expect(answer.subscription.resource_version).toBeGreaterThan(before.resourceVersion);
    expect(chargebee.subscription("sub_A").lines.filter((line) => line.itemPriceID !== ADDON)).toEqual(
      before.lines.filter((line) => line.itemPriceID !== ADDON),
    );
    expect(chargebee.counters()).toMatchObject({ writes: 1, charges: 1, invoices: 0, badRequests: 0, unknownParameters: 0 });
  });

  it("sees a replayed answer", async () => {
    const update = () =>
      client(chargebee).subscription.updateForItems(
        "sub_A",
        { subscription_items: [{ item_price_id: ADDON, quantity: 3 }], reactivate: false },
        { "chargebee-idempotency-key": "k1" },
      );
    await update();
    expect((await update()).isIdempotencyReplayed).toBe("true");
    expect(chargebee.counters()).toMatchObject({ writes: 1, replays: 1 });
  });

  it("drops an empty list and is refused", async () => {
    const update = client(chargebee).subscription.updateForItems("sub_A", { subscription_items: [], replace_items_list: true });
    await expect(update).rejects.toMatchObject({
      http_status_code: 400,
      api_error_code: "param_wrong_value",
      param: "replace_items_list",
    });
    expect(chargebee.counters()).toMatchObject({ badRequests: 1, emptyReplacements: 1, writes: 0 });
  });

  it("lists by ids and pages", async () => {
    for (let index = 0; index < 5; index++) chargebee.addSubscription({ id: `s${index}`, items: [{ itemPriceID: PLAN }] });
    const ids = ["s0", "s1", "s2", "s3", "missing"];
    const first = await client(chargebee).subscription.list({ id: { in: ids }, limit: 3 });
    expect(first.list).toHaveLength(3);
    const rest = await client(chargebee).subscription.list({ id: { in: ids }, limit: 3, offset: first.next_offset ?? "" });
    expect(rest.next_offset).toBeUndefined();
    expect([...first.list, ...rest.list].map(({ subscription }) => subscription.id).sort()).toEqual(["s0", "s1", "s2", "s3"]);
  });

  it("reads the catalogue", async () => {
    const { itemPrice, item } = client(chargebee);
    expect((await itemPrice.retrieve(ADDON)).item_price).toMatchObject({
      id: ADDON,
      item_id: "domains",
      item_type: "addon",
      status: "active",
      currency_code: "USD",
      pricing_model: "per_unit",
      period: 1,
      period_unit: "month",
      price: 200,
    });
    expect((await item.retrieve("domains")).item).toMatchObject({ id: "domains", type: "addon", metered: false });
    chargebee.addItem({ id: "pro", type: "plan", applicableItemIDs: ["sla"] });
    const applicable = await itemPrice.findApplicableItemPrices(PLAN, {});
    expect(applicable.list.map(({ item_price }) => item_price.id)).toEqual(["sla-USD-Monthly"]);
    const none = await itemPrice.findApplicableItemPrices(PLAN, { item_id: "domains" });
    expect(none.list).toEqual([]);
  });

  it("is told about a wrong key, and about the old one after a rotation", async () => {
    await expect(client(chargebee, "wrong").subscription.retrieve("sub_A")).rejects.toMatchObject({
      http_status_code: 401,
      api_error_code: "api_authentication_failed",
    });
    chargebee.rotateKey("new_key");
    await expect(client(chargebee).subscription.retrieve("sub_A")).rejects.toMatchObject({ http_status_code: 401 });
    expect((await client(chargebee, "new_key").subscription.retrieve("sub_A")).subscription.id).toBe("sub_A");
    expect(chargebee.counter("unauthenticated")).toBe(2);
  });
});

describe("the official SDK against an addon site", () => {
  let chargebee: ChargebeeSimulator;

  beforeEach(async () => {
    chargebee = await startChargebeeSimulator({ clock: new SkewedClock(), catalog: "Addons" });
    chargebee.addItem({ id: "basic", type: "plan" });
    chargebee.addItem({ id: "domains", type: "addon" });
    chargebee.addItemPrice({ id: "no_trial", itemID: "basic", price: 1000 });
    chargebee.addItemPrice({ id: "domains", itemID: "domains", price: 95 });
    chargebee.addItemPrice({ id: "data_usage", itemID: "domains", price: 95 });
    chargebee.addSubscription({ id: "sub_A", items: [{ itemPriceID: "no_trial" }, { itemPriceID: "data_usage" }] });
  });
  afterEach(() => chargebee.close());

  it("reads plan and addons instead of items", async () => {
    const { subscription } = await client(chargebee).subscription.retrieve("sub_A");
    expect(subscription).toMatchObject({
      plan_id: "no_trial",
      plan_quantity: 1,
      plan_unit_price: 1000,
      addons: [{ id: "data_usage", quantity: 1, unit_price: 95, amount: 95, object: "addon" }],
    });
    expect(subscription).not.toHaveProperty("subscription_items");
    expect((await client(chargebee).addon.retrieve("domains")).addon).toMatchObject({
      id: "domains",
      type: "quantity",
      price: 95,
    });
    expect((await client(chargebee).plan.retrieve("no_trial")).plan).toMatchObject({ id: "no_trial", price: 1000 });
    await expect(client(chargebee).addon.retrieve("no_trial")).rejects.toMatchObject({ http_status_code: 404 });
  });

  it("appends an addon or replaces its quantity", async () => {
    const update = (quantity: number) =>
      client(chargebee).subscription.update("sub_A", {
        addons: [{ id: "domains", quantity }],
        prorate: true,
        invoice_immediately: false,
        reactivate: false,
      });
    await update(3);
    const { subscription } = await update(4);
    expect(subscription.addons).toMatchObject([
      { id: "data_usage", quantity: 1 },
      { id: "domains", quantity: 4 },
    ]);
  });

  it("names the parameters of the plan in errors", async () => {
    const update = client(chargebee).subscription.update("sub_A", { plan_id: "missing" });
    await expect(update).rejects.toMatchObject({ http_status_code: 404, param: "plan_id" });
  });

  it("has no endpoints of the other catalogue", async () => {
    const update = client(chargebee).subscription.updateForItems("sub_A", {
      subscription_items: [{ item_price_id: "domains", quantity: 1 }],
    });
    await expect(update).rejects.toMatchObject({ http_status_code: 400, api_error_code: "configuration_incompatible" });
  });
});
