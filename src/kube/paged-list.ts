import type { KubeObject, ResourceDefinition } from "./objects.ts";
import type { KubeTransport } from "./transport.ts";

const PAGE_SIZE = 500;

interface Page<T> {
  readonly apiVersion: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

export interface PagedListOptions<T extends KubeObject> {
  readonly transport: KubeTransport;
  readonly resource: ResourceDefinition;
  readonly project: (object: T) => T;
  /** The path with these parameters added. */
  readonly pathOf: (query: Readonly<Record<string, string>>) => string;
  /** After each page. */
  readonly onPage: () => void;
  readonly signal: AbortSignal;
}

/**
 * A whole collection as it was at one version, read in pages of 500.
 * @throws ApiError, 410 among them: the version is no longer kept, the whole must be read anew.
 */
export async function listInPages<T extends KubeObject>(
  options: PagedListOptions<T>,
): Promise<{ readonly objects: readonly T[]; readonly version: string }> {
  const { transport, resource, project, pathOf, onPage, signal } = options;
  const objects: T[] = [];
  let continuation = "";
  let version = "";
  do {
    const path = pathOf({ limit: `${PAGE_SIZE}`, continue: continuation });
    const page = (await transport.request({ method: "GET", path, signal })) as Page<T>;
    // Items of a list of built-in kinds carry no apiVersion and kind of their own.
    for (const item of page.items) objects.push(project({ ...item, apiVersion: page.apiVersion, kind: resource.kind }));
    continuation = page.metadata.continue ?? "";
    version = page.metadata.resourceVersion;
    onPage();
  } while (continuation !== "");
  return { objects, version };
}
