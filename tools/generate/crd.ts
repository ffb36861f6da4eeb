import type { KindDescription, PrinterColumn } from "./kinds.ts";
import { type StructuralSchema, structuralSchema } from "./structural.ts";

const CATEGORY = "saas";

export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly scope: "Namespaced" | "Cluster";
    readonly versions: readonly CustomResourceVersion[];
  };
}

export interface CustomResourceVersion {
  readonly name: string;
  readonly served: true;
  readonly storage: true;
  readonly additionalPrinterColumns: readonly PrinterColumn[];
  readonly selectableFields: readonly { readonly jsonPath: string }[];
  readonly subresources?: { readonly status: Readonly<Record<string, never>> };
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
}

/** Members that the API server itself describes and validates; it refuses a word on metadata, and kubectl explain knows it anyway. */
const typeMeta: Readonly<Record<string, StructuralSchema>> = {
  apiVersion: { description: "The group and version of this object's schema.", type: "string" },
  kind: { description: "The kind of this object.", type: "string" },
  metadata: { type: "object" },
};

export function customResourceDefinition(kind: KindDescription): CustomResourceDefinition {
  const { group, version, kind: name, plural, namespaced } = kind.resource;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, labels: { "app.kubernetes.io/name": "custom-domain-operator" } },
    spec: {
      group,
      names: {
        kind: name,
        listKind: `${name}List`,
        plural,
        singular: name.toLowerCase(),
        shortNames: [kind.shortName],
        categories: [CATEGORY],
      },
      scope: namespaced ? "Namespaced" : "Cluster",
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: kind.columns,
          selectableFields: kind.selectableFields.map((jsonPath) => ({ jsonPath })),
          ...(kind.statusSubresource ? { subresources: { status: {} } } : {}),
          schema: { openAPIV3Schema: rootSchema(kind) },
        },
      ],
    },
  };
}

function rootSchema(kind: KindDescription): StructuralSchema {
  const schema = structuralSchema(kind.schema);
  return { ...schema, properties: { ...typeMeta, ...schema.properties } };
}
