import { expect, test } from "vitest";
import { idempotencyKey, type KeyInput } from "./billing-idempotency.ts";
import { contenders, type LineClaimant } from "./billing-lines.ts";
import { desiredQuantity, releasedQuantity } from "./billing-quantity.ts";

const LINE = { subscriptionID: "sub_A", itemPriceID: "domains" };
const SELF: LineClaimant = { name: "a/default", site: "acme", line: LINE, journal: [] };

test.each([
  ["the same spec", { line: LINE, journal: [] }, true],
  ["only in its journal: being moved away, or deleted", { line: { ...LINE, subscriptionID: "sub_B" }, journal: [LINE] }, true],
  ["another price of the subscription", { line: { ...LINE, itemPriceID: "gold" }, journal: [] }, false],
  ["the same ids at another site", { site: "other", line: LINE, journal: [] }, false],
  ["a site that is not known", { site: undefined, line: undefined, journal: [LINE] }, true],
])("rule 3: %s", (_, other, expected) => {
  const claimants: LineClaimant[] = [SELF, { name: "b/default", site: "acme", ...other }];
  expect(contenders(SELF, claimants)).toEqual(expected ? ["b/default"] : []);
});

test("a line that is only left to release is no conflict of the account itself", () => {
  const moved: LineClaimant = { ...SELF, line: { ...LINE, subscriptionID: "sub_B" }, journal: [LINE] };
  expect(contenders(moved, [{ ...SELF, name: "b/default" }])).toEqual([]);
});

test("rule 2", () => {
  expect([0, 1, 2, 10].map((count) => desiredQuantity("Overage", count, 1))).toEqual([0, 0, 1, 9]);
  expect([0, 1, 2, 10].map((count) => desiredQuantity("Total", count, 1))).toEqual([1, 1, 2, 10]);
  expect([0, 1, 5].map((observed) => releasedQuantity("Overage", observed))).toEqual([0, 0, 0]);
  expect([0, 1, 5].map((observed) => releasedQuantity("Total", observed))).toEqual([0, 1, 1]);
});

test("the idempotency key is the same for the same write, and another when any part of it differs", () => {
  const input: KeyInput = {
    ...LINE,
    site: "acme",
    quantity: 3,
    resourceVersion: 7,
    errorEpoch: 0,
    prorate: true,
    invoiceImmediately: false,
  };
  const others: Partial<KeyInput>[] = [
    { site: "b" },
    { subscriptionID: "b" },
    { itemPriceID: "b" },
    { quantity: 4 },
    { resourceVersion: 8 },
    { errorEpoch: 1 },
    { prorate: false },
    { invoiceImmediately: true },
  ];
  const keys = [input, ...others.map((other) => ({ ...input, ...other }))].map(idempotencyKey);
  expect(new Set(keys).size).toBe(9);
  expect(idempotencyKey({ ...input })).toBe(keys[0]);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
});
