import { notFound } from "./api-error.ts";
import { dividesPeriod, type Item, type ItemPrice } from "./model.ts";

/** Items and their price points. In Product Catalog 1.0 the price point's id is the plan's or addon's. */
export class Catalogue {
  readonly #items = new Map<string, Item>();
  readonly #prices = new Map<string, ItemPrice>();

  /** Adds or replaces. */
  putItem(item: Item): void {
    this.#items.set(item.id, item);
  }

  /** Adds or replaces. Throws ApiError 404 for an unknown item. */
  putPrice(price: ItemPrice): void {
    this.item(price.itemID);
    this.#prices.set(price.id, price);
  }

  /** Throws ApiError 404. */
  item(id: string): Item {
    const item = this.#items.get(id);
    if (item === undefined) throw notFound("item_id", id);
    return item;
  }

  /** Throws ApiError 404 that names `param`. */
  price(id: string, param = "item_price_id"): ItemPrice {
    const price = this.#prices.get(id);
    if (price === undefined) throw notFound(param, id);
    return price;
  }

  itemOf(price: ItemPrice): Item {
    return this.item(price.itemID);
  }

  items(): readonly Item[] {
    return [...this.#items.values()];
  }

  prices(): readonly ItemPrice[] {
    return [...this.#prices.values()];
  }

  /** Whether the plan's applicability lets the item be added to it. */
  isApplicable(plan: ItemPrice, price: ItemPrice): boolean {
    const allowed = this.itemOf(plan).applicableItemIDs;
    return allowed === undefined || allowed.includes(price.itemID);
  }

  /** Addon and charge prices that a subscription of the plan price could get. */
  applicablePrices(plan: ItemPrice): readonly ItemPrice[] {
    return this.prices().filter((price) => {
      const { type } = this.itemOf(price);
      if (type === "plan" || price.status !== "active" || price.currency !== plan.currency) return false;
      return this.isApplicable(plan, price) && (type === "charge" || dividesPeriod(price.period, plan.period));
    });
  }
}
