import { describe, expect, it } from "vitest";
import type { DnsRecordRow } from "../api/v1/custom-domain-status.ts";
import type { Finding } from "./conditions.ts";
import { certificateFinding, markExpiredTokens } from "./expired-tokens.ts";

const NAME = "_acme-challenge.shop.acme.com";

function row(desired: readonly string[], found: readonly string[], more: Partial<DnsRecordRow> = {}): DnsRecordRow {
  return {
    type: "TXT",
    name: NAME,
    desired: [...desired],
    found: [...found],
    state: "Mismatch",
    action: "Change",
    purpose: "Certificate",
    reason: "WrongRecord",
    message: "What stands there now is out of date.",
    ...more,
  };
}

const reasonsAfter = (rows: readonly DnsRecordRow[], before: readonly DnsRecordRow[]) =>
  markExpiredTokens(rows, before).map(({ reason }) => reason);

describe("a validation record that was made anew", () => {
  const published = row(["old"], ["old"], { state: "Ok", reason: undefined });
  const rotated = row(["new"], ["old"]);

  it("is told where DNS still has the value that was asked for before", () => {
    expect(markExpiredTokens([rotated], [published])).toEqual([
      { ...rotated, reason: "TokensExpired", message: expect.stringMatching(/replace old in TXT _acme-challenge.* by 'new'/) },
    ]);
  });

  it("stays told until it is replaced", () => {
    const told = markExpiredTokens([rotated], [published]);
    expect(reasonsAfter([rotated], told)).toEqual(["TokensExpired"]);
    expect(reasonsAfter([row(["newer"], ["old"])], told)).toEqual(["TokensExpired"]);
    expect(reasonsAfter([row(["new"], ["other"])], told)).toEqual(["WrongRecord"]);
    const ok = row(["new"], ["new"], { state: "Ok", reason: undefined });
    expect(markExpiredTokens([ok], told)).toEqual([ok]);
  });

  it.each<[string, DnsRecordRow, readonly DnsRecordRow[]]>([
    ["a value that was never asked for", rotated, [row(["another"], [], { state: "Missing" })]],
    ["a value of which nothing is known", rotated, []],
    ["half of two values", row(["a", "b"], ["a"]), [row(["a", "b"], ["a"])]],
    ["nothing published", row(["new"], [], { state: "Missing", reason: "RecordMissing" }), [published]],
    ["the ownership record", { ...rotated, purpose: "Ownership" }, [{ ...published, purpose: "Ownership" }]],
  ])("is not seen in %s", (_, now, before) => {
    expect(markExpiredTokens([now], before)).toEqual([now]);
  });
});

describe("CertificateReady", () => {
  const waiting: Finding = { status: "False", reason: "AwaitingDNS", message: "The certificate waits." };
  const rows = [row(["new"], ["old"], { reason: "TokensExpired", message: "Replace it." })];
  const at = { hostname: "shop.acme.com", leadsHere: false };

  it("says that it waits for a record of which an expired one is published", () => {
    expect(certificateFinding(waiting, rows, at)).toEqual({ status: "False", reason: "TokensExpired", message: "Replace it." });
  });

  it.each<[string, Finding, typeof at]>([
    ["the name leads here, which needs no record", waiting, { ...at, leadsHere: true }],
    ["another name's record expired", waiting, { ...at, hostname: "acme.com" }],
    ["it waits for something else", { ...waiting, reason: "CAAForbids" }, at],
    ["it is there", { status: "True", reason: "Issued", message: "" }, at],
  ])("says what it said where %s", (_, finding, where) => {
    expect(certificateFinding(finding, rows, where)).toBe(finding);
  });
});
