import Chargebee from "chargebee";
import {
  type Catalog,
  type Item,
  type ItemPrice,
  isChargebeeID,
  isPathSafe,
  parseAddon,
  parseItem,
  parseItemPrice,
  parseSubscription,
  type Subscription,
} from "./catalog.ts";
import { ChargebeeError, errorFromTransport } from "./errors.ts";
import type { QuantityLog, QuantityMutation } from "./mutation-log.ts";
import { addonParams, type ChargePolicy, itemPriceParams, type WrittenLine } from "./quantity.ts";
import { ChargebeeTransport, type ChargebeeTransportOptions } from "./transport.ts";

export interface QuantityUpdate extends ChargePolicy {
  readonly subscriptionID: string;
  readonly itemPriceID: string;
  /** At least 1; the line is SET to it, added when absent. */
  readonly quantity: number;
  /** The site counts in decimals. */
  readonly inDecimal: boolean;
  /** Minor units; only to keep a negotiated price. */
  readonly unitPrice?: number | undefined;
  /** At most 100 characters; remembered by Chargebee for 30 minutes. */
  readonly idempotencyKey: string;
}

export interface ItemRemoval extends ChargePolicy {
  readonly subscriptionID: string;
  /** From `planRemoval`: the lines that stay; never empty. */
  readonly lines: readonly WrittenLine[];
  readonly idempotencyKey: string;
}

/**
 * What the operator asks of one Chargebee site. A configured id that is not a Chargebee id is a RangeError (callers tell the user
 * long before); an id that Chargebee itself gave but that cannot stand in a URL is not looked up. Otherwise all methods reject
 * with ChargebeeError, or with the signal's reason when aborted before anything was sent.
 */
export interface ChargebeeApi {
  readonly catalog: Catalog;
  /** undefined when Chargebee says that there is none. */
  subscription(id: string, signal: AbortSignal): Promise<Subscription | undefined>;
  /** At most 100 ids in one request; those that Chargebee does not return are absent from the answer. */
  subscriptions(ids: readonly string[], signal: AbortSignal): Promise<readonly Subscription[]>;
  updateItemQuantity(update: QuantityUpdate, signal: AbortSignal): Promise<Subscription>;
  removeItem(removal: ItemRemoval, signal: AbortSignal): Promise<Subscription>;
  itemPrice(id: string, signal: AbortSignal): Promise<ItemPrice | undefined>;
  /** Always undefined under Product Catalog 1.0. */
  item(id: string, signal: AbortSignal): Promise<Item | undefined>;
  /** Whether the price may stand beside the plan price; always true under Product Catalog 1.0, where nothing tells. */
  isApplicable(planPriceID: string, price: ItemPrice, signal: AbortSignal): Promise<boolean>;
}

export const LIST_LIMIT = 100;

export interface ChargebeeClientOptions extends ChargebeeTransportOptions {
  readonly apiKey: string;
  readonly catalog: Catalog;
  readonly log: QuantityLog;
}

/** {@link ChargebeeApi} on the official SDK with its retries, validation and telemetry off (each of them breaks a correct call). */
export class ChargebeeClient implements ChargebeeApi {
  readonly catalog: Catalog;
  readonly #transport: ChargebeeTransport;
  readonly #sdk: Chargebee;
  readonly #log: QuantityLog;

