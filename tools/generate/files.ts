import { stringify } from "yaml";
import { chartTemplate } from "./chart-crds.ts";
import { type CustomResourceDefinition, customResourceDefinition } from "./crd.ts";
import { kinds } from "./kinds.ts";
import { reasonsPage } from "./reasons-page.ts";
import { kindPage } from "./reference-page.ts";

const NOTICE = "# Generated from src/api/v1 by tools/generate. Do not edit.\n";

/** Every generated file of the repository: path from its root, and content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const crds = kinds.map((kind) => ({ kind, crd: customResourceDefinition(kind) }));
  return new Map<string, string>([
    ...crds.flatMap(({ kind, crd }) => crdFiles(`${kind.resource.plural}.yaml`, NOTICE + yaml(crd))),
    // Kustomize reads no file outside its own directory, hence a copy.
    ["config/crd/crds.yaml", NOTICE + crds.map(({ crd }) => yaml(crd)).join("---\n")],
    ...crds.map(({ kind, crd }): readonly [string, string] => [
      `docs/reference/${kind.resource.kind.toLowerCase()}.md`,
      kindPage(kind, crd),
    ]),
    ["docs/reference/reasons.md", reasonsPage()],
  ]);
}

function crdFiles(name: string, text: string): readonly (readonly [string, string])[] {
  return [
    [`crds/${name}`, text],
    [`charts/custom-domain-operator/templates/crds/${name}`, chartTemplate(text)],
  ];
}

function yaml(crd: CustomResourceDefinition): string {
  // kubectl reads YAML 1.1, where a bare Off is a boolean: the version makes it quoted.
  return stringify(crd, publishedMembers, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}

/** What the API server would not know, and refuse under strict validation. */
function publishedMembers(key: unknown, value: unknown): unknown {
  if (key !== "x-kubernetes-validations" || !Array.isArray(value)) return value;
  return value.map(({ tests: _, ...rule }) => rule);
}
