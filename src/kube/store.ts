import { type KubeObject, keyOf, type ObjectKey } from "./objects.ts";
import { compareResourceVersions } from "./resource-version.ts";

/** How the cached copy of one object changed. */
export interface StoreChange<T> {
  readonly key: ObjectKey;
  readonly before: T | undefined;
  readonly after: T | undefined;
  /** From the first list or a relist, not from a live event. */
  readonly initial: boolean;
}

/** Must only take note (enqueue keys): it runs inside the watch loop. */
export type StoreListener<T> = (change: StoreChange<T>) => void;
export type Indexer<T> = (object: T) => readonly string[];

/** Most values of most indexes have one object: a Set for each would cost more than the object's other fields. */
type IndexEntries = Map<string, ObjectKey | Set<ObjectKey>>;

/** Deleted uids whose late write responses are still recognised. */
const TOMBSTONES = 4_096;

/**
 * The local copy of one kind. Guarantees: a copy never gets older (an event or a write response with an older resource
 * version is ignored), so a controller that puts its write responses in reads its own writes; an object that was deleted does
 * not come back by a late response; a list is taken in as one step; listeners hear every change of the copy once, when all of
 * it has been made.
 */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<ObjectKey, T>();
  readonly #indexers: Readonly<Record<string, Indexer<T>>>;
  readonly #indexes = new Map<string, IndexEntries>();
  readonly #listeners: StoreListener<T>[] = [];
  /** By uid the version at which the object was last known to be gone. */
  readonly #tombstones = new Map<string, string>();
  /** Version of the last list; undefined before the first. */
  #listed: string | undefined;
  #absent = false;

  constructor(indexers: Readonly<Record<string, Indexer<T>>> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  /** True once a complete list has been taken in; it stays true. */
  get synced(): boolean {
    return this.#listed !== undefined;
  }

  /** True while the API server does not serve the kind at all, which is as good as a list of nothing. */
  get absent(): boolean {
    return this.#absent;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(key);
  }

  list(): Iterable<T> {
    return this.#objects.values();
  }

  keys(): Iterable<ObjectKey> {
    return this.#objects.keys();
  }

  /** @throws Error for an index that the store was not made with. */
  byIndex(index: string, value: string): readonly T[] {
    const entries = this.#indexes.get(index);
    if (entries === undefined) throw new Error(`store: no index ${index}`);
    const found: T[] = [];
    for (const key of keysOf(entries.get(value))) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  onChange(listener: StoreListener<T>): void {
    this.#listeners.push(listener);
  }

  /**
   * Takes in one object from an event or from the response of a write.
   * @throws whatever a listener throws, after all have heard.
   */
  apply(object: T): void {
    // What the last list did not have was deleted before it: no event will tell of that again.
    if (this.#listed !== undefined && !this.#objects.has(keyOf(object)) && isUpTo(object, this.#listed)) return;
    this.#notify([this.#take(object, false)]);
  }

  /** Takes in a deletion event, which carries the last state of the object. */
  remove(object: T): void {
    const key = keyOf(object);
    this.#bury(object, object.metadata.resourceVersion ?? "");
    const before = this.#objects.get(key);
    // A late DELETED of an earlier object of the same name says nothing about its successor.
    if (before === undefined || (before.metadata.uid !== object.metadata.uid && versionOf(object, before) <= 0)) return;
    this.#notify([this.#set(key, before, undefined, false)]);
  }

  /**
   * Takes in a complete list in one step: what is not in it is gone, unless this process wrote or saw it at a newer version
   * than the list's.
   */
  replace(objects: Iterable<T>, listVersion: string): void {
    this.#absent = false;
    const listed = new Set<ObjectKey>();
    const changes: (StoreChange<T> | undefined)[] = [];
    for (const object of objects) {
      listed.add(keyOf(object));
      changes.push(this.#take(object, true));
    }
    for (const [key, before] of [...this.#objects]) {
      if (!listed.has(key) && isUpTo(before, listVersion)) changes.push(this.#set(key, before, undefined, true));
    }
    this.#listed = listVersion;
    this.#notify(changes);
  }

  /** Takes in that the kind is not served: nothing of it exists. */
  markAbsent(): void {
    this.#absent = true;
    // What a later list does not have was deleted with the kind, whatever its version.
    this.#listed = "";
    this.#notify([...this.#objects].map(([key, before]) => this.#set(key, before, undefined, true)));
  }

  #take(object: T, initial: boolean): StoreChange<T> | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    // Newer than its deletion: it had only left what a selector selects, and is back.
    const goneAt = this.#tombstones.get(object.metadata.uid ?? "");
    if (goneAt !== undefined && isUpTo(object, goneAt)) return undefined;
    if (before !== undefined && versionOf(object, before) <= 0) return undefined;
    return this.#set(key, before, object, initial);
  }

  #set(key: ObjectKey, before: T | undefined, after: T | undefined, initial: boolean): StoreChange<T> {
    if (before !== undefined && before.metadata.uid !== after?.metadata.uid)
      this.#bury(before, (after ?? before).metadata.resourceVersion ?? "");
    if (after === undefined) this.#objects.delete(key);
    else this.#objects.set(key, after);
    for (const [name, indexer] of Object.entries(this.#indexers)) {
      const entries = this.#indexes.get(name);
      if (entries === undefined) continue;
      if (before !== undefined) for (const value of indexer(before)) removeEntry(entries, value, key);
      if (after !== undefined) for (const value of indexer(after)) addEntry(entries, value, key);
    }
    return { key, before, after, initial };
  }

  /** A change that was made is never made again: one listener that throws must not keep it from the others. */
  #notify(changes: readonly (StoreChange<T> | undefined)[]): void {
    const errors: unknown[] = [];
    for (const change of changes) {
      if (change === undefined) continue;
      for (const listener of this.#listeners) {
        try {
          listener(change);
        } catch (error) {
          errors.push(error);
        }
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  #bury(object: T, version: string): void {
    const uid = object.metadata.uid;
    if (uid === undefined) return;
    const known = this.#tombstones.get(uid);
    if (known !== undefined && compareResourceVersions(known, version) >= 0) return;
    this.#tombstones.delete(uid);
    this.#tombstones.set(uid, version);
    if (this.#tombstones.size <= TOMBSTONES) return;
    const [oldest] = this.#tombstones.keys();
    if (oldest !== undefined) this.#tombstones.delete(oldest);
  }
}

/** Whether the object's version is the given one or older. */
function isUpTo(object: KubeObject, version: string): boolean {
  return object.metadata.resourceVersion === undefined || compareResourceVersions(object.metadata.resourceVersion, version) <= 0;
}

/** Positive when `object` is newer than `before`. */
function versionOf(object: KubeObject, before: KubeObject): number {
  return compareResourceVersions(object.metadata.resourceVersion ?? "", before.metadata.resourceVersion ?? "");
}

function keysOf(entry: ObjectKey | ReadonlySet<ObjectKey> | undefined): Iterable<ObjectKey> {
  if (entry === undefined) return [];
  return typeof entry === "string" ? [entry] : entry;
}

function addEntry(entries: IndexEntries, value: string, key: ObjectKey): void {
  const known = entries.get(value);
  if (known === undefined) entries.set(value, key);
  else if (typeof known !== "string") known.add(key);
  else if (known !== key) entries.set(value, new Set([known, key]));
}

function removeEntry(entries: IndexEntries, value: string, key: ObjectKey): void {
  const known = entries.get(value);
  if (known === key) entries.delete(value);
  if (known === undefined || typeof known === "string") return;
  known.delete(key);
  if (known.size === 0) entries.delete(value);
}
