import { expect, test } from "vitest";
import type { DomainClaim, DomainClaimSpec } from "../api/v1/domain-claim.ts";
import { billedAccount, departure } from "./billing-count.ts";

const ROW = { hostname: "acme.com", role: "Primary", zoneID: "z", id: "1" } as const;

function claim(changes: Partial<DomainClaimSpec> = {}): DomainClaim {
  const spec: DomainClaimSpec = {
    domain: "acme.com",
    state: "Proven",
    tenant: "t",
    holder: { namespace: "a", name: "acme", uid: "u" },
    id: "i",
    className: "default",
    createdTime: "2026-01-01T00:00:00Z",
    rows: [ROW],
    ...changes,
  };
  return { apiVersion: "customdomains.dev/v1", kind: "DomainClaim", metadata: { name: spec.domain }, spec };
}

const withoutHolder = (): DomainClaim => {
  const { holder: _, ...spec } = claim().spec;
  return { ...claim(), spec: { ...spec, state: "Released" } };
};

test.each([
  ["Proven", claim(), "a/default"],
  ["Pending, provisioned before the proof", claim({ state: "Pending" }), "a/default"],
  ["Pending without a row", claim({ state: "Pending", rows: [] }), undefined],
  ["only the www twin", claim({ rows: [{ ...ROW, role: "Redirect" }] }), undefined],
  ["Releasing", claim({ state: "Releasing" }), undefined],
  ["Released", withoutHolder(), undefined],
  ["Retain: Released with holder and rows", claim({ state: "Released" }), "a/default"],
  ["orphaned, not released yet", claim({ orphanedTime: "2026-01-01T00:00:00Z" }), "a/default"],
])("rule 1: %s", (_, subject, account) => {
  expect(billedAccount(subject)).toBe(account);
});

test.each([
  ["released", claim(), claim({ state: "Releasing" }), { account: "a/default", explained: true }],
  [
    "passed on to another namespace",
    claim(),
    claim({ holder: { namespace: "b", name: "x", uid: "y" } }),
    { account: "a/default", explained: true },
  ],
  ["passed on to another class", claim(), claim({ className: "gold" }), { account: "a/default", explained: true }],
  ["gone at once", claim(), undefined, { account: "a/default", explained: false }],
  ["its row gone at once", claim(), claim({ rows: [] }), { account: "a/default", explained: false }],
  ["first seen while it is being released", undefined, claim({ state: "Releasing" }), { account: "a/default", explained: true }],
  ["still there", claim(), claim({ verifiedTime: "2026-01-02T00:00:00Z" }), undefined],
  ["new", undefined, claim(), undefined],
  ["gone after it was released", claim({ state: "Releasing" }), undefined, undefined],
])("a departure: %s", (_, before, after, expected) => {
  expect(departure(before, after)).toEqual(expected);
});
