import { type Connection, classSpecFor } from "../../test/simulators/platform.ts";
import { type CustomDomainClassSpec, customDomainClassSpecSchema } from "../api/v1/custom-domain-class.ts";

export type ClassChanges = { readonly [Section in keyof CustomDomainClassSpec]?: Partial<CustomDomainClassSpec[Section]> };

/** A class for the simulated world, with `changes` made to its sections. */
export function classSpec(connection: Connection, changes: ClassChanges, isDefault: boolean): CustomDomainClassSpec {
  const base = classSpecFor(connection);
  const sections = Object.keys({ ...base, ...changes }) as (keyof CustomDomainClassSpec)[];
  const merged = Object.fromEntries(sections.map((key) => [key, merge(Reflect.get(base, key), changes[key])]));
  return customDomainClassSpecSchema.parse({ ...merged, default: isDefault, billing: {} });
}

function merge(base: unknown, changes: unknown): unknown {
  return typeof changes === "object" && changes !== null ? { ...(base as object | undefined), ...changes } : (changes ?? base);
}
