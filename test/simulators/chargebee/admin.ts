import { z } from "zod";
import { json, parseJSON, type SimulatorRequest, type SimulatorResponse, type SimulatorServer } from "../http.ts";
import { ApiError } from "./api-error.ts";
import { itemFrom, itemPriceFrom, itemPriceSeed, itemSeed, subscriptionSeed } from "./seeds.ts";
import type { Site } from "./site.ts";

const lineQuantity = z.strictObject({ itemPriceID: z.string(), quantity: z.number().int().nonnegative() });

/** The simulator's methods under /admin/: 400 for what a schema or a method refuses, 404 for what is not there. */
export function registerAdmin(server: SimulatorServer, site: Site, rotateKey: (apiKey: string) => void): void {
  const post = (path: string, action: (request: SimulatorRequest) => unknown) => {
    server.admin("POST", path, (request) => answer(() => action(request)));
  };
  const idOf = (request: SimulatorRequest) => request.params.id ?? "";
  post("/admin/items", (request) => site.catalogue.putItem(itemFrom(itemSeed.parse(parseJSON(request)))));
  post("/admin/item_prices", (request) =>
    site.catalogue.putPrice(itemPriceFrom(itemPriceSeed.parse(parseJSON(request)), site.now())),
  );
  post("/admin/subscriptions", (request) => site.addSubscription(subscriptionSeed.parse(parseJSON(request))));
  post("/admin/subscriptions/:id/status", (request) => {
    return site.setStatus(idOf(request), z.strictObject({ status: z.string() }).parse(parseJSON(request)).status);
  });
  post("/admin/subscriptions/:id/foreign_write", (request) => {
    const { itemPriceID, quantity } = lineQuantity.parse(parseJSON(request));
    return site.foreignWrite(idOf(request), itemPriceID, quantity);
  });
  post("/admin/subscriptions/:id/schedule_change", (request) => {
    const { itemPriceID, quantity } = lineQuantity.parse(parseJSON(request));
    return site.scheduleChange(idOf(request), itemPriceID, quantity);
  });
  post("/admin/subscriptions/:id/payments", (request) => {
    return site.setPaymentsFail(idOf(request), z.strictObject({ fail: z.boolean() }).parse(parseJSON(request)).fail);
  });
  post("/admin/key", (request) => rotateKey(z.strictObject({ apiKey: z.string().min(1) }).parse(parseJSON(request)).apiKey));
  server.admin("GET", "/admin/subscriptions/:id", (request) => answer(() => site.subscription(idOf(request))));
  server.admin("GET", "/admin/billing", () => json(200, { counters: site.counters.snapshot(), ...site.ledger.records() }));
  server.admin("DELETE", "/admin/billing", () => answer(() => site.counters.reset()));
}

function answer(action: () => unknown): SimulatorResponse {
  try {
    return json(200, action() ?? {});
  } catch (error) {
    const status = error instanceof ApiError ? error.status : 400;
    return json(status, { message: error instanceof Error ? error.message : String(error) });
  }
}
