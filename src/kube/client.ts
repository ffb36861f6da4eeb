import { isNotFound, isObjectGone } from "./api-error.ts";
import { type KubeObject, type ObjectKey, type ResourceDefinition, splitKey } from "./objects.ts";
import type { KubeTransport } from "./transport.ts";

/** Path of a kind's collection, over all namespaces when none is given. */
export function collectionPath(resource: ResourceDefinition, namespace?: string): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${scope}/${resource.plural}`;
}

export function objectPath(resource: ResourceDefinition, key: ObjectKey): string {
  const { namespace, name } = splitKey(key);
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}

/** What a DELETE is conditional on: the object that the decision was made on, and no other of its name. */
export interface Preconditions {
  readonly uid: string;
  readonly resourceVersion?: string;
}

/**
 * The writes and live reads that controllers make. One method = one request. Every write is guarded by a resourceVersion or
 * by preconditions, so that a decision made on an old copy is refused with 409 (`isConflict`). Errors: see KubeTransport.
 */
export class KubeClient {
  readonly #transport: KubeTransport;

  constructor(transport: KubeTransport) {
    this.#transport = transport;
  }

  /** The object as the API server has it now; undefined on any 404. For deciding that it is gone, see `isObjectGone`. */
  async get<T extends KubeObject>(resource: ResourceDefinition, key: ObjectKey, signal?: AbortSignal): Promise<T | undefined> {
    try {
      return await this.read<T>(resource, key, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** As {@link get}, but a 404 is thrown, with its Status. */
  read<T extends KubeObject>(resource: ResourceDefinition, key: ObjectKey, signal?: AbortSignal): Promise<T> {
    return this.#send<T>({ method: "GET", path: objectPath(resource, key), ...optional(signal) });
  }

  create<T extends KubeObject>(resource: ResourceDefinition, object: T, signal?: AbortSignal): Promise<T> {
    const path = collectionPath(resource, object.metadata.namespace);
    return this.#send<T>({ method: "POST", path, body: object, ...optional(signal) });
  }

  /** PUT of the whole object; `object.metadata.resourceVersion` must be that of the copy the decision was made on. */
  replace<T extends KubeObject>(resource: ResourceDefinition, object: T, signal?: AbortSignal): Promise<T> {
    return this.#put(resource, object, "", signal);
  }

  /** PUT of the status subresource; everything but name, uid, resourceVersion and status is ignored by the server. */
  replaceStatus<T extends KubeObject>(resource: ResourceDefinition, object: T, signal?: AbortSignal): Promise<T> {
    return this.#put(resource, object, "/status", signal);
  }

  /** JSON merge patch of metadata; `patch.metadata.resourceVersion` guards it. */
  mergePatch<T extends KubeObject>(
    resource: ResourceDefinition,
    key: ObjectKey,
    patch: { readonly metadata: { readonly resourceVersion: string } & Readonly<Record<string, unknown>> },
    signal?: AbortSignal,
  ): Promise<T> {
    const contentType = "application/merge-patch+json";
    return this.#send<T>({ method: "PATCH", path: objectPath(resource, key), body: patch, contentType, ...optional(signal) });
  }

  /** Deletes exactly the object named by the preconditions; one that is gone already is success, a kind not served is not. */
  async remove(resource: ResourceDefinition, key: ObjectKey, preconditions: Preconditions, signal?: AbortSignal): Promise<void> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions };
    try {
      await this.#transport.request({ method: "DELETE", path: objectPath(resource, key), body, ...optional(signal) });
    } catch (error) {
      if (!isObjectGone(error, resource.plural, splitKey(key).name)) throw error;
    }
  }

  #put<T extends KubeObject>(resource: ResourceDefinition, object: T, subresource: string, signal?: AbortSignal): Promise<T> {
    const { name, namespace, resourceVersion } = object.metadata;
    if (resourceVersion === undefined) throw new Error(`PUT ${resource.plural} ${name} without a resourceVersion`);
    const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}${subresource}`;
    return this.#send<T>({ method: "PUT", path, body: object, ...optional(signal) });
  }

  async #send<T>(call: Parameters<KubeTransport["request"]>[0]): Promise<T> {
    // The API server validated what it stored against the same schema that T was inferred from.
    return (await this.#transport.request(call)) as T;
  }
}

function optional(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
