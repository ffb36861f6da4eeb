import { invalidRequest, wrongValue } from "./api-error.ts";

/** A decoded form body: `a`, `a[b]` (kept under that name), `list[0]` and `table[column][0]`. */
export interface Form {
  readonly scalars: ReadonlyMap<string, string>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** Rows in the order of their index; a row has the columns that were sent for it. */
  readonly tables: ReadonlyMap<string, readonly ReadonlyMap<string, string>[]>;
}

const NAME = /^([a-z_0-9]+)(?:\[([a-z_]+)\])?(?:\[(\d+)\])?$/;

/** Throws ApiError 400 for names that the API's encoding does not have, repeated ones, and indexes that leave gaps. */
export function parseForm(body: Buffer, contentType: string | undefined): Form {
  if (body.length > 0 && contentType?.split(";")[0]?.trim().toLowerCase() !== "application/x-www-form-urlencoded") {
    throw invalidRequest("The content type must be application/x-www-form-urlencoded.");
  }
  const scalars = new Map<string, string>();
  const lists = new Map<string, Map<number, string>>();
  const tables = new Map<string, Map<number, Map<string, string>>>();
  const seen = new Set<string>();
  for (const [key, value] of new URLSearchParams(body.toString("utf8"))) {
    const match = NAME.exec(key);
    if (match?.[1] === undefined || seen.has(key)) throw wrongValue(key, `${key} is malformed or repeated`);
    seen.add(key);
    const [, name, column, index] = match;
    if (index === undefined) scalars.set(key, value);
    else if (column === undefined) cell(lists, name, () => new Map()).set(Number(index), value);
    else
      cell(
        cell(tables, name, () => new Map()),
        Number(index),
        () => new Map<string, string>(),
      ).set(column, value);
  }
  return {
    scalars,
    lists: new Map([...lists].map(([name, rows]) => [name, inOrder(name, rows)])),
    tables: new Map([...tables].map(([name, rows]) => [name, inOrder(name, rows)])),
  };
}

/** Undefined when the parameter was not sent. */
export function booleanOf(scalars: ReadonlyMap<string, string>, name: string): boolean | undefined {
  const value = scalars.get(name);
  if (value === undefined) return undefined;
  if (value !== "true" && value !== "false") throw wrongValue(name, `${name} : should be true or false`);
  return value === "true";
}

/** `param` names the value in errors. */
export function integerOf(value: string, param: string, minimum: number, maximum = 2 ** 31 - 1): number {
  const number = Number(value);
  if (!/^-?\d+$/.test(value) || number < minimum || number > maximum) {
    throw wrongValue(param, `${param} : must be an integer between ${minimum} and ${maximum}`);
  }
  return number;
}

/** The JSON list of strings that `[in]` filters take. */
export function jsonListOf(value: string, param: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(value);
    if (Array.isArray(parsed) && parsed.every((element) => typeof element === "string")) return parsed;
  } catch {
    // Answered below, like JSON of another form.
  }
  throw wrongValue(param, `${param} : must be a JSON list of strings`);
}

function cell<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}

function inOrder<V>(name: string, rows: ReadonlyMap<number, V>): readonly V[] {
  return Array.from({ length: rows.size }, (_, index) => {
    const row = rows.get(index);
    if (row === undefined) throw wrongValue(name, `${name} : the indexes must begin with 0 and leave no gap`);
    return row;
  });
}