  constructor(options: ChargebeeClientOptions) {
    this.catalog = options.catalog;
    this.#log = options.log;
    this.#transport = new ChargebeeTransport(options);
    const base = new URL(options.apiURL);
    this.#sdk = new Chargebee({
      apiKey: options.apiKey,
      // The transport pins the real base URL; this only keeps the SDK from inventing another.
      site: base.hostname,
      hostSuffix: "",
      protocol: base.protocol === "http:" ? "http" : "https",
      port: Number(base.port) || (base.protocol === "http:" ? 80 : 443),
      timeout: options.timeoutMs,
      retryConfig: { enabled: false },
      enableValidation: false,
      sdkTelemetryEnabled: false,
      httpClient: this.#transport,
    });
  }

  async subscription(id: string, signal: AbortSignal): Promise<Subscription | undefined> {
    assertIDs(id);
    return this.#find(signal, async () => parseSubscription((await this.#sdk.subscription.retrieve(id)).subscription));
  }

  async subscriptions(ids: readonly string[], signal: AbortSignal): Promise<readonly Subscription[]> {
    assertIDs(...ids);
    if (ids.length > LIST_LIMIT) throw new RangeError(`${ids.length} ids in one list`);
    if (ids.length === 0) return [];
    return this.#run(signal, async () => {
      // Never more rows than ids, so there is no further page.
      const { list } = await this.#sdk.subscription.list({ id: { in: [...ids] }, limit: LIST_LIMIT });
      return list.map((row) => parseSubscription(row.subscription));
    });
  }

  async updateItemQuantity(update: QuantityUpdate, signal: AbortSignal): Promise<Subscription> {
    const { itemPriceID, quantity, inDecimal, unitPrice } = update;
    if (!Number.isSafeInteger(quantity) || quantity < 1) throw new RangeError(`quantity ${quantity} cannot be sent`);
    const line: WrittenLine = { itemPriceID, quantity, inDecimal, unitPrice, billingCycles: undefined };
    return this.#write(update.subscriptionID, [line], false, update, update.idempotencyKey, signal);
  }

  async removeItem(removal: ItemRemoval, signal: AbortSignal): Promise<Subscription> {
    // An empty list with the replace flag would reach Chargebee as the flag alone.
    if (removal.lines.length === 0) throw new RangeError("a removal needs the lines that stay");
    return this.#write(removal.subscriptionID, removal.lines, true, removal, removal.idempotencyKey, signal);
  }

  async itemPrice(id: string, signal: AbortSignal): Promise<ItemPrice | undefined> {
    if (!isPathSafe(id)) return undefined;
    if (this.catalog === "Addons") return this.#find(signal, async () => parseAddon((await this.#sdk.addon.retrieve(id)).addon));
    return this.#find(signal, async () => parseItemPrice((await this.#sdk.itemPrice.retrieve(id)).item_price));
  }

  async item(id: string, signal: AbortSignal): Promise<Item | undefined> {
    if (this.catalog === "Addons" || !isPathSafe(id)) return undefined;
    return this.#find(signal, async () => parseItem((await this.#sdk.item.retrieve(id)).item));
  }

  async isApplicable(planPriceID: string, price: ItemPrice, signal: AbortSignal): Promise<boolean> {
    const { itemID } = price;
    if (this.catalog === "Addons" || itemID === undefined || !isPathSafe(planPriceID)) return true;
    return this.#run(signal, async () => {
      let offset: string | undefined;
      do {
        const page = offset === undefined ? {} : { offset };
        const query = { item_id: itemID, limit: LIST_LIMIT, ...page };
        const answer = await this.#sdk.itemPrice.findApplicableItemPrices(planPriceID, query);
        if (answer.list.some((row) => row.item_price.id === price.id)) return true;
        offset = answer.next_offset;
      } while (offset !== undefined);
      return false;
    });
  }

  async #write(
    subscriptionID: string,
    lines: readonly WrittenLine[],
    replaceAll: boolean,
    policy: ChargePolicy,
    idempotencyKey: string,
    signal: AbortSignal,
  ): Promise<Subscription> {
    assertIDs(subscriptionID);
    const headers = { "chargebee-idempotency-key": idempotencyKey };
    const started = performance.now();
    const record = (outcome: QuantityMutation["outcome"], error?: string): void =>
      this.#log.record({
        action: replaceAll ? "remove" : "set",
        subscriptionID,
        lines: lines.map(({ itemPriceID, quantity }) => ({ itemPriceID, quantity })),
        prorate: policy.prorate,
        invoiceImmediately: policy.invoiceImmediately,
        idempotencyKey,
        outcome,
        error,
        durationMs: Math.round(performance.now() - started),
      });
    try {
      const written = await this.#run(signal, async () => {
        const { subscription } = this.#sdk;
        const answer =
          this.catalog === "Addons"
            ? await subscription.update(subscriptionID, addonParams(lines, replaceAll, policy), headers)
            : await subscription.updateForItems(subscriptionID, itemPriceParams(lines, replaceAll, policy), headers);
        return parseSubscription(answer.subscription);
      });
      record("done");
      return written;
    } catch (error) {
      // "paused" was never sent: there is no attempt to tell of.
      if (error instanceof ChargebeeError && error.class !== "paused") {
        record(error.ambiguous ? "unknown" : "refused", error.code === "" ? error.class : error.code);
      }
      throw error;
    }
  }

  async #find<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#run(signal, call);
    } catch (error) {
      if (error instanceof ChargebeeError && error.class === "not-found") return undefined;
      throw error;
    }
  }

  async #run<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    try {
      return await this.#transport.run(signal, call);
    } catch (error) {
      if (error instanceof ChargebeeError) throw error;
      if (error instanceof Error && error.name === "ZodError") throw errorFromTransport(error, 200);
      throw error;
    }
  }
}

function assertIDs(...ids: readonly string[]): void {
  for (const id of ids) if (!isChargebeeID(id)) throw new RangeError("not a Chargebee id");
}
