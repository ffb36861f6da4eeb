import { type KubeObject, keyOf, type ObjectKey } from "./objects.ts";
import type { WatchEvent } from "./watch-event.ts";

/** Set on the bookmark that ends the initial events (KEP-3157). */
const END = "k8s.io/initial-events-end";

/** A watch that brought a bookmark before the end of the beginning: its server does not know `sendInitialEvents`. */
export const NOT_STREAMED = new Error("a bookmark came before the end of the initial events");

/**
 * The beginning of a watch with `sendInitialEvents`: everything there is, as events, until a bookmark says that this was all.
 * Live events may come in between: what counts is the state at the bookmark. Nothing of it is in a store before.
 */
export class InitialEvents<T extends KubeObject> {
  /** With no version asked for, the server waits until it is as new as etcd. */
  static readonly QUERY = { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" } as const;
  readonly #objects = new Map<ObjectKey, T>();
  readonly #project: (object: T) => T;

  constructor(project: (object: T) => T) {
    this.#project = project;
  }

  get objects(): Iterable<T> {
    return this.#objects.values();
  }

  /**
   * The version of the whole once it is complete, undefined before.
   * @throws NOT_STREAMED when the server does not know what it was asked for.
   */
  take({ type, object }: WatchEvent): string | undefined {
    const { metadata } = object as T;
    if (type === "BOOKMARK") {
      if (metadata.annotations?.[END] !== "true") throw NOT_STREAMED;
      return metadata.resourceVersion;
    }
    const projected = this.#project(object as T);
    if (type === "DELETED") this.#objects.delete(keyOf(projected));
    else this.#objects.set(keyOf(projected), projected);
    return undefined;
  }
}
