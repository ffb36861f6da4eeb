import type { SkewedClock } from "../clock.ts";
import { type ChargebeeSimulator, type ChargebeeSimulatorOptions, startChargebeeSimulator } from "./chargebee-simulator.ts";

export const PLAN = "pro-USD-Monthly";
export const ADDON = "domains-USD-Monthly";
export const DAY_MS = 86_400_000;

/** The catalogue of the scenarios and subscription `sub_A`: a plan, two domains and a flat service, in a term of 30 days. */
export async function startSite(
  clock: SkewedClock,
  options: Partial<ChargebeeSimulatorOptions> = {},
): Promise<ChargebeeSimulator> {
  const chargebee = await startChargebeeSimulator({ clock, ...options });
  chargebee.addItem({ id: "pro", type: "plan" });
  for (const id of ["domains", "sla"]) chargebee.addItem({ id, type: "addon" });
  chargebee.addItem({ id: "setup", type: "charge" });
  chargebee.addItemPrice({ id: PLAN, itemID: "pro", price: 1500 });
  chargebee.addItemPrice({ id: ADDON, itemID: "domains", price: 200 });
  chargebee.addItemPrice({ id: "sla-USD-Monthly", itemID: "sla", pricingModel: "flat_fee" });
  chargebee.addItemPrice({ id: "setup-USD", itemID: "setup", price: 5000 });
  chargebee.addSubscription({
    id: "sub_A",
    customerID: "cust_A",
    termEnd: clock.now() + 30 * DAY_MS,
    items: [{ itemPriceID: PLAN }, { itemPriceID: ADDON, quantity: 2 }, { itemPriceID: "sla-USD-Monthly" }],
  });
  return chargebee;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface Call {
  readonly key?: string;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A raw call of the API, form-encoded as given: what no SDK would send can be sent too. */
export async function call(
  chargebee: ChargebeeSimulator,
  method: string,
  path: string,
  form?: Readonly<Record<string, string>>,
  options: Call = {},
): Promise<Answer> {
  const response = await fetch(`${chargebee.url}/api/v2${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${options.apiKey ?? "test_key"}:`).toString("base64")}`,
      ...(options.key === undefined ? {} : { "chargebee-idempotency-key": options.key }),
      ...options.headers,
    },
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** The write of the operator, with what a test changes about it; a member set to undefined is left out. */
export function quantityForm(
  quantity: number | string,
  changes: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const form: Record<string, string | undefined> = {
    "subscription_items[item_price_id][0]": ADDON,
    "subscription_items[quantity][0]": String(quantity),
    prorate: "true",
    invoice_immediately: "false",
    reactivate: "false",
    change_option: "immediately",
    ...changes,
  };
  return Object.fromEntries(Object.entries(form).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

export const UPDATE = "/subscriptions/sub_A/update_for_items";
