import type { z } from "zod";
import { objectName } from "./hostname-rules.ts";
import { type Rule, rule } from "./rules.ts";
import { type Immutable, object, text } from "./schema.ts";

const dataKey: Rule = rule("self.matches('^[-._a-zA-Z0-9]+$')", "must be a key of a Secret: letters, digits, '-', '_' and '.'");

/** Refers to a Secret in the operator's own namespace, never in a tenant's. */
export function secretKeyRef(description: string) {
  return object(description, {
    name: objectName("The name of the Secret."),
    key: text("The key within the Secret.", { max: 253, rules: [dataKey] }),
  });
}

export type SecretKeyRef = Immutable<z.output<ReturnType<typeof secretKeyRef>>>;
