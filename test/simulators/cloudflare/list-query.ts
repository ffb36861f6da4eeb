import { APIError } from "./api-error.ts";
import type { Row } from "./row.ts";

const NAME_FILTERS: Readonly<Record<string, (hostname: string, wanted: string) => boolean>> = {
  hostname: (hostname, wanted) => hostname === wanted,
  "hostname.exact": (hostname, wanted) => hostname === wanted,
  "hostname.contain": (hostname, wanted) => hostname.includes(wanted),
  "hostname.startsWith": (hostname, wanted) => hostname.startsWith(wanted),
};

const FIELD_FILTERS: Readonly<Record<string, (row: Row, wanted: string) => boolean>> = {
  id: (row, wanted) => row.id === wanted,
  hostname_status: (row, wanted) => row.status === wanted,
  ssl_status: (row, wanted) => row.certificate?.status === wanted,
  certificate_authority: (row, wanted) => row.certificate?.authority === wanted,
  wildcard: (row, wanted) => String(row.certificate?.wildcard ?? false) === wanted,
  custom_origin_server: (row, wanted) => row.originServer === wanted,
  ssl: (row, wanted) => (row.certificate !== undefined) === (wanted === "1"),
};

export interface Page {
  readonly rows: readonly Row[];
  readonly resultInfo: Readonly<Record<string, number>>;
}

/** Filters, orders and cuts one page. Throws 1437, 1438 or 1400 for parameters that do not go together. */
export function selectPage(rows: readonly Row[], query: URLSearchParams, maxPerPage: number): Page {
  const matching = order(filter(rows, query), query);
  const page = integer(query, "page", 1, 1, Number.MAX_SAFE_INTEGER);
  const perPage = integer(query, "per_page", 20, 5, maxPerPage);
  const selected = matching.slice((page - 1) * perPage, page * perPage);
  const resultInfo = {
    page,
    per_page: perPage,
    count: selected.length,
    total_count: matching.length,
    total_pages: Math.ceil(matching.length / perPage),
  };
  return { rows: selected, resultInfo };
}

function filter(rows: readonly Row[], query: URLSearchParams): readonly Row[] {
  const names = Object.keys(NAME_FILTERS).filter((name) => query.has(name));
  if (names.length > 1 || (names.length === 1 && query.has("id"))) {
    throw new APIError(400, 1438, "The filters for hostname and id cannot be used together.");
  }
  if (query.get("hostname.contain") === "") throw new APIError(400, 1437, "The value of hostname.contain is invalid.");
  let left = rows;
  for (const [name, matches] of Object.entries(NAME_FILTERS)) {
    const wanted = query.get(name)?.toLowerCase();
    if (wanted !== undefined) left = left.filter((row) => matches(row.hostname, wanted));
  }
  for (const [field, matches] of Object.entries(FIELD_FILTERS)) {
    const wanted = query.get(field);
    if (wanted !== null) left = left.filter((row) => matches(row, wanted));
  }
  return left;
}

function order(rows: readonly Row[], query: URLSearchParams): readonly Row[] {
  const by = query.get("order");
  if (by === null) return rows;
  const sign = query.get("direction") === "desc" ? -1 : 1;
  const key = (row: Row) => (by === "ssl" ? String(row.certificate !== undefined) : (row.certificate?.status ?? ""));
  return [...rows].sort((a, b) => sign * key(a).localeCompare(key(b)));
}

/** [?] Which code a parameter out of range gets is not documented; that it is a 400 is. */
function integer(query: URLSearchParams, name: string, fallback: number, min: number, max: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new APIError(400, 1400, `The parameter ${name} must be a number from ${min} to ${max}.`);
  }
  return value;
}
