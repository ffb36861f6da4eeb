import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../runtime/clock.ts";
import { Timers } from "../runtime/timers.ts";
import { CredentialBreaker } from "./breaker.ts";
import { type Catalog, isChargebeeID } from "./catalog.ts";
import { ChargebeeClient } from "./client.ts";
import { ChargebeeError } from "./errors.ts";
import { SiteBudget } from "./site-budget.ts";

interface Received {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

const SUBSCRIPTION = { id: "sub_A", status: "active", currency_code: "USD", resource_version: 7, subscription_items: [] };
const SIGNAL = AbortSignal.timeout(30_000);

let server: Server;
let received: Received[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let agent: Agent;

beforeEach(async () => {
  received = [];
  answer = (_, response) => json(response, 200, { subscription: SUBSCRIPTION });
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      answer(request, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  agent = new Agent();
});

afterEach(async () => {
  await agent.destroy();
  server.closeAllConnections();
  server.close();
});

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function origin(): string {
  const address = server.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}

function client(options: { path?: string; catalog?: Catalog; timeoutMs?: number; assertMayWrite?: () => void } = {}): ChargebeeClient {
  const clock = systemClock;
  return new ChargebeeClient({
    apiURL: `${origin()}${options.path ?? ""}`,
    apiKey: "test_key",
    catalog: options.catalog ?? "ItemPrices",
    dispatcher: agent,
    clock,
    budget: new SiteBudget({ clock, timers: new Timers(clock), requestsPerMinute: 6_000 }),
    breaker: new CredentialBreaker(clock),
    timeoutMs: options.timeoutMs ?? 5_000,
    assertMayWrite: options.assertMayWrite ?? (() => {}),
  });
}

const UPDATE = {
  subscriptionID: "sub_A",
  itemPriceID: "domains-USD-Monthly",
  quantity: 3,
  inDecimal: false,
  prorate: true,
  invoiceImmediately: false,
  idempotencyKey: "k1",
};
const REMOVAL = { subscriptionID: "sub_A", prorate: true, invoiceImmediately: false, idempotencyKey: "k2" };

describe("what goes over the wire", () => {
  test("a quantity, Product Catalog 2.0: these bytes and headers, and no others of the SDK's", async () => {
    await client().updateItemQuantity(UPDATE, SIGNAL);
    expect(received[0]?.line).toBe("POST /api/v2/subscriptions/sub_A/update_for_items");
    expect(received[0]?.body).toBe(
      "subscription_items%5Bitem_price_id%5D%5B0%5D=domains-USD-Monthly&subscription_items%5Bquantity%5D%5B0%5D=3" +
        "&prorate=true&invoice_immediately=false&reactivate=false&change_option=immediately",
    );
    expect(received[0]?.headers).toMatchObject({
      authorization: "Basic dGVzdF9rZXk6",
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "chargebee-idempotency-key": "k1",
    });
    expect(Object.keys(received[0]?.headers ?? {})).not.toContain("x-chargebee-sdk-telemetry");
  });

  test("a quantity, Product Catalog 1.0", async () => {
    await client({ catalog: "Addons" }).updateItemQuantity({ ...UPDATE, itemPriceID: "domains" }, SIGNAL);
    expect(received[0]?.line).toBe("POST /api/v2/subscriptions/sub_A");
    expect(received[0]?.body).toBe(
      "addons%5Bid%5D%5B0%5D=domains&addons%5Bquantity%5D%5B0%5D=3&prorate=true&invoice_immediately=false&reactivate=false",
    );
  });

  test("a negotiated price and a decimal site", async () => {
    await client().updateItemQuantity({ ...UPDATE, inDecimal: true, unitPrice: 150 }, SIGNAL);
    expect(received[0]?.body).toContain(
      "subscription_items%5Bquantity_in_decimal%5D%5B0%5D=3&subscription_items%5Bunit_price%5D%5B0%5D=150",
    );
  });

  test("a removal names what stays, a flat line without a quantity", async () => {
    const keep = { quantity: undefined, inDecimal: false, unitPrice: undefined, billingCycles: undefined };
    const lines = [
      { ...keep, itemPriceID: "sla-USD-Monthly" },
      { ...keep, itemPriceID: "seats-USD-Monthly", quantity: 4 },
    ];
    await client().removeItem({ ...REMOVAL, lines }, SIGNAL);
    expect(received[0]?.body).toBe(
      "subscription_items%5Bitem_price_id%5D%5B0%5D=sla-USD-Monthly&subscription_items%5Bitem_price_id%5D%5B1%5D=seats-USD-Monthly" +
        "&subscription_items%5Bquantity%5D%5B1%5D=4&replace_items_list=true&prorate=true&invoice_immediately=false" +
        "&reactivate=false&change_option=immediately",
    );
  });

  test("a list of a hundred is one request, and the caller's array is left alone", async () => {
    answer = (_, response) => json(response, 200, { list: [{ subscription: SUBSCRIPTION }] });
    const ids = Object.freeze(Array.from({ length: 100 }, (_, index) => `sub_${index}`));
    expect(await client().subscriptions(ids, SIGNAL)).toMatchObject([{ id: "sub_A", resourceVersion: 7 }]);
    expect(received).toHaveLength(1);
    const query = new URL(received[0]?.line.replace("GET ", "") ?? "", "http://x").searchParams;
    expect([query.get("limit"), JSON.parse(query.get("id[in]") ?? "")]).toEqual(["100", ids]);
  });

  test.each(["", "/", "/api/v2", "/api/v2/"])("the base URL may end with %j", async (path) => {
    await client({ path }).subscription("sub_A", SIGNAL);
    expect(received[0]?.line).toBe("GET /api/v2/subscriptions/sub_A?");
  });

  test("a path before the API is kept", async () => {
    await client({ path: "/proxy/acme/api/v2" }).subscription("sub_A", SIGNAL);
    expect(received[0]?.line).toBe("GET /proxy/acme/api/v2/subscriptions/sub_A?");
  });

  test("applicable prices are looked for page by page", async () => {
    const price = { id: "domains", itemID: "d", type: "addon", status: "active", currencyCode: "USD", pricingModel: "per_unit", period: 1, periodUnit: "month", unitPrice: 1 };
    answer = (request, response) => {
      const row = (id: string) => ({ item_price: { id, currency_code: "USD" } });
      const second = request.url?.includes("offset=next") === true;
      json(response, 200, second ? { list: [row("domains")] } : { list: [row("other")], next_offset: "next" });
    };
    expect(await client().isApplicable("pro", price, SIGNAL)).toBe(true);
    expect(received).toHaveLength(2);
  });
});

describe("what must never go over the wire", () => {
  test.each(["../customers/x", "sub_A/cancel", "..", ".", "", "a%2Fb", "a?b", "a#b", "a b", "~a", "x".repeat(51)])("the id %j", async (id) => {
    expect(isChargebeeID(id)).toBe(false);
    await expect(client().subscription(id, SIGNAL)).rejects.toThrow(RangeError);
    await expect(client().subscriptions(["sub_A", id], SIGNAL)).rejects.toThrow(RangeError);
    await expect(client().updateItemQuantity({ ...UPDATE, subscriptionID: id }, SIGNAL)).rejects.toThrow(RangeError);
    expect(received).toEqual([]);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53])("the quantity %d", async (quantity) => {
    await expect(client().updateItemQuantity({ ...UPDATE, quantity }, SIGNAL)).rejects.toThrow(RangeError);
    expect(received).toEqual([]);
  });

  test("a replacement by nothing", async () => {
    await expect(client().removeItem({ ...REMOVAL, lines: [] }, SIGNAL)).rejects.toThrow(RangeError);
    expect(received).toEqual([]);
  });

  test("a write of a process that may not write; reads go on", async () => {
    const standby = client({
      assertMayWrite: () => {
        throw new Error("not the leader");
      },
    });
    await expect(standby.updateItemQuantity(UPDATE, SIGNAL)).rejects.toThrow("not the leader");
    expect(received).toEqual([]);
    expect(await standby.subscription("sub_A", SIGNAL)).toMatchObject({ id: "sub_A" });
  });

  test("the key, to where a redirect points", async () => {
    answer = (_, response) => void response.writeHead(302, { location: `${origin()}/elsewhere` }).end();
    await expect(client().subscription("sub_A", SIGNAL)).rejects.toMatchObject({ class: "unavailable", status: 302 });
    expect(received).toHaveLength(1);
  });
});

describe("answers", () => {
  test("errors are Errors, and nothing is tried twice", async () => {
    answer = (_, response) => json(response, 503, { message: "x", type: "operation_failed", api_error_code: "internal_temporary_error" });
    const error = await client().updateItemQuantity(UPDATE, SIGNAL).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ChargebeeError);
    expect(error).toMatchObject({ status: 503, code: "internal_temporary_error", ambiguous: true });
    expect(received).toHaveLength(1);
  });

  test.each([
    ["HTML with status 200", "<html></html>"],
    ["half an answer", '{"subscription": {"id": "sub_A"'],
    ["a shape that cannot be decided on", '{"subscription": {"id": "sub_A"}}'],
  ])("%s is ambiguous", async (_, body) => {
    answer = (_request, response) => void response.writeHead(200).end(body);
    await expect(client().updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ class: "unavailable", ambiguous: true });
  });

  test("only Chargebee's own 404 means that there is none", async () => {
    answer = (_, response) => json(response, 404, { message: "x", api_error_code: "resource_not_found" });
    expect(await client().subscription("sub_A", SIGNAL)).toBeUndefined();
    answer = (_, response) => void response.writeHead(404).end("<html>");
    await expect(client().subscription("sub_A", SIGNAL)).rejects.toMatchObject({ class: "unavailable" });
  });

  test("no answer in time, and an abort while waiting for it, are ambiguous; a closed socket too", async () => {
    answer = () => {};
    await expect(client({ timeoutMs: 50 }).updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ ambiguous: true });
    const stop = new AbortController();
    answer = () => stop.abort(new Error("stopping"));
    await expect(client().updateItemQuantity(UPDATE, stop.signal)).rejects.toMatchObject({ ambiguous: true });
    answer = (request) => void request.socket.destroy();
    await expect(client().updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ ambiguous: true });
  });

