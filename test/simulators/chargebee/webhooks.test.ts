import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkewedClock } from "../clock.ts";
import { json, SimulatorServer } from "../http.ts";
import type { ChargebeeSimulator } from "./chargebee-simulator.ts";
import { ADDON, call, PLAN, quantityForm, startSite, UPDATE } from "./fixture.ts";

interface Received {
  readonly authorization: string | undefined;
  readonly event: unknown;
}

let clock: SkewedClock;
let receiver: SimulatorServer;
let received: Received[];
let failures: number;
let chargebee: ChargebeeSimulator;

beforeEach(async () => {
  clock = new SkewedClock();
  received = [];
  failures = 0;
  receiver = new SimulatorServer({ clock, state: () => received });
  receiver.route("POST", "/hook", (request) => {
    received.push({ authorization: request.headers.authorization, event: JSON.parse(request.body.toString("utf8")) });
    return json(failures-- > 0 ? 503 : 200, {});
  });
  const url = `${await receiver.listen("127.0.0.1")}/hook`;
  chargebee = await startSite(clock, { webhooks: { url, user: "hook", password: "secret" } });
});
afterEach(async () => {
  await chargebee.close();
  await receiver.close();
});

const settled = () => expect.poll(() => chargebee.deliveries().map(({ status }) => status));

describe("webhooks", () => {
  it("tell about an update through the API, with the lines after it", async () => {
    await call(chargebee, "POST", UPDATE, quantityForm(3));
    await expect.poll(() => received).toHaveLength(1);
    expect(received[0]?.authorization).toBe(`Basic ${Buffer.from("hook:secret").toString("base64")}`);
    expect(received[0]?.event).toMatchObject({
      id: expect.stringMatching(/^ev_/),
      object: "event",
      api_version: "v2",
      event_type: "subscription_changed",
      source: "api",
      content: {
        subscription: {
          id: "sub_A",
          resource_version: expect.any(Number),
          subscription_items: [{}, { item_price_id: ADDON, quantity: 3 }, {}],
        },
        customer: { id: "cust_A" },
      },
    });
  });

  it("name what others did", async () => {
    chargebee.foreignWrite("sub_A", ADDON, 7);
    chargebee.scheduleChange("sub_A", ADDON, 8);
    for (const status of ["paused", "active", "cancelled"]) chargebee.setStatus("sub_A", status);
    await expect.poll(() => received).toHaveLength(5);
    expect(chargebee.deliveries().map(({ eventType }) => eventType)).toEqual([
      "subscription_changed",
      "subscription_changes_scheduled",
      "subscription_paused",
      "subscription_resumed",
      "subscription_cancelled",
    ]);
    expect(received.every(({ event }) => JSON.stringify(event).includes('"source":"admin_console"'))).toBe(true);
  });

  it("are sent again, with the same id, until they are taken", async () => {
    failures = 2;
    chargebee.foreignWrite("sub_A", ADDON, 7);
    await settled().toEqual(["re_scheduled"]);
    clock.advance(2 * 60_000);
    await expect.poll(() => received).toHaveLength(2);
    await expect.poll(() => chargebee.deliveries()).toMatchObject([{ attempts: 2, status: "re_scheduled" }]);
    clock.advance(6 * 60_000);
    await settled().toEqual(["succeeded"]);
    expect(new Set(received.map(({ event }) => (event as { id: string }).id)).size).toBe(1);
  });

  it("are given up after the last attempt", async () => {
    failures = 100;
    chargebee.foreignWrite("sub_A", ADDON, 7);
    for (let attempt = 1; attempt < 8; attempt++) {
      await expect.poll(() => chargebee.deliveries()).toMatchObject([{ attempts: attempt, status: "re_scheduled" }]);
      clock.advance(2 * 86_400_000);
    }
    await settled().toEqual(["failed"]);
    expect(received).toHaveLength(8);
  });
});

describe("the admin endpoints", () => {
  const admin = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${chargebee.url}/admin${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as unknown };
  };

  it("do what the methods do", async () => {
    await admin("POST", "/items", { id: "extra", type: "addon" });
    await admin("POST", "/item_prices", { id: "extra-USD", itemID: "extra", price: 5 });
    await admin("POST", "/subscriptions", {
      id: "sub_B",
      items: [{ itemPriceID: PLAN }, { itemPriceID: "extra-USD", quantity: 4 }],
    });
    expect(chargebee.quantity("sub_B", "extra-USD")).toBe(4);
    await admin("POST", "/subscriptions/sub_B/foreign_write", { itemPriceID: "extra-USD", quantity: 6 });
    expect(chargebee.quantity("sub_B", "extra-USD")).toBe(6);
    await admin("POST", "/subscriptions/sub_B/schedule_change", { itemPriceID: "extra-USD", quantity: 9 });
    expect(await admin("GET", "/subscriptions/sub_B")).toMatchObject({
      body: { id: "sub_B", scheduled: { lines: [{}, { quantity: 9 }] } },
    });
    await admin("POST", "/subscriptions/sub_B/foreign_write", { itemPriceID: "extra-USD", quantity: 0 });
    expect(chargebee.quantity("sub_B", "extra-USD")).toBeUndefined();
    await admin("POST", "/subscriptions/sub_B/status", { status: "paused" });
    expect(chargebee.subscription("sub_B").status).toBe("paused");
    await admin("POST", "/subscriptions/sub_B/payments", { fail: true });
    expect(chargebee.subscription("sub_B").paymentsFail).toBe(true);
    await admin("POST", "/key", { apiKey: "other" });
    expect(await call(chargebee, "GET", "/subscriptions/sub_A")).toMatchObject({ status: 401 });
    expect(await admin("GET", "/billing")).toMatchObject({
      body: { counters: { foreignWrites: 2, unauthenticated: 1 }, invoices: [] },
    });
    await admin("DELETE", "/billing");
    expect(chargebee.counter("foreignWrites")).toBe(0);
    expect(await admin("GET", "/state")).toMatchObject({
      body: { site: "localhost", catalog: "ItemPrices", subscriptions: [{ id: "sub_A" }, { id: "sub_B" }] },
    });
  });

  it("refuse what makes no sense", async () => {
    expect(await admin("POST", "/subscriptions", { id: "x", items: [] })).toMatchObject({ status: 400 });
    expect(await admin("POST", "/subscriptions", { id: "x", items: [{ itemPriceID: "missing" }] })).toMatchObject({
      status: 404,
    });
    expect(await admin("POST", "/subscriptions/nobody/status", { status: "active" })).toMatchObject({ status: 404 });
  });
});
