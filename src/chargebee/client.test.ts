import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isChargebeeID } from "./catalog.ts";
import { json, SUBSCRIPTION, UPDATE, WireServer } from "./wire-server.fixture.ts";

const SIGNAL = AbortSignal.timeout(30_000);
const REMOVAL = { subscriptionID: "sub_A", prorate: true, invoiceImmediately: false, idempotencyKey: "k2" };

let wire: WireServer;
beforeEach(async () => {
  wire = await WireServer.start();
});
afterEach(() => wire.close());

describe("what goes over the wire", () => {
  test("a quantity, Product Catalog 2.0: these bytes and headers, and no others of the SDK's", async () => {
    await wire.client().updateItemQuantity(UPDATE, SIGNAL);
    expect(wire.received[0]?.line).toBe("POST /api/v2/subscriptions/sub_A/update_for_items");
    expect(wire.received[0]?.body).toBe(
      "subscription_items%5Bitem_price_id%5D%5B0%5D=domains-USD-Monthly&subscription_items%5Bquantity%5D%5B0%5D=3" +
        "&prorate=true&invoice_immediately=false&reactivate=false&change_option=immediately",
    );
    expect(wire.received[0]?.headers).toMatchObject({
      authorization: "Basic dGVzdF9rZXk6",
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "chargebee-idempotency-key": "k1",
    });
    expect(Object.keys(wire.received[0]?.headers ?? {})).not.toContain("x-chargebee-sdk-telemetry");
  });

  test("a quantity, Product Catalog 1.0", async () => {
    await wire.client({ catalog: "Addons" }).updateItemQuantity({ ...UPDATE, itemPriceID: "domains" }, SIGNAL);
    expect(wire.received[0]?.line).toBe("POST /api/v2/subscriptions/sub_A");
    expect(wire.received[0]?.body).toBe(
      "addons%5Bid%5D%5B0%5D=domains&addons%5Bquantity%5D%5B0%5D=3&prorate=true&invoice_immediately=false&reactivate=false",
    );
  });

  test("a negotiated price and a decimal site", async () => {
    await wire.client().updateItemQuantity({ ...UPDATE, inDecimal: true, unitPrice: 150 }, SIGNAL);
    expect(wire.received[0]?.body).toContain(
      "subscription_items%5Bquantity_in_decimal%5D%5B0%5D=3&subscription_items%5Bunit_price%5D%5B0%5D=150",
    );
  });

  test("a removal names what stays, a flat line without a quantity", async () => {
    const keep = { quantity: undefined, inDecimal: false, unitPrice: undefined, billingCycles: undefined };
    const lines = [
      { ...keep, itemPriceID: "sla-USD-Monthly" },
      { ...keep, itemPriceID: "seats-USD-Monthly", quantity: 4 },
    ];
    await wire.client().removeItem({ ...REMOVAL, lines }, SIGNAL);
    expect(wire.received[0]?.body).toBe(
      "subscription_items%5Bitem_price_id%5D%5B0%5D=sla-USD-Monthly&subscription_items%5Bitem_price_id%5D%5B1%5D=seats-USD-Monthly" +
        "&subscription_items%5Bquantity%5D%5B1%5D=4&replace_items_list=true&prorate=true&invoice_immediately=false" +
        "&reactivate=false&change_option=immediately",
    );
  });

  test("a list of a hundred is one request, and the caller's array is left alone", async () => {
    wire.answer = (_, response) => json(response, 200, { list: [{ subscription: SUBSCRIPTION }] });
    const ids = Object.freeze(Array.from({ length: 100 }, (_, index) => `sub_${index}`));
    expect(await wire.client().subscriptions(ids, SIGNAL)).toMatchObject([{ id: "sub_A", resourceVersion: 7 }]);
    expect(wire.received).toHaveLength(1);
    const query = new URL(wire.received[0]?.line.replace("GET ", "") ?? "", "http://x").searchParams;
    expect([query.get("limit"), JSON.parse(query.get("id[in]") ?? "")]).toEqual(["100", ids]);
  });

  test.each(["", "/", "/api/v2", "/api/v2/"])("the base URL may end with %j", async (path) => {
    await wire.client({ path }).subscription("sub_A", SIGNAL);
    expect(wire.received[0]?.line).toBe("GET /api/v2/subscriptions/sub_A");
  });

  test("a path before the API is kept", async () => {
    await wire.client({ path: "/proxy/acme/api/v2" }).subscription("sub_A", SIGNAL);
    expect(wire.received[0]?.line).toBe("GET /proxy/acme/api/v2/subscriptions/sub_A");
  });

  test("applicable prices are looked for page by page", async () => {
    const price = {
      id: "domains",
      itemID: "d",
      type: "addon",
      status: "active",
      currencyCode: "USD",
      pricingModel: "per_unit",
      period: 1,
      periodUnit: "month",
      unitPrice: 1,
    };
    wire.answer = (request, response) => {
      const row = (id: string) => ({ item_price: { id, currency_code: "USD" } });
      const second = request.url?.includes("offset=next") === true;
      json(response, 200, second ? { list: [row("domains")] } : { list: [row("other")], next_offset: "next" });
    };
    expect(await wire.client().isApplicable("pro", price, SIGNAL)).toBe(true);
    expect(wire.received).toHaveLength(2);
  });
});

