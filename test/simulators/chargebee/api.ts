import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../src/runtime/clock.ts";
import { type Handler, json, type SimulatorRequest, type SimulatorResponse, type SimulatorServer } from "../http.ts";
import { ApiError, incompatible, notFound, siteNotFound, unauthenticated, wrongMethod } from "./api-error.ts";
import { parseChange } from "./change-parser.ts";
import { parseForm } from "./form.ts";
import type { StoredAnswer } from "./idempotency.ts";
import type { Catalog, Subscription } from "./model.ts";
import { RateWindow } from "./rate-window.ts";
import type { Booked, Site } from "./site.ts";
import { listSubscriptions, type Page, pageOf } from "./subscription-list.ts";
import {
  renderCreditNote,
  renderCustomer,
  renderInvoice,
  renderItem,
  renderItemPrice,
  renderLegacyPrice,
  renderSubscription,
  renderUnbilledCharge,
} from "./wire.ts";
import { WriteGuard } from "./write-guard.ts";

export interface ChargebeeApiOptions {
  readonly site: Site;
  readonly siteName: string;
  readonly apiKey: string;
  readonly clock: Clock;
  readonly requestsPerMinute: number;
  /** How long a write holds its subscription, so that two can overlap; milliseconds of the clock. */
  readonly writeLatencyMs: number;
}

/** The endpoints under /api/v2 and what stands around them. */
export class ChargebeeApi {
  readonly #options: ChargebeeApiOptions;
  readonly #site: Site;
  readonly #writes: WriteGuard;
  readonly #rate: RateWindow;
  #apiKey: string;

  constructor(options: ChargebeeApiOptions) {
    this.#options = options;
    this.#site = options.site;
    this.#apiKey = options.apiKey;
    this.#writes = new WriteGuard({ ...options, counters: options.site.counters });
    this.#rate = new RateWindow(options.clock, options.requestsPerMinute);
  }

  /** The old key stops working at once. */
  rotateKey(apiKey: string): void {
    this.#apiKey = apiKey;
  }

