import fc from "fast-check";
import { expect, test } from "vitest";
import { isSuspiciousDrop } from "./billing-fuse.ts";

const base = { explained: 0, namespaceTerminating: false };
const size = fc.integer({ min: 0, max: 500 });

test.each([
  [10, 0, false],
  [11, 0, true],
  [20, 10, false],
  [21, 10, true],
  [100, 50, false],
  [100, 49, true],
  [5, 9, false],
])("from %d to %d", (before, count, expected) => {
  expect(isSuspiciousDrop({ ...base, before, count })).toBe(expected);
});

test("what is explained in full never trips it, and less explanation never helps", () => {
  fc.assert(
    fc.property(size, size, size, (before, count, explained) => {
      expect(isSuspiciousDrop({ ...base, before, count, explained: Math.max(0, before - count) })).toBe(false);
      const tripped = isSuspiciousDrop({ ...base, before, count, explained });
      if (!tripped && explained > 0 && before >= explained) {
        expect(before - explained - count).toBeLessThanOrEqual(Math.max(10, (before - explained) / 2));
      }
      if (isSuspiciousDrop({ ...base, before, count: count + 1 }))
        expect(isSuspiciousDrop({ ...base, before, count })).toBe(true);
      expect(isSuspiciousDrop({ before, count, explained, namespaceTerminating: true })).toBe(false);
    }),
  );
});
