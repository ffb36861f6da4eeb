import { incompatible, wrongValue } from "./api-error.ts";
import { booleanOf, type Form, integerOf } from "./form.ts";
import { type Catalog, type Change, PRORATION_TYPES, type RequestedLine } from "./model.ts";

/** Names of one catalogue's update parameters. */
interface Dialect {
  readonly table: string;
  readonly id: string;
  readonly replace: string;
  readonly mandatory: string;
}

const DIALECTS: Readonly<Record<Catalog, Dialect>> = {
  ItemPrices: {
    table: "subscription_items",
    id: "item_price_id",
    replace: "replace_items_list",
    mandatory: "mandatory_items_to_remove",
  },
  Addons: { table: "addons", id: "id", replace: "replace_addon_list", mandatory: "mandatory_addons_to_remove" },
};

const COMMON_SCALARS = ["prorate", "invoice_immediately", "reactivate", "change_option", "changes_scheduled_at", "end_of_term"];
const PLAN_SCALARS = ["plan_id", "plan_quantity", "plan_unit_price"];
const COLUMNS = ["quantity", "quantity_in_decimal", "unit_price", "proration_type", "charge_on_option"];
/** In the specification, but a quantity sync has no business with them: refused, so that no test passes on a half truth. */
const REFUSED =
  /^(start_date|trial_end|billing_cycles|terms_to_charge|reactivate_from|billing_alignment_mode|auto_collection|offline_payment_method|po_number|coupon|coupon_ids|replace_coupon_list|force_term_reset|token_id|invoice_date|invoice_notes|meta_data|override_relationship|net_term_days|contract_term.*|free_period.*|trial_end_action|setup_fee|create_pending_invoices|auto_close_invoices|payment_initiator|invoice_usages|card|payment_method|payment_intent|billing_address|shipping_address|statement_descriptor|customer|billing_override|discounts|item_tiers|event_based_addons|coupons)(\[|$)/;

export interface ParsedChange {
  readonly change: Change;
  /** Names that the API does not know. [?] It seems to ignore them, as this simulator does; a client should send none. */
  readonly unknown: readonly string[];
}

/** Index of the plan in Product Catalog 1.0, which stands in parameters of its own. */
const PLAN_INDEX = -1;

/** `param` of an error about a line's id or quantity. */
export function lineParam(catalog: Catalog, column: "id" | "quantity", index: number): string {
  if (index === PLAN_INDEX) return `plan_${column}`;
  const { table, id } = DIALECTS[catalog];
  return `${table}[${column === "id" ? id : column}][${index}]`;
}

/** Throws ApiError 400. `decimal`: quantities are sent as `quantity_in_decimal`. */
export function parseChange(form: Form, catalog: Catalog, decimal: boolean): ParsedChange {
  const dialect = DIALECTS[catalog];
  const rows = form.tables.get(dialect.table) ?? [];
  const lines = rows.map((row, index) => parseLine(row, index, dialect, decimal));
  const replaceList = booleanOf(form.scalars, dialect.replace) ?? false;
  if (replaceList && lines.length === 0) throw wrongValue(dialect.replace, `${dialect.replace} needs at least one line`);
  const scheduledAt = form.scalars.get("changes_scheduled_at");
  return {
    change: {
      lines: catalog === "Addons" ? [...planLine(form.scalars), ...lines] : lines,
      replaceList,
      mandatoryToRemove: form.lists.get(dialect.mandatory) ?? [],
      prorate: booleanOf(form.scalars, "prorate"),
      invoiceImmediately: booleanOf(form.scalars, "invoice_immediately"),
      reactivate: booleanOf(form.scalars, "reactivate"),
      option: changeOption(form.scalars),
      scheduledAt: scheduledAt === undefined ? undefined : integerOf(scheduledAt, "changes_scheduled_at", 0, 2 ** 40) * 1000,
    },
    unknown: unknownNames(form, dialect, catalog),
  };
}

function parseLine(row: ReadonlyMap<string, string>, index: number, dialect: Dialect, decimal: boolean): RequestedLine {
  const param = (column: string) => `${dialect.table}[${column}][${index}]`;
  const id = row.get(dialect.id);
  if (id === undefined || id === "" || id.length > 100)
    throw wrongValue(param(dialect.id), `${param(dialect.id)} : cannot be blank`);
  const unitPrice = row.get("unit_price");
  const proration = row.get("proration_type");
  const prorationType = PRORATION_TYPES.find((known) => known === proration);
  if (proration !== undefined && prorationType === undefined) throw wrongValue(param("proration_type"), "unknown proration type");
  const chargeOn = row.get("charge_on_option") ?? "immediately";
  if (!["immediately", "on_event"].includes(chargeOn)) throw wrongValue(param("charge_on_option"), "unknown charge option");
  return {
    itemPriceID: id,
    quantity: quantityOf(row, param, decimal),
    unitPrice: unitPrice === undefined ? undefined : integerOf(unitPrice, param("unit_price"), 0),
    prorationType,
    chargedNow: chargeOn === "immediately",
    index,
  };
}

/** [?] The exact code for a quantity of 0 is not documented; 400 param_wrong_value is what other minimums give. */
function quantityOf(row: ReadonlyMap<string, string>, param: (column: string) => string, decimal: boolean): number | undefined {
  const [used, other] = decimal ? ["quantity_in_decimal", "quantity"] : ["quantity", "quantity_in_decimal"];
  if (row.has(other)) throw wrongValue(param(other), `${param(other)} : this site uses ${used}`);
  const value = row.get(used);
  if (value === undefined) return undefined;
  if (!decimal) return integerOf(value, param(used), 1);
  if (!/^\d{1,20}(\.\d{1,10})?$/.test(value) || Number(value) <= 0)
    throw wrongValue(param(used), `${param(used)} : must be above 0`);
  return Number(value);
}

function planLine(scalars: ReadonlyMap<string, string>): readonly RequestedLine[] {
  const itemPriceID = scalars.get("plan_id");
  if (itemPriceID === undefined) return [];
  const [quantity, unitPrice] = [scalars.get("plan_quantity"), scalars.get("plan_unit_price")];
  return [
    {
      itemPriceID,
      quantity: quantity === undefined ? undefined : integerOf(quantity, "plan_quantity", 1),
      unitPrice: unitPrice === undefined ? undefined : integerOf(unitPrice, "plan_unit_price", 0),
      prorationType: undefined,
      chargedNow: true,
      index: PLAN_INDEX,
    },
  ];
}

function changeOption(scalars: ReadonlyMap<string, string>): Change["option"] {
  if (booleanOf(scalars, "end_of_term") === true) return "end_of_term";
  const option = scalars.get("change_option") ?? "immediately";
  const known = (["immediately", "end_of_term", "specific_date"] as const).find((candidate) => candidate === option);
  if (known === undefined) throw wrongValue("change_option", "change_option : unknown value");
  if (known === "specific_date" && !scalars.has("changes_scheduled_at")) {
    throw wrongValue("changes_scheduled_at", "changes_scheduled_at : needed with change_option=specific_date");
  }
  return known;
}

function unknownNames(form: Form, dialect: Dialect, catalog: Catalog): readonly string[] {
  const scalars = [...COMMON_SCALARS, dialect.replace, ...(catalog === "Addons" ? PLAN_SCALARS : [])];
  const columns = [dialect.id, ...COLUMNS];
  const all = [
    ...[...form.scalars.keys()].filter((name) => !scalars.includes(name)),
    ...[...form.lists.keys()].filter((name) => name !== dialect.mandatory),
    ...[...form.tables].flatMap(([table, rows]) => {
      const sent = new Set(rows.flatMap((row) => [...row.keys()]));
      return [...sent]
        .filter((column) => table !== dialect.table || !columns.includes(column))
        .map((column) => `${table}[${column}]`);
    }),
  ];
  const refused = all.find((name) => REFUSED.test(name));
  if (refused !== undefined) throw incompatible(`the simulator does not implement ${refused}`);
  return all;
}
