import type { Item, ItemPrice, Subscription } from "../../chargebee/catalog.ts";
import type { ChargebeeApi } from "../../chargebee/client.ts";
import type { CatalogView } from "../../core/billing-subscription.ts";
import type { Clock } from "../../runtime/clock.ts";

const KEEP_MS = 30 * 60_000;

/** Answers of one kind; only what was found is kept, since what was not is about to be created by somebody. */
class Answers<T> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly value: T; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(key: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const now = this.#clock.monotonic();
    const known = this.#entries.get(key);
    if (known !== undefined && now - known.at < KEEP_MS) return known.value;
    this.#entries.delete(key);
    const value = await ask();
    if (value !== undefined) this.#entries.set(key, { value, at: now });
    return value;
  }
}

interface SiteCatalogue {
  readonly prices: Answers<ItemPrice>;
  readonly items: Answers<Item>;
  readonly applicable: Answers<true>;
}

/** What the catalogue said, for 30 minutes and per client, so that a changed API key starts afresh. */
export class Catalogue {
  readonly #clock: Clock;
  readonly #clients = new WeakMap<ChargebeeApi, SiteCatalogue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  price(api: ChargebeeApi, id: string, signal: AbortSignal): Promise<ItemPrice | undefined> {
    return this.#of(api).prices.get(id, () => api.itemPrice(id, signal));
  }

  async view(api: ChargebeeApi, id: string, subscription: Subscription, signal: AbortSignal): Promise<CatalogView> {
    const price = await this.price(api, id, signal);
    if (price === undefined) return { price, item: undefined, applicable: false };
    const { items, applicable } = this.#of(api);
    const { itemID } = price;
    const item = itemID === undefined ? undefined : await items.get(itemID, () => api.item(itemID, signal));
    const plan = subscription.items.find((line) => line.type === "plan");
    const present = subscription.items.some((line) => line.itemPriceID === id);
    if (plan === undefined || present || price.type !== "addon") return { price, item, applicable: true };
    const ask = async (): Promise<true | undefined> =>
      (await api.isApplicable(plan.itemPriceID, price, signal)) ? true : undefined;
    return { price, item, applicable: (await applicable.get(`${plan.itemPriceID}\n${id}`, ask)) === true };
  }

  #of(api: ChargebeeApi): SiteCatalogue {
    const known = this.#clients.get(api);
    if (known !== undefined) return known;
    const clock = this.#clock;
    const made: SiteCatalogue = { prices: new Answers(clock), items: new Answers(clock), applicable: new Answers(clock) };
    this.#clients.set(api, made);
    return made;
  }
}
