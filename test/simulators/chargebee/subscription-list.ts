import { wrongValue } from "./api-error.ts";
import { integerOf, jsonListOf } from "./form.ts";
import type { Subscription } from "./model.ts";
import { seconds } from "./wire.ts";

export interface Page<T> {
  readonly list: readonly T[];
  readonly nextOffset: string | undefined;
}

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** Filters, order and paging of GET /subscriptions. Throws ApiError 400. Parameters that are no filter are ignored. */
export function listSubscriptions(all: readonly Subscription[], query: URLSearchParams): Page<Subscription> {
  const filters = [...query].flatMap(([name, value]) => filterOf(name, value) ?? []);
  const matching = all.filter(
    (subscription) => subscription.status !== "deleted" && filters.every((filter) => filter(subscription)),
  );
  return pageOf(inOrder(matching, query), query);
}

/** Shared by all lists: `limit` and the opaque `offset`. */
export function pageOf<T>(items: readonly T[], query: URLSearchParams): Page<T> {
  const limit = integerOf(query.get("limit") ?? String(DEFAULT_LIMIT), "limit", 1, MAX_LIMIT);
  const start = startOf(query.get("offset"));
  const end = start + limit;
  const nextOffset = end < items.length ? JSON.stringify(["at", String(end)]) : undefined;
  return { list: items.slice(start, end), nextOffset };
}

type Filter = (subscription: Subscription) => boolean;

function filterOf(name: string, value: string): Filter | undefined {
  const [, field, operator] = /^([a-z_]+)\[([a-z_]+)\]$/.exec(name) ?? [];
  if (field === undefined || operator === undefined || field === "sort_by") return undefined;
  const texts = (read: (subscription: Subscription) => readonly string[]): Filter => {
    const wanted = operator === "is" ? [value] : operator === "in" ? jsonListOf(value, name) : undefined;
    if (wanted === undefined) throw wrongValue(name, `the simulator does not implement ${name}`);
    return (subscription) => read(subscription).some((text) => wanted.includes(text));
  };
  switch (field) {
    case "id":
      return texts(({ id }) => [id]);
    case "status":
      return texts(({ status }) => [status]);
    case "customer_id":
      return texts(({ customerID }) => [customerID]);
    case "item_price_id":
      return texts(({ lines }) => lines.map((line) => line.itemPriceID));
    case "has_scheduled_changes":
      return texts(({ scheduled }) => [String(scheduled !== undefined)]);
    case "updated_at":
      return updatedFilter(name, operator, value);
    default:
      throw wrongValue(name, `the simulator does not implement ${name}`);
  }
}

function updatedFilter(name: string, operator: string, value: string): Filter {
  const limit = integerOf(value, name, 0, 2 ** 40);
  if (operator === "after") return ({ updatedAt }) => seconds(updatedAt) > limit;
  if (operator === "before") return ({ updatedAt }) => seconds(updatedAt) < limit;
  throw wrongValue(name, `the simulator does not implement ${name}`);
}

/** Newest first unless asked otherwise. */
function inOrder(subscriptions: readonly Subscription[], query: URLSearchParams): readonly Subscription[] {
  const ascending = query.get("sort_by[asc]");
  const field = ascending ?? query.get("sort_by[desc]") ?? "created_at";
  if (field !== "created_at" && field !== "updated_at") throw wrongValue("sort_by", "sort_by : created_at or updated_at");
  const rank = (subscription: Subscription) => (field === "created_at" ? subscription.createdAt : subscription.resourceVersion);
  const sign = ascending === null ? -1 : 1;
  return subscriptions.toSorted((a, b) => sign * (rank(a) - rank(b)) || (a.id < b.id ? -sign : sign));
}

function startOf(offset: string | null): number {
  if (offset === null) return 0;
  const match = /^\["at","(\d+)"\]$/.exec(offset);
  if (match?.[1] === undefined) throw wrongValue("offset", "offset : not one that this list gave");
  return Number(match[1]);
}
