import type { Clock } from "../../../src/runtime/clock.ts";
import type { Fault } from "../fault.ts";
import { SimulatorServer } from "../http.ts";
import { registerAdmin } from "./admin.ts";
import { ChargebeeApi } from "./api.ts";
import type { CounterName } from "./counters.ts";
import type { Document, Invoice, UnbilledCharge } from "./ledger.ts";
import type { Catalog, Subscription } from "./model.ts";
import { type ItemPriceSeed, type ItemSeed, itemFrom, itemPriceFrom, type SubscriptionSeed } from "./seeds.ts";
import { Site, type SiteEvent } from "./site.ts";
import { type Delivery, WebhookSender, type WebhookTarget } from "./webhooks.ts";
import { renderCustomer, renderSubscription } from "./wire.ts";

export interface ChargebeeSimulatorOptions {
  readonly clock: Clock;
  readonly port?: number;
  /** `localhost` unless given. A Host of the form `<other>.localhost` gets 404 site_not_found. */
  readonly site?: string;
  /** `test_key` unless given. */
  readonly apiKey?: string;
  /** Product Catalog 2.0 (ItemPrices) unless given. */
  readonly catalog?: Catalog;
  /** All calls of the site; 150, as a test site has, unless given. */
  readonly requestsPerMinute?: number;
  /** Milliseconds a write takes while it holds its subscription; 5 unless given. */
  readonly writeLatencyMs?: number;
  readonly webhooks?: WebhookTarget;
}

export interface ChargebeeSimulator {
  /** `http://127.0.0.1:PORT`; the API is under `/api/v2`. */
  readonly url: string;
  readonly site: string;
  readonly port: number;
  /** These three add or replace. */
  addItem(seed: ItemSeed): void;
  addItemPrice(seed: ItemPriceSeed): void;
  addSubscription(seed: SubscriptionSeed): Subscription;
  /** Throws ApiError 404 like the methods below. */
  subscription(id: string): Subscription;
  /** Quantity of a line; undefined when the subscription has no such line. */
  quantity(subscriptionID: string, itemPriceID: string): number | undefined;
  setStatus(subscriptionID: string, status: string): void;
  /** What somebody else writes; quantity 0 removes the line. */
  foreignWrite(subscriptionID: string, itemPriceID: string, quantity: number): void;
  setUnitPrice(subscriptionID: string, itemPriceID: string, unitPrice: number): void;
  /** A change that waits for the end of the term. */
  scheduleChange(subscriptionID: string, itemPriceID: string, quantity: number): void;
  setPaymentsFail(subscriptionID: string, fail: boolean): void;
  rotateKey(apiKey: string): void;
  counter(name: CounterName): number;
  counters(): Readonly<Record<string, number>>;
  records(): {
    readonly unbilledCharges: readonly UnbilledCharge[];
    readonly invoices: readonly Invoice[];
    readonly creditNotes: readonly Document[];
  };
  /** Requests per "METHOD pattern", faulted ones too. */
  routes(): Readonly<Record<string, number>>;
  /** Requests with method POST, whatever became of them. */
  posts(): number;
  resetCounters(): void;
  addFault(fault: Fault): void;
  clearFaults(): void;
  deliveries(): readonly Delivery[];
  close(): Promise<void>;
}

/** One Chargebee site as a real HTTP server on the loopback address. */
export async function startChargebeeSimulator(options: ChargebeeSimulatorOptions): Promise<ChargebeeSimulator> {
  const { clock } = options;
  const siteName = options.site ?? "localhost";
  const catalog = options.catalog ?? "ItemPrices";
  const sender = options.webhooks === undefined ? undefined : new WebhookSender(clock, options.webhooks);
  const site = new Site({ clock, catalog, onEvent: (event) => sender?.send(webhookOf(event, site)) });
  const api = new ChargebeeApi({
    site,
    siteName,
    clock,
    apiKey: options.apiKey ?? "test_key",
    requestsPerMinute: options.requestsPerMinute ?? 150,
    writeLatencyMs: options.writeLatencyMs ?? 5,
  });
  const server = new SimulatorServer({
    clock,
    state: () => stateOf(site, siteName),
    around: api.around,
    notFound: api.notFound,
    onError: api.onError,
  });
  api.register(server);
  registerAdmin(server, site, (apiKey) => api.rotateKey(apiKey));
  const url = await server.listen("127.0.0.1", options.port ?? 0);
  return {
    url,
    site: siteName,
    port: Number(new URL(url).port),
    ...siteMethods(site, clock),
    ...serverMethods(server),
    rotateKey: (apiKey) => api.rotateKey(apiKey),
    resetCounters: () => {
      server.resetCounters();
      site.counters.reset();
    },
    deliveries: () => sender?.deliveries() ?? [],
    close: async () => {
      sender?.close();
      await server.close();
    },
  };
}

function siteMethods(site: Site, clock: Clock) {
  return {
    addItem: (seed) => site.catalogue.putItem(itemFrom(seed)),
    addItemPrice: (seed) => site.catalogue.putPrice(itemPriceFrom(seed, clock.now())),
    addSubscription: (seed) => site.addSubscription(seed),
    subscription: (id) => site.subscription(id),
    quantity: (id, priceID) => site.subscription(id).lines.find((line) => line.itemPriceID === priceID)?.quantity,
    setStatus: (id, status) => void site.setStatus(id, status),
    foreignWrite: (id, priceID, quantity) => void site.foreignWrite(id, priceID, quantity),
    setUnitPrice: (id, priceID, unitPrice) => void site.setUnitPrice(id, priceID, unitPrice),
    scheduleChange: (id, priceID, quantity) => void site.scheduleChange(id, priceID, quantity),
    setPaymentsFail: (id, fail) => void site.setPaymentsFail(id, fail),
    counter: (name) => site.counters.get(name),
    counters: () => site.counters.snapshot(),
    records: () => site.ledger.records(),
  } satisfies Partial<ChargebeeSimulator>;
}

function serverMethods(server: SimulatorServer) {
  return {
    routes: () => server.counters(),
    posts: () => postsIn(server.counters()),
    addFault: (fault) => server.addFault(fault),
    clearFaults: () => server.clearFaults(),
  } satisfies Partial<ChargebeeSimulator>;
}

function postsIn(routes: Readonly<Record<string, number>>): number {
  return Object.entries(routes).reduce((sum, [route, count]) => (route.startsWith("POST ") ? sum + count : sum), 0);
}

function stateOf(site: Site, siteName: string): unknown {
  return {
    site: siteName,
    catalog: site.catalog,
    items: site.catalogue.items(),
    itemPrices: site.catalogue.prices(),
    subscriptions: site.subscriptions(),
    counters: site.counters.snapshot(),
    ...site.ledger.records(),
  };
}

function webhookOf(event: SiteEvent, site: Site) {
  return {
    type: event.type,
    source: event.source,
    occurredAt: site.now(),
    content: {
      subscription: renderSubscription(event.subscription, site.catalogue, site.catalog),
      customer: renderCustomer(event.subscription),
    },
  };
}
