import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { KubeObject } from "./objects.ts";

/** The fastest: what repeats is found all the same. */
const LEVEL = 1;

/**
 * Keeps statuses that nobody is going to read soon as a few compressed bytes: the statuses of a kind are alike but for names and
 * times. The first one packed is the dictionary of all later ones, so a status of 3 kB takes about 100 bytes and costs some 20 µs
 * to read. Nothing packed ever leaves the process.
 */
export class StatusPacker<T extends KubeObject> {
  #dictionary: Buffer | undefined;

  /**
   * The same object with a `status` that is unpacked anew each time it is read: spread the object once ({@link unpacked}) to read it
   * often.
   */
  pack(object: T): T {
    const { status, ...rest } = object;
    if (status === undefined) return object;
    const json = Buffer.from(JSON.stringify(status));
    this.#dictionary ??= json;
    const dictionary = this.#dictionary;
    // One byte per character on V8's own heap; a Buffer of this size would cost more than it holds.
    const packed = deflateRawSync(json, { level: LEVEL, dictionary }).toString("latin1");
    const lazy = {
      ...rest,
      get status() {
        return JSON.parse(inflateRawSync(Buffer.from(packed, "latin1"), { dictionary }).toString()) as T["status"];
      },
    };
    // The members are T's own; only the way in which one of them is kept differs.
    return lazy as unknown as T;
  }
}

/** A plain copy: reading its status costs nothing more. */
export function unpacked<T extends KubeObject>(object: T): T {
  return { ...object };
}