  test("unknown members and values pass", async () => {
    const item = { item_price_id: "p", item_type: "novelty", quantity: 2, object: "subscription_item", shiny: true };
    answer = (_, response) => json(response, 200, { subscription: { ...SUBSCRIPTION, status: "foo", subscription_items: [item], new: {} }, customer: {} });
    expect(await client().subscription("sub_A", SIGNAL)).toMatchObject({ status: "foo", items: [{ type: "novelty", quantity: 2 }] });
  });

  test("429 pauses the whole site for a minute at least, and 401 the key, without another request", async () => {
    answer = (_, response) => json(response, 429, { message: "x", api_error_code: "api_request_limit_exceeded" });
    const limited = client();
    await expect(limited.subscription("sub_A", SIGNAL)).rejects.toMatchObject({ class: "rate-limited" });
    const paused = await limited.subscription("sub_B", SIGNAL).catch((error: unknown) => error);
    expect(paused).toMatchObject({ class: "paused", ambiguous: false });
    answer = (_, response) => json(response, 401, { message: "x", api_error_code: "api_authentication_failed" });
    const refused = client();
    await expect(refused.subscription("sub_A", SIGNAL)).rejects.toMatchObject({ class: "credentials" });
    await expect(refused.updateItemQuantity(UPDATE, SIGNAL)).rejects.toMatchObject({ class: "credentials", status: 401 });
    expect(received).toHaveLength(2);
  });
});
