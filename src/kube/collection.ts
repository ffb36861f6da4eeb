import { ApiError, isObjectGone } from "./api-error.ts";
import type { KubeClient, Preconditions } from "./client.ts";
import { type KubeObject, keyOf, type ObjectKey, type ResourceDefinition } from "./objects.ts";
import { withoutManagedFields } from "./reflector.ts";
import type { Store } from "./store.ts";

/** What a live read says of one object. */
export type Presence<T> = { readonly kind: "present"; readonly object: T } | { readonly kind: "gone" };

/**
 * One kind as controllers use it: the cache for reading, the API server for deciding and writing. Every answer of the API
 * server goes into the cache at once; where a write got no answer, {@link settle} reads the object before the next reconcile.
 * So a reconcile never acts on a copy older than its own last write. A write that the server carries out later still than that
 * meets the guard of its resourceVersion.
 */
export class Collection<T extends KubeObject> {
  readonly resource: ResourceDefinition;
  readonly store: Store<T>;
  /** What is kept of an object in the cache. */
  readonly project: (object: T) => T;
  readonly #client: KubeClient;
  /** Keys of objects that may have been written by us in a way that the cache does not show. */
  readonly #unsettled = new Set<ObjectKey>();

  constructor(options: {
    readonly resource: ResourceDefinition;
    readonly store: Store<T>;
    readonly client: KubeClient;
    readonly project?: (object: T) => T;
  }) {
    this.resource = options.resource;
    this.store = options.store;
    this.project = options.project ?? withoutManagedFields;
    this.#client = options.client;
  }

  /** The cached copy. */
  get(key: ObjectKey): T | undefined {
    return this.store.get(key);
  }

  /** Every key in the cache. */
  keys(): Iterable<ObjectKey> {
    return this.store.keys();
  }

  /** Makes the cached copy as new as this process's last write of it; costs nothing when it is already. */
  async settle(key: ObjectKey, signal: AbortSignal): Promise<void> {
    if (!this.#unsettled.has(key)) return;
    const cached = this.store.get(key);
    const found = await this.live(key, signal);
    if (found.kind === "gone" && cached !== undefined) this.store.remove(cached);
  }

  /**
   * A live GET. "gone" only when the API server says that THIS object does not exist.
   * @throws ApiError otherwise, also for a 404 that does not name the object (the kind is not served).
   */
  async live(key: ObjectKey, signal: AbortSignal): Promise<Presence<T>> {
    const name = key.slice(key.indexOf("/") + 1);
    try {
      const object = this.project(await this.#client.read<T>(this.resource, key, signal));
      this.store.apply(object);
      this.#unsettled.delete(key);
      return { kind: "present", object };
    } catch (error) {
      if (!isObjectGone(error, this.resource.plural, name)) throw error;
      this.#unsettled.delete(key);
      return { kind: "gone" };
    }
  }

  async create(object: T, signal: AbortSignal): Promise<T> {
    return this.#take(keyOf(object), this.#client.create<T>(this.resource, object, signal));
  }

  /** Guarded by the object's resourceVersion: `isConflict` when somebody wrote since. */
  async replace(object: T, signal: AbortSignal): Promise<T> {
    return this.#take(keyOf(object), this.#client.replace<T>(this.resource, object, signal));
  }

  /** Guarded by the object's resourceVersion. Only the status is written; spec and metadata are not sent. */
  async replaceStatus(object: T, status: T["status"], signal: AbortSignal): Promise<T> {
    const { apiVersion, kind } = object;
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion };
    // The server takes nothing but status from the body; the rest only says which object, at which version.
    const body = { apiVersion, kind, metadata, status } as unknown as T;
    return this.#take(keyOf(object), this.#client.replaceStatus<T>(this.resource, body, signal));
  }

  /** Merge-patches metadata (finalizers, labels, annotations), guarded by the object's resourceVersion. */
  async patchMetadata(object: T, metadata: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<T> {
    const { resourceVersion } = object.metadata;
    // An empty version would be no guard at all.
    if (resourceVersion === undefined)
      throw new Error(`PATCH ${this.resource.plural} ${keyOf(object)} without a resourceVersion`);
    const patch = { metadata: { ...metadata, resourceVersion } };
    const key = keyOf(object);
    return this.#take(key, this.#client.mergePatch<T>(this.resource, key, patch, signal));
  }

  /** Deletes exactly this object; gone already is success. */
  async remove(object: T, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = object.metadata;
    if (uid === undefined) throw new Error(`${this.resource.kind} ${keyOf(object)} has no uid`);
    const preconditions: Preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    const key = keyOf(object);
    // Whatever comes of it: finalizers may keep the object, and the answer does not show it.
    this.#unsettled.add(key);
    try {
      await this.#client.remove(this.resource, key, preconditions, signal);
    } catch (error) {
      if (isDefinite(error)) this.#unsettled.delete(key);
      throw error;
    }
  }

  /** A write that removed the last finalizer answers with the object as it was last: it is gone from here on. */
  async #take(key: ObjectKey, answer: Promise<T>): Promise<T> {
    let written: T;
    try {
      written = await answer;
    } catch (error) {
      if (!isDefinite(error)) this.#unsettled.add(key);
      throw error;
    }
    const projected = this.project(written);
    const { deletionTimestamp, finalizers = [] } = projected.metadata;
    if (deletionTimestamp === undefined || finalizers.length > 0) this.store.apply(projected);
    else this.store.remove(projected);
    return projected;
  }
}

/** Whether the API server said that it did nothing; no answer, and a failure of its own, leave that open. */
function isDefinite(error: unknown): boolean {
  return error instanceof ApiError && error.status < 500;
}
