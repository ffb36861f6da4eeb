import { parseAllDocuments } from "yaml";
import { z } from "zod";

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

/** Any Kubernetes object as it stands in a file. */
export type Manifest = z.infer<typeof manifestSchema>;

/**
 * The objects of a YAML stream, empty documents left out.
 *
 * @throws Error when a document is not YAML (duplicate keys included) or not a Kubernetes object.
 */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const problem = document.errors[0];
    if (problem !== undefined) {
      throw new Error(`not YAML: ${problem.message}`);
    }
    const value: unknown = document.toJS();
    return value === null || value === undefined ? [] : [manifestSchema.parse(value)];
  });
}
