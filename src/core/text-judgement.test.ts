import { describe, expect, test } from "vitest";
import type { ProofView } from "./discovery.ts";
import { judge, PROOF, PROVEN, proofOf, row, SUBDOMAIN } from "./records.testing.ts";

describe("the ownership TXT", () => {
  const proofRow = (proof: ProofView) => row(judge(SUBDOMAIN, { ns1: {}, proof }).rows, "TXT", PROOF.name);

  const typographic = Buffer.from(`\u201c${PROOF.value}\u201d`).toString("latin1");

  test.each([
    ["quotation marks", `"${PROOF.value}"`, "QuotedValue", "quotation marks"],
    ["one quotation mark", `'${PROOF.value}`, "QuotedValue", "quotation marks"],
    ["escaped quotation marks", `\\"${PROOF.value}\\"`, "QuotedValue", "quotation marks"],
    ["typographic quotation marks", `\u201c${PROOF.value}\u201d`, "QuotedValue", "quotation marks"],
    ["typographic quotation marks, as DNS has them", typographic, "QuotedValue", "quotation marks"],
    ["a space", ` ${PROOF.value}`, "WrongRecord", "spaces"],
    ["capitals", PROOF.value.toUpperCase(), "WrongRecord", "upper and lower case"],
  ])("with %s", (_, value, reason, text) => {
    expect(proofRow(proofOf([value]))).toMatchObject({
      state: "Mismatch",
      action: "Change",
      reason,
      message: expect.stringContaining(text),
    });
    expect(proofRow(proofOf([value]))?.message).toContain(PROOF.value);
  });

  test("with quotation marks around something else is not a slip of the pen", () => {
    expect(proofRow(proofOf(['"v=spf1 -all"']))).toMatchObject({ state: "Missing", reason: "RecordMissing" });
    expect(proofRow(proofOf([`"${PROOF.value}"`, PROOF.value]))).toMatchObject({ state: "Ok" });
  });

  test("with the value of another account", () => {
    const message = expect.stringContaining("another account");
    expect(proofRow(proofOf(["customdomains-verify=zzz"]))).toMatchObject({ state: "Mismatch", reason: "WrongRecord", message });
    expect(proofRow(proofOf(["google-site-verification=zzz"]))).toMatchObject({ state: "Missing", reason: "RecordMissing" });
  });

  test.each([
    [
      "_customdomains-challenge.shop.acme.com.acme.com",
      "DoubledZone",
      "appended the zone. Enter the name as '_customdomains-challenge.shop'",
    ],
    ["customdomains-challenge.shop.acme.com", "WrongName", "without the underscore"],
    ["shop.acme.com", "WrongName", "at shop.acme.com instead of"],
    ["_customdomains-challenge.acme.com", "WrongName", "at _customdomains-challenge.acme.com instead of"],
  ])("at %s", (place, reason, text) => {
    const { rows, outstanding } = judge(SUBDOMAIN, { ns1: { [`TXT ${place}`]: [PROOF.value] }, proof: proofOf([]) });
    expect(row(rows, "TXT", PROOF.name)).toMatchObject({
      state: "Missing",
      action: "Change",
      reason,
      message: expect.stringContaining(text),
    });
    expect(row(rows, "TXT", place)).toMatchObject({
      state: "Extra",
      action: "Remove",
      reason,
      found: [PROOF.value],
      desired: [],
    });
    expect(outstanding.find(({ purpose }) => purpose === "Ownership")).toMatchObject({ name: PROOF.name, value: PROOF.value });
  });

  test.each(["_customdomains-challenge.shop.acme.com.acme.com", "shop.acme.com"])(
    "not at %s, where something else is",
    (place) => {
      const { rows } = judge(SUBDOMAIN, { ns1: { [`TXT ${place}`]: ["v=spf1 -all"] }, proof: proofOf([]) });
      expect(row(rows, "TXT", PROOF.name)).toMatchObject({ reason: "RecordMissing" });
      expect(row(rows, "TXT", place)).toBeUndefined();
    },
  );

  test("at the right name as well as at another is right", () => {
    const { rows } = judge(SUBDOMAIN, { ns1: { "TXT shop.acme.com": [PROOF.value] }, proof: PROVEN });
    expect(row(rows, "TXT", PROOF.name)).toMatchObject({ state: "Ok" });
    expect(row(rows, "TXT", "shop.acme.com")).toBeUndefined();
  });

  test("that servers disagree about", () => {
    expect(proofRow(proofOf([PROOF.value], []))).toMatchObject({
      state: "Mismatch",
      action: "None",
      reason: "Propagating",
      message: expect.stringContaining("ns2.acme.com (192.0.2.2) not yet"),
    });
  });

  test("that a wildcard answers for", () => {
    const proof: ProofView = { ...PROVEN, kind: "refused", reason: "WildcardCapture", message: "A wildcard record answers" };
    expect(proofRow(proof)).toMatchObject({
      state: "Mismatch",
      action: "Change",
      reason: "WildcardCapture",
      message: expect.stringContaining(PROOF.value),
    });
  });

  test("that could not be read is Unknown", () => {
    const proof: ProofView = { kind: "incomplete", reason: "DNSSECBogus", message: "The signatures are wrong", servers: [] };
    expect(proofRow(proof)).toMatchObject({ state: "Unknown", action: "None", reason: "DNSSECBogus" });
  });

  test("is not listed where Cloudflare's validation is proof enough", () => {
    const { rows } = judge({ ...SUBDOMAIN, proof: undefined }, { ns1: {} });
    expect(rows.map(({ purpose }) => purpose)).toEqual(["Routing"]);
  });
});
