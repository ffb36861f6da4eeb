import { expect, test } from "vitest";
import { desiredRecords } from "./desired-records.ts";
import { misplacements, missingRecords } from "./discovery.ts";
import { apex, discovered, proofOf, SUBDOMAIN } from "./records.testing.ts";

test("only required records are looked for where they don't belong", () => {
  const input = apex("Flattening");
  const missing = missingRecords(desiredRecords(input), discovered(input, { ns1: {}, proof: proofOf([]) }));
  expect(missing.map(({ name }) => name)).toEqual(["_customdomains-challenge.acme.com", "acme.com"]);
});

test("nothing is looked for while DNS cannot be asked", () => {
  const lost = { kind: "unknown", reason: "AuthoritativeUnreachable", message: "" } as const;
  const world = { ns1: {}, proof: { ...proofOf([]), kind: "incomplete" as const }, unknown: { "CNAME shop.acme.com": lost } };
  expect(missingRecords(desiredRecords(SUBDOMAIN), discovered(SUBDOMAIN, world))).toEqual([]);
});

test("places that do not differ from the right one, or are too long for DNS, are not asked", () => {
  const [proof] = desiredRecords(apex("Flattening"));
  expect(proof === undefined ? [] : misplacements(proof).map(({ question }) => question.name)).toEqual([
    "_customdomains-challenge.acme.com.acme.com",
    "customdomains-challenge.acme.com",
    "acme.com",
  ]);
  const long = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.com`;
  const [longProof] = desiredRecords({
    ...SUBDOMAIN,
    hostname: { ...SUBDOMAIN.hostname, name: long, registrableDomain: `${"c".repeat(60)}.com` },
    proof: { name: `_customdomains-challenge.${long}`, value: "v" },
  });
  expect(longProof === undefined ? [] : misplacements(longProof).map(({ slip }) => slip)).not.toContain("DoubledZone");
});
