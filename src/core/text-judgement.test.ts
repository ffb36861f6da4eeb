import { describe, expect, test } from "vitest";
import type { ProofView } from "./discovery.ts";
import { judge, PROOF, PROVEN, proofOf, row, SUBDOMAIN, type Zone } from "./records.testing.ts";

describe("the ownership TXT", () => {
  const proofRow = (proof: ProofView, ns1: Zone = {}) => row(judge(SUBDOMAIN, { ns1, proof }).rows, "TXT", PROOF.name);

  test.each([
    ["quotation marks", `"${PROOF.value}"`, "quotation marks"],
    ["escaped quotation marks", `\\"${PROOF.value}\\"`, "quotation marks"],
    ["typographic quotation marks", `\u201c${PROOF.value}\u201d`, "quotation marks"],
    ["a space", ` ${PROOF.value}`, "spaces"],
    ["capitals", PROOF.value.toUpperCase(), "upper and lower case"],
  ])("with %s", (_, value, text) => {
    expect(proofRow(proofOf([value]))).toMatchObject({
      state: "Mismatch",
      action: "Change",
      reason: "WrongRecord",
      message: expect.stringContaining(text),
    });
  });

  test("with the value of another account", () => {
    const message = expect.stringContaining("another account");
    expect(proofRow(proofOf(["customdomains-verify=zzz"]))).toMatchObject({ state: "Mismatch", reason: "WrongRecord", message });
    expect(proofRow(proofOf(["google-site-verification=zzz"]))).toMatchObject({ state: "Missing", reason: "RecordMissing" });
  });

  test.each([
    [
      "TXT _customdomains-challenge.shop.acme.com.acme.com",
      "appended the zone. Enter the name as '_customdomains-challenge.shop'",
    ],
    ["TXT customdomains-challenge.shop.acme.com", "without the underscore"],
    ["TXT shop.acme.com", "at shop.acme.com instead of"],
    ["TXT _customdomains-challenge.acme.com", "at _customdomains-challenge.acme.com instead of"],
  ])("at %s", (key, text) => {
    expect(proofRow(proofOf([]), { [key]: [PROOF.value] })).toMatchObject({
      state: "Missing",
      action: "Change",
      reason: "WrongRecord",
      message: expect.stringContaining(text),
    });
    expect(proofRow(proofOf([]), { [key]: ["v=spf1 -all"] })).toMatchObject({ reason: "RecordMissing" });
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
