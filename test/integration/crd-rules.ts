import type { Rule } from "../../src/api/v1/rules.ts";
import type { KindDescription } from "../../tools/generate/kinds.ts";
import { type StructuralSchema, structuralSchema } from "../../tools/generate/structural.ts";

/** Every sentence that the rules of a kind can say, as `<kind> <field>: <sentence>`, with `[]` for any item of a list. */
export function ruleMessages({ resource, schema }: KindDescription): readonly string[] {
  return messagesBelow(structuralSchema(schema), "").map((message) => `${resource.kind} ${message}`);
}

function messagesBelow(schema: StructuralSchema, path: string): readonly string[] {
  const own = (schema["x-kubernetes-validations"] ?? []).flatMap(sentences).map((sentence) => `${path}: ${sentence}`);
  const inItems = schema.items === undefined ? [] : messagesBelow(schema.items, `${path}[]`);
  const inMembers = Object.entries(schema.properties ?? {}).flatMap(([name, member]) =>
    messagesBelow(member, path === "" ? name : `${path}.${name}`),
  );
  return [...own, ...inItems, ...inMembers];
}

function sentences({ message, tests }: Rule): readonly string[] {
  return tests === undefined ? [message] : tests.map((test) => test.message);
}
