import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KubeObject } from "./objects.ts";
import { StatusPacker, unpacked } from "./status-packing.ts";

type Thing = KubeObject<{ readonly size: number }, unknown>;
const thing = (name: string, status?: unknown): Thing => ({
  apiVersion: "probe.test/v1",
  kind: "Thing",
  metadata: { name, resourceVersion: "7" },
  spec: { size: 1 },
  ...(status === undefined ? {} : { status }),
});

describe("a packed object", () => {
  test("is equal to what it was, read directly, spread and as JSON; also one with nothing in common with the first", () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 5 }), (statuses) => {
        const packer = new StatusPacker<Thing>();
        for (const [index, value] of statuses.entries()) {
          // As it came from the API server.
          const status = JSON.parse(JSON.stringify(value)) as unknown;
          const packed = packer.pack(thing(`t-${index}`, status));
          expect(packed.status).toEqual(status);
          expect(unpacked(packed)).toEqual(thing(`t-${index}`, status));
          expect(JSON.parse(JSON.stringify(packed))).toEqual(thing(`t-${index}`, status));
        }
      }),
    );
  });

  test("that is unpacked is read without work, and is the same each time", () => {
    const plain = unpacked(new StatusPacker<Thing>().pack(thing("a", { seen: [1, 2, 3] })));
    expect(Object.getOwnPropertyDescriptor(plain, "status")?.get).toBeUndefined();
    expect(plain.status).toBe(plain.status);
  });

  test("without a status is left alone", () => {
    const bare = thing("a");
    expect(new StatusPacker<Thing>().pack(bare)).toBe(bare);
  });
});
