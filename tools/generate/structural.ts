import { z } from "zod";
import type { Rule } from "../../src/api/v1/rules.ts";

/** The part of apiextensions.k8s.io/v1 JSONSchemaProps that this project's kinds use. */
export interface StructuralSchema {
  readonly description?: string;
  readonly type: "object" | "array" | "string" | "integer" | "boolean";
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: StructuralSchema;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly required?: readonly string[];
  readonly "x-kubernetes-list-type"?: "set" | "atomic" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly Rule[];
}

type Node = z.core.JSONSchema.BaseSchema;

const COPIED = ["description", "enum", "default", "minLength", "maxLength", "minItems", "maxItems", "maxProperties"];
const EXTENSIONS = ["x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations"];
/** Handled one by one, or without a counterpart: Kubernetes knows no propertyNames, and checks a format without its pattern. */
const TREATED = [
  "type",
  "format",
  "minimum",
  "maximum",
  "items",
  "properties",
  "additionalProperties",
  "required",
  "propertyNames",
  "pattern",
];
const KEYWORDS = new Set([...COPIED, ...EXTENSIONS, ...TREATED]);

/**
 * @throws Error naming the path when the schema cannot be structural (unions, literals) or leaves something unbounded, which
 * would make the API server refuse the CRD or its CEL rules.
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const { $schema: _, ...root } = z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" });
  return convert(root, "");
}

function convert(node: Node, path: string): StructuralSchema {
  const unknown = Object.keys(node).filter((keyword) => !KEYWORDS.has(keyword));
  if (unknown.length > 0) throw new Error(`${path || "/"}: a CRD has no ${unknown.join(", ")}`);
  const converted: StructuralSchema = {
    ...pick(node, COPIED),
    type: typeOf(node, path),
    ...(node.format === undefined ? {} : { format: node.format }),
    ...range(node),
    ...children(node, path),
    ...pick(node, EXTENSIONS),
  };
  requireBounds(converted, path);
  return converted.default === undefined ? converted : { ...converted, default: withInnerDefaults(converted.default, converted) };
}

/** The API server judges a default by the CEL rules before it has put the defaults of the members into it. */
function withInnerDefaults(value: unknown, schema: StructuralSchema): unknown {
  if (schema.type !== "object") return value;
  const inner = Object.entries(schema.properties ?? {}).filter(([, member]) => member.default !== undefined);
  return { ...Object.fromEntries(inner.map(([name, member]) => [name, member.default])), ...Object(value) };
}

function typeOf(node: Node, path: string): StructuralSchema["type"] {
  switch (node.type) {
    case "object":
    case "array":
    case "string":
    case "integer":
    case "boolean":
      return node.type;
    default:
      throw new Error(`${path}: type ${node.type} is not used in this API`);
  }
}

function pick(node: Node, keywords: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keywords.filter((keyword) => node[keyword] !== undefined).map((keyword) => [keyword, node[keyword]]));
}

/** zod bounds every integer by what a double can hold; only tighter bounds are worth showing. */
function range({ minimum, maximum }: Node): Pick<StructuralSchema, "minimum" | "maximum"> {
  return {
    ...(minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}

function children(node: Node, path: string): Partial<StructuralSchema> {
  const { items, properties, additionalProperties, required } = node;
  return {
    ...(isNode(items) ? { items: convert(items, `${path}[]`) } : {}),
    ...(required === undefined || required.length === 0 ? {} : { required }),
    ...(properties === undefined ? {} : { properties: convertAll(properties, path) }),
    ...(isNode(additionalProperties) ? { additionalProperties: convert(additionalProperties, `${path}.*`) } : {}),
  };
}

function convertAll(properties: Readonly<Record<string, unknown>>, path: string): Record<string, StructuralSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      if (!isNode(property)) throw new Error(`${path}.${name}: not a schema`);
      return [name, convert(property, `${path}.${name}`)];
    }),
  );
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function requireBounds(schema: StructuralSchema, path: string): void {
  const missing = missingBound(schema);
  if (missing !== undefined) throw new Error(`${path}: must have ${missing}`);
}

function missingBound(schema: StructuralSchema): string | undefined {
  if (schema.description === undefined && schema.type !== "string") return "a description";
  switch (schema.type) {
    case "string":
      return schema.maxLength === undefined && schema.enum === undefined && schema.format === undefined ? "maxLength" : undefined;
    case "array":
      if (schema.maxItems === undefined) return "maxItems";
      return schema["x-kubernetes-list-type"] === undefined ? "x-kubernetes-list-type" : undefined;
    case "integer":
      return schema.minimum === undefined ? "minimum" : undefined;
    case "object":
      return schema.additionalProperties !== undefined && schema.maxProperties === undefined ? "maxProperties" : undefined;
    case "boolean":
      return undefined;
  }
}