  register(server: SimulatorServer): void {
    const of = (catalog: Catalog, handler: Handler): Handler => {
      return (request) => {
        if (this.#site.catalog !== catalog) throw incompatible("This operation is not available in the site's product catalog.");
        return handler(request);
      };
    };
    server.route("GET", "/api/v2/subscriptions", (request) => this.#list(request));
    server.route("GET", "/api/v2/subscriptions/:id", (request) => json(200, this.#withCustomer(this.#readable(request))));
    const write: Handler = (request) => this.#writes.run(request, request.params.id ?? "", () => this.#apply(request));
    server.route("POST", "/api/v2/subscriptions/:id/update_for_items", of("ItemPrices", write));
    server.route("POST", "/api/v2/subscriptions/:id", of("Addons", write));
    server.route(
      "GET",
      "/api/v2/items/:id",
      of("ItemPrices", (request) => this.#item(request)),
    );
    server.route(
      "GET",
      "/api/v2/item_prices/:id",
      of("ItemPrices", (request) => this.#itemPrice(request)),
    );
    server.route(
      "GET",
      "/api/v2/item_prices/:id/applicable_item_prices",
      of("ItemPrices", (request) => this.#applicable(request)),
    );
    server.route(
      "GET",
      "/api/v2/addons/:id",
      of("Addons", (request) => this.#legacyPrice(request, "addon")),
    );
    server.route(
      "GET",
      "/api/v2/plans/:id",
      of("Addons", (request) => this.#legacyPrice(request, "plan")),
    );
  }

  /** Refusals that come before any handler. Throws ApiError. */
  readonly around = (request: SimulatorRequest, handler: Handler): SimulatorResponse | Promise<SimulatorResponse> => {
    const label = /^([^.:]+)\.localhost(:\d+)?$/.exec(request.headers.host ?? "")?.[1];
    if (label !== undefined && label !== this.#options.siteName) throw siteNotFound();
    if (!this.#isAuthenticated(request.headers.authorization)) throw unauthenticated();
    this.#rate.take();
    return handler(request);
  };

  readonly notFound: Handler = (request) => {
    if (request.method !== "GET" && request.method !== "POST") throw wrongMethod();
    throw notFound("path", request.path);
  };

  readonly onError = (error: unknown): SimulatorResponse => {
    if (!(error instanceof ApiError)) {
      return json(500, { message: String(error), type: "operation_failed", api_error_code: "internal_error" });
    }
    const { counters } = this.#site;
    if (error.status === 400) counters.add("badRequests");
    if (error.status === 400 && /^replace_\w+_list$/.test(String(error.body.param))) counters.add("emptyReplacements");
    if (error.status === 401) counters.add("unauthenticated");
    if (error.status === 422) counters.add("keyConflicts");
    if (error.body.api_error_code === "lock_timeout") counters.add("overlaps");
    if (error.body.api_error_code === "api_request_limit_exceeded") counters.add("rateLimited");
    return json(error.status, error.body, error.headers);
  };

  #isAuthenticated(header: string | undefined): boolean {
    const expected = `Basic ${Buffer.from(`${this.#apiKey}:`).toString("base64")}`;
    const digest = (text: string) => createHash("sha256").update(text).digest();
    return timingSafeEqual(digest(header ?? ""), digest(expected));
  }

  #readable({ params }: SimulatorRequest): Subscription {
    const id = params.id ?? "";
    const subscription = this.#site.subscription(id);
    if (subscription.status === "deleted") throw notFound("subscription_id", id);
    return subscription;
  }

  #list(request: SimulatorRequest): SimulatorResponse {
    return listResponse(listSubscriptions(this.#site.subscriptions(), request.query), (subscription) =>
      this.#withCustomer(subscription),
    );
  }

  #item({ params }: SimulatorRequest): SimulatorResponse {
    return json(200, { item: renderItem(this.#site.catalogue.item(params.id ?? "")) });
  }

  #itemPrice({ params }: SimulatorRequest): SimulatorResponse {
    const price = this.#site.catalogue.price(params.id ?? "");
    return json(200, { item_price: renderItemPrice(price, this.#site.catalogue.itemOf(price)) });
  }

  #applicable({ params, query }: SimulatorRequest): SimulatorResponse {
    const { catalogue } = this.#site;
    const itemID = query.get("item_id");
    const all = catalogue.applicablePrices(catalogue.price(params.id ?? ""));
    const prices = all.filter((price) => itemID === null || price.itemID === itemID);
    return listResponse(pageOf(prices, query), (price) => ({ item_price: renderItemPrice(price, catalogue.itemOf(price)) }));
  }

  #legacyPrice({ params }: SimulatorRequest, object: "addon" | "plan"): SimulatorResponse {
    const id = params.id ?? "";
    const price = this.#site.catalogue.price(id, `${object}_id`);
    if (this.#site.catalogue.itemOf(price).type !== object) throw notFound(`${object}_id`, id);
    return json(200, { [object]: renderLegacyPrice(price, object) });
  }

  #apply(request: SimulatorRequest): StoredAnswer {
    try {
      const before = this.#readable(request);
      const form = parseForm(request.body, request.headers["content-type"]);
      const { change, unknown } = parseChange(form, this.#site.catalog, before.decimal);
      this.#site.counters.add("unknownParameters", unknown.length);
      return { status: 200, body: JSON.stringify(this.#renderBooked(this.#site.update(before.id, change))) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, body } = this.onError(error);
      return { status, body: JSON.stringify(body) };
    }
  }

  #renderBooked({ subscription, unbilled, invoice, creditNotes }: Booked): unknown {
    return {
      ...this.#withCustomer(subscription),
      ...(invoice === undefined ? {} : { invoice: renderInvoice(invoice, subscription) }),
      ...(unbilled.length === 0
        ? {}
        : { unbilled_charges: unbilled.map((charge) => renderUnbilledCharge(charge, subscription)) }),
      ...(creditNotes.length === 0 ? {} : { credit_notes: creditNotes.map((note) => renderCreditNote(note, subscription)) }),
    };
  }

  #withCustomer(subscription: Subscription) {
    return {
      subscription: renderSubscription(subscription, this.#site.catalogue, this.#site.catalog),
      customer: renderCustomer(subscription),
    };
  }
}

function listResponse<T>(page: Page<T>, render: (element: T) => unknown): SimulatorResponse {
  return json(200, { list: page.list.map(render), ...(page.nextOffset === undefined ? {} : { next_offset: page.nextOffset }) });
}
