import type { ReasonDescription } from "../../src/api/v1/reason-description.ts";
import { reasonCatalogue } from "../../src/api/v1/reasons.ts";
import type { Rule } from "../../src/api/v1/rules.ts";
import type { CustomResourceDefinition, CustomResourceVersion } from "./crd.ts";
import type { KindDescription, PrinterColumn } from "./kinds.ts";
import { MARKDOWN_NOTICE, table } from "./markdown.ts";
import type { StructuralSchema } from "./structural.ts";

/** The reference page of one kind, written from its CRD so that it cannot say anything else. */
export function kindPage(kind: KindDescription, crd: CustomResourceDefinition): string {
  const { names, scope, group } = crd.spec;
  const version = crd.spec.versions[0];
  if (version === undefined) throw new Error(`${names.kind} has no version`);
  const schema = version.schema.openAPIV3Schema;
  const identity = table(
    ["apiVersion", "kind", "Scope", "Names for kubectl"],
    [
      [
        `\`${group}/${version.name}\``,
        `\`${names.kind}\``,
        scope,
        [names.plural, names.singular, ...names.shortNames, `category ${names.categories.join(", ")}`].join(", "),
      ],
    ],
  );
  return [
    MARKDOWN_NOTICE,
    `# ${names.kind}\n`,
    `${schema.description ?? ""}\n`,
    identity,
    ...["spec", "status"].flatMap((part) => fieldSection(part, schema)),
    ...ruleSection(schema),
    ...conditionSection(names.kind, kind.conditions),
    columnSection(version),
    selectionSection(version, names.plural),
  ].join("\n");
}

function fieldSection(part: string, root: StructuralSchema): readonly string[] {
  const schema = root.properties?.[part];
  if (schema === undefined) return [];
  const rows = fields(schema, part, root.required?.includes(part) ?? false).map(({ path, field, required }) => [
    `\`${path}\``,
    typeName(field),
    required ? "yes" : "",
    defaultText(field),
    bounds(field),
    field.description ?? "",
  ]);
  return [`## ${part}\n`, table(["Field", "Type", "Required", "Default", "Bounds", "Description"], rows)];
}

interface Field {
  readonly path: string;
  readonly field: StructuralSchema;
  readonly required: boolean;
}

/** A field and all below it, parents first. */
function fields(field: StructuralSchema, path: string, required: boolean): readonly Field[] {
  const members = membersOf(field).flatMap(([name, member, needed]) => fields(member, `${path}${name}`, needed));
  return [{ path, field, required }, ...members];
}

function membersOf(field: StructuralSchema): readonly (readonly [string, StructuralSchema, boolean])[] {
  const holder = field.items ?? field;
  const separator = field.items === undefined ? "." : "[].";
  return Object.entries(holder.properties ?? {}).map(([name, member]) => [
    `${separator}${name}`,
    member,
    holder.required?.includes(name) ?? false,
  ]);
}

function typeName(field: StructuralSchema): string {
  if (field.items !== undefined) {
    const keys = field["x-kubernetes-list-map-keys"];
    const kind = keys === undefined ? field["x-kubernetes-list-type"] : `map by ${keys.join(", ")}`;
    return `${typeName(field.items)}[] (${kind})`;
  }
  if (field.additionalProperties !== undefined) return `map of ${typeName(field.additionalProperties)}`;
  return field.format === "date-time" ? "time (RFC 3339)" : field.type;
}

function defaultText(field: StructuralSchema): string {
  return field.default === undefined ? "" : `\`${JSON.stringify(field.default)}\``;
}

function bounds(field: StructuralSchema): string {
  const own = [
    ...(field.enum === undefined ? [] : [field.enum.map((value) => `\`${value}\``).join(", ")]),
    ...interval(field.minimum, field.maximum, ""),
    ...interval(field.minLength === 0 ? undefined : field.minLength, field.maxLength, " characters"),
    ...interval(field.minItems, field.maxItems, " items"),
    ...interval(undefined, field.maxProperties, " entries"),
  ];
  const items = field.items === undefined || field.items.type === "object" ? "" : bounds(field.items);
  return [...own, ...(items === "" ? [] : [`each ${items}`])].join("; ");
}

function interval(low: number | undefined, high: number | undefined, unit: string): readonly string[] {
  if (low === undefined && high === undefined) return [];
  if (high === undefined) return [`at least ${low}${unit}`];
  return [low === undefined ? `at most ${high}${unit}` : `${low} to ${high}${unit}`];
}

function ruleSection(root: StructuralSchema): readonly string[] {
  const rows = ["", ".spec", ".status"].flatMap((path) => {
    const schema = path === "" ? root : root.properties?.[path.slice(1)];
    if (schema === undefined) return [];
    const below = path === "" ? [] : fields(schema, path.slice(1), false);
    const own = path === "" ? [{ path: "(object)", field: root }] : below;
    return own.flatMap(({ path: at, field }) =>
      rulesOf(field).flatMap((rule) => messagesOf(rule).map((message) => [`\`${at}\``, message])),
    );
  });
  if (rows.length === 0) return [];
  return ["## Rules\n", "The API server refuses an object that breaks one of these:\n", table(["Field", "Rule"], rows)];
}

function rulesOf(field: StructuralSchema): readonly Rule[] {
  const items = field.items?.type === "object" ? [] : (field.items?.["x-kubernetes-validations"] ?? []);
  return [...(field["x-kubernetes-validations"] ?? []), ...items];
}

function messagesOf({ message, tests }: Rule): readonly string[] {
  return tests === undefined ? [message] : tests.map((test) => test.message);
}

function conditionSection(kind: string, conditions: readonly string[]): readonly string[] {
  if (conditions.length === 0) return [];
  const rows = conditions.map((condition) => [`\`${condition}\``, reasonsOn(kind, condition)]);
  return [
    "## Conditions\n",
    "Reconciling, Stalled and Paused are present only while True; they and Ready also repeat the reason of another condition.",
    "What each reason means and who must act: [reasons](reasons.md).\n",
    table(["Condition", "Reasons of its own"], rows),
  ];
}

function reasonsOn(kind: string, condition: string): string {
  const all: readonly (readonly [string, ReasonDescription])[] = Object.entries(reasonCatalogue);
  return all
    .filter(([, { on }]) => on.some((sighting) => sighting === condition || sighting === `${kind} ${condition}`))
    .map(([reason]) => `\`${reason}\``)
    .join(", ");
}

function columnSection({ additionalPrinterColumns }: CustomResourceVersion): string {
  const shown = (column: PrinterColumn) => (column.priority === undefined ? "always" : "`-o wide`");
  const rows = additionalPrinterColumns.map((column) => [
    column.name,
    shown(column),
    `\`${column.jsonPath}\``,
    column.description,
  ]);
  return `## Columns of \`kubectl get\`\n\n${table(["Column", "Shown", "Path", "Meaning"], rows)}`;
}

function selectionSection({ selectableFields }: CustomResourceVersion, plural: string): string {
  const paths = selectableFields.map(({ jsonPath }) => `\`${jsonPath.slice(1)}\``).join(", ");
  return `## Field selectors\n\n\`kubectl get ${plural} --field-selector <field>=<value>\` works with ${paths}.\n`;
}
