import { z } from "zod";
import { type Rule, ruled } from "./rules.ts";

/**
 * The building blocks that the kinds are written with. Each takes what `kubectl explain` shows first and insists on a bound,
 * since the API server estimates the cost of every CEL rule from the bounds and refuses a CRD that could be slow.
 */
export interface TextOptions {
  readonly max: number;
  readonly min?: number;
  readonly rules?: readonly Rule[];
}

/** What a consumer may hold: the schema's value after defaulting, frozen by the type. */
export type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Immutable<T[Key]> }
    : T;

/** A string of `min` (default 1) to `max` characters. */
export function text(description: string, { max, min = 1, rules = [] }: TextOptions) {
  const bounded = z.string().max(max);
  return (min === 0 ? bounded : bounded.min(min)).meta({ description, ...ruled(rules) });
}

export function integer(description: string, min: number, max: number) {
  return z
    .int()
    .min(min)
    .max(max)
    .meta({ description, format: max > 2_147_483_647 ? "int64" : "int32" });
}

export function flag(description: string) {
  return z.boolean().meta({ description });
}

/** RFC 3339, as metav1.Time is written. */
export function time(description: string) {
  return z.iso.datetime({ offset: true }).meta({ description });
}

export function choice<const Values extends readonly [string, ...string[]]>(description: string, values: Values) {
  return z.enum(values).meta({ description });
}

export interface ListOptions {
  readonly max: number;
  /** `set` for lists of distinct scalars, `atomic` for what one writer replaces whole. */
  readonly type: "set" | "atomic";
  readonly rules?: readonly Rule[];
}

export function list<Item extends z.ZodType>(description: string, item: Item, { max, type, rules = [] }: ListOptions) {
  return z
    .array(item)
    .max(max)
    .meta({ description, "x-kubernetes-list-type": type, ...ruled(rules) });
}

/** A list whose items are told apart by the members `keys`. */
export function keyedList<Item extends z.ZodType>(description: string, item: Item, max: number, keys: readonly string[]) {
  return z
    .array(item)
    .max(max)
    .meta({ description, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [...keys] });
}

export function object<Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape, rules: readonly Rule[] = []) {
  return z.object(shape).meta({ description, ...ruled(rules) });
}