describe("what must never go over the wire", () => {
  test.each(["../customers/x", "sub_A/cancel", "..", ".", "", "a%2Fb", "a?b", "a#b", "a b", "~a", "x".repeat(51)])(
    "the id %j",
    async (id) => {
      expect(isChargebeeID(id)).toBe(false);
      await expect(wire.client().subscription(id, SIGNAL)).rejects.toThrow(RangeError);
      await expect(wire.client().subscriptions(["sub_A", id], SIGNAL)).rejects.toThrow(RangeError);
      await expect(wire.client().updateItemQuantity({ ...UPDATE, subscriptionID: id }, SIGNAL)).rejects.toThrow(RangeError);
      expect(wire.received).toEqual([]);
    },
  );

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53])("the quantity %d", async (quantity) => {
    await expect(wire.client().updateItemQuantity({ ...UPDATE, quantity }, SIGNAL)).rejects.toThrow(RangeError);
    expect(wire.received).toEqual([]);
  });

  test("a replacement by nothing", async () => {
    await expect(wire.client().removeItem({ ...REMOVAL, lines: [] }, SIGNAL)).rejects.toThrow(RangeError);
    expect(wire.received).toEqual([]);
  });

  test("a write of a process that may not write; reads go on", async () => {
    const standby = wire.client({
      assertMayWrite: () => {
        throw new Error("not the leader");
      },
    });
    await expect(standby.updateItemQuantity(UPDATE, SIGNAL)).rejects.toThrow("not the leader");
    expect(wire.received).toEqual([]);
    expect(await standby.subscription("sub_A", SIGNAL)).toMatchObject({ id: "sub_A" });
  });

  test("the key, to where a redirect points", async () => {
    wire.answer = (_, response) => void response.writeHead(302, { location: `${wire.origin}/elsewhere` }).end();
    await expect(wire.client().subscription("sub_A", SIGNAL)).rejects.toMatchObject({ class: "unavailable", status: 302 });
    expect(wire.received).toHaveLength(1);
  });
});

describe("every write is recorded once, after it ended", () => {
  test("with what was sent and what came of it; a read is not", async () => {
    const client = wire.client();
    await client.subscription("sub_A", SIGNAL);
    await client.updateItemQuantity(UPDATE, SIGNAL);
    wire.answer = (_, response) =>
      json(response, 400, { api_error_code: "payment_processing_failed", type: "payment", message: "no" });
    await expect(client.updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ class: "payment" });
    wire.answer = (_, response) => void response.destroy();
    await expect(client.updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ class: "unavailable" });
    const { itemPriceID, quantity, subscriptionID } = UPDATE;
    const sent = { action: "set", subscriptionID, lines: [{ itemPriceID, quantity }] };
    expect(wire.mutations).toMatchObject([
      { ...sent, outcome: "done", error: undefined },
      { ...sent, outcome: "refused", error: "payment_processing_failed" },
      { ...sent, outcome: "unknown", error: "unavailable" },
    ]);
  });
});
