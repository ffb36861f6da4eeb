import { isObjectGone } from "./api-error.ts";
import type { KubeClient, Preconditions } from "./client.ts";
import { type KubeObject, keyOf, type ObjectKey, type ResourceDefinition } from "./objects.ts";
import { withoutManagedFields } from "./reflector.ts";
import type { Store } from "./store.ts";

/** What a live read says of one object. */
export type Presence<T> = { readonly kind: "present"; readonly object: T } | { readonly kind: "gone" };

/**
 * One kind as controllers use it: the cache for reading, the API server for deciding and writing. Every answer of the API
 * server goes into the cache at once, so that a reconcile never acts on a copy older than its own last write.
 */
export class Collection<T extends KubeObject> {
  readonly resource: ResourceDefinition;
  readonly store: Store<T>;
  readonly #client: KubeClient;

  constructor(options: { readonly resource: ResourceDefinition; readonly store: Store<T>; readonly client: KubeClient }) {
    this.resource = options.resource;
    this.store = options.store;
    this.#client = options.client;
  }

  /** The cached copy. */
  get(key: ObjectKey): T | undefined {
    return this.store.get(key);
  }

  /**
   * A live GET. "gone" only when the API server says that THIS object does not exist.
   * @throws ApiError otherwise, also for a 404 that does not name the object (the kind is not served).
   */
  async live(key: ObjectKey, signal: AbortSignal): Promise<Presence<T>> {
    const name = key.slice(key.indexOf("/") + 1);
    try {
      const object = withoutManagedFields(await this.#client.read<T>(this.resource, key, signal));
      this.store.apply(object);
      return { kind: "present", object };
    } catch (error) {
      if (isObjectGone(error, this.resource.plural, name)) return { kind: "gone" };
      throw error;
    }
  }

  async create(object: T, signal: AbortSignal): Promise<T> {
    return this.#take(await this.#client.create<T>(this.resource, object, signal));
  }

  /** Guarded by the object's resourceVersion: `isConflict` when somebody wrote since. */
  async replace(object: T, signal: AbortSignal): Promise<T> {
    return this.#take(await this.#client.replace<T>(this.resource, object, signal));
  }

  /** Guarded by the object's resourceVersion. Only the status is written; spec and metadata are not sent. */
  async replaceStatus(object: T, status: T["status"], signal: AbortSignal): Promise<T> {
    const { apiVersion, kind } = object;
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion };
    // The server takes nothing but status from the body; the rest only says which object, at which version.
    const body = { apiVersion, kind, metadata, status } as unknown as T;
    return this.#take(await this.#client.replaceStatus<T>(this.resource, body, signal));
  }

  /** Merge-patches metadata (finalizers, labels, annotations), guarded by the object's resourceVersion. */
  async patchMetadata(object: T, metadata: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<T> {
    const { resourceVersion } = object.metadata;
    // An empty version would be no guard at all.
    if (resourceVersion === undefined)
      throw new Error(`PATCH ${this.resource.plural} ${keyOf(object)} without a resourceVersion`);
    const patch = { metadata: { ...metadata, resourceVersion } };
    return this.#take(await this.#client.mergePatch<T>(this.resource, keyOf(object), patch, signal));
  }

  /** Deletes exactly this object; gone already is success. */
  async remove(object: T, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = object.metadata;
    if (uid === undefined) throw new Error(`${this.resource.kind} ${keyOf(object)} has no uid`);
    const preconditions: Preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    await this.#client.remove(this.resource, keyOf(object), preconditions, signal);
  }

  /** A write that removed the last finalizer answers with the object as it was last: it is gone from here on. */
  #take(object: T): T {
    const projected = withoutManagedFields(object);
    const { deletionTimestamp, finalizers = [] } = projected.metadata;
    if (deletionTimestamp === undefined || finalizers.length > 0) this.store.apply(projected);
    else this.store.remove(projected);
    return projected;
  }
}
