import { describe, expect, test } from "vitest";
import type { DesiredInput, RowRecords } from "./desired-records.ts";
import { desiredRecords } from "./desired-records.ts";
import type { CAARecord } from "./discovery.ts";
import { judge, PROVEN, row, SUBDOMAIN, TARGET, type Zone } from "./records.testing.ts";
import { dnsCondition } from "./records.ts";

describe("Cloudflare's records", () => {
  const CHALLENGE = "_acme-challenge.shop.acme.com";
  const DELEGATION = "shop.acme.com.9dbb86635115718e.dcv.cloudflare.com";

  function cloudflare(values: readonly string[], delegated = false): DesiredInput {
    const row: RowRecords = {
      hostname: "shop.acme.com",
      status: "pending",
      ownershipVerification: {
        type: "txt",
        name: "_cf-custom-hostname.shop.acme.com",
        value: "0e2d5a7f-1548-4f27-8c05-b577cb14f4ec",
      },
      ssl: {
        status: "pending_validation",
        certificateAuthority: "google",
        validationRecords: values.map((value) => ({ kind: "txt", name: CHALLENGE, value, status: "pending" })),
        dcvDelegationRecords: delegated ? [{ name: CHALLENGE, target: DELEGATION }] : [],
      },
    };
    return { ...SUBDOMAIN, rows: [row] };
  }

  const challengeRow = (input: DesiredInput, ns1: Zone) => row(judge(input, { ns1 }).rows, "TXT", CHALLENGE);

  test("are listed once each and awaited never", () => {
    const { outstanding, rows } = judge(cloudflare(["token-a", "token-a"], true), {
      ns1: { "CNAME shop.acme.com": [TARGET] },
      proof: PROVEN,
    });
    expect(outstanding.map(({ type, name, value, required }) => [type, name, value, required])).toEqual([
      ["TXT", "_cf-custom-hostname.shop.acme.com", "0e2d5a7f-1548-4f27-8c05-b577cb14f4ec", false],
      ["TXT", CHALLENGE, "token-a", false],
      ["CNAME", CHALLENGE, DELEGATION, false],
    ]);
    expect(dnsCondition(rows, desiredRecords(cloudflare(["token-a"], true))).status).toBe("True");
  });

  test("several values under one name are one row, and all of them are needed", () => {
    const input = cloudflare(["token-a", "token-b"]);
    expect(challengeRow(input, {})).toMatchObject({
      desired: ["token-a", "token-b"],
      state: "Missing",
      message: expect.stringContaining("all of these values are needed"),
    });
    expect(challengeRow(input, { [`TXT ${CHALLENGE}`]: ["token-a"] })).toMatchObject({
      state: "Mismatch",
      reason: "WrongRecord",
    });
    expect(challengeRow(input, { [`TXT ${CHALLENGE}`]: ["token-b", "token-a", "other"] })).toMatchObject({ state: "Ok" });
    expect(judge(input, { ns1: {} }).outstanding.filter(({ name }) => name === CHALLENGE)).toHaveLength(2);
  });

  test("a CNAME elsewhere hides the challenge", () => {
    const { rows } = judge(cloudflare(["token-a"]), { ns1: { [`CNAME ${CHALLENGE}`]: ["validation.elsewhere.net"] } });
    expect(row(rows, "TXT", CHALLENGE)).toMatchObject({ state: "Missing", reason: "ConflictingChallengeRecord" });
    expect(row(rows, "CNAME", CHALLENGE)).toMatchObject({
      state: "Extra",
      action: "Remove",
      reason: "ConflictingChallengeRecord",
      found: ["validation.elsewhere.net"],
    });
  });

  test("the delegation makes the TXT unnecessary, and the other way round", () => {
    const input = cloudflare(["token-a"], true);
    const delegated = judge(input, { ns1: { [`CNAME ${CHALLENGE}`]: [DELEGATION] } }).rows;
    expect([row(delegated, "TXT", CHALLENGE)?.state, row(delegated, "CNAME", CHALLENGE)?.state]).toEqual(["Ok", "Ok"]);
    const direct = judge(input, { ns1: { [`TXT ${CHALLENGE}`]: ["token-a"] } }).rows;
    expect([row(direct, "TXT", CHALLENGE)?.state, row(direct, "CNAME", CHALLENGE)?.state]).toEqual(["Ok", "Ok"]);
  });

  test("a stale TXT beside the delegation is to be removed; another CNAME is to be changed", () => {
    const input = cloudflare(["token-a"], true);
    const stale = judge(input, { ns1: { [`CNAME ${CHALLENGE}`]: [DELEGATION], [`TXT ${CHALLENGE}`]: ["old"] } }).rows;
    expect(stale).toContainEqual(
      expect.objectContaining({ type: "TXT", name: CHALLENGE, state: "Extra", reason: "ConflictingChallengeRecord" }),
    );
    const elsewhere = judge(input, { ns1: { [`CNAME ${CHALLENGE}`]: ["validation.elsewhere.net"] } }).rows;
    expect(elsewhere).toContainEqual(
      expect.objectContaining({ type: "CNAME", action: "Change", reason: "ConflictingChallengeRecord" }),
    );
  });

  test("are gone once the certificate is there", () => {
    const active = {
      hostname: "shop.acme.com",
      status: "active",
      ownershipVerification: undefined,
      ssl: {
        status: "active",
        certificateAuthority: "google",
        validationRecords: [],
        dcvDelegationRecords: [{ name: CHALLENGE, target: DELEGATION }],
      },
    };
    expect(desiredRecords({ ...SUBDOMAIN, rows: [active] })).toHaveLength(2);
  });

  describe("CAA", () => {
    const caa = (...values: readonly string[]): readonly CAARecord[] =>
      values.map((value) => ({ critical: false, tag: "issue", value }));
    const judged = (records: readonly CAARecord[]) =>
      judge(cloudflare(["t"]), { ns1: {}, issuance: { "shop.acme.com": { kind: "restricted", name: "acme.com", records } } });

    test("that forbids the authority is told at the name that holds it, with the line to add", () => {
      const { rows, outstanding } = judged(caa("letsencrypt.org"));
      expect(row(rows, "CAA", "acme.com")).toMatchObject({
        state: "Mismatch",
        action: "Add",
        reason: "CAAForbids",
        found: ['0 issue "letsencrypt.org"'],
        desired: ['0 issue "pki.goog"'],
      });
      expect(outstanding).toContainEqual(expect.objectContaining({ type: "CAA", name: "acme.com", value: '0 issue "pki.goog"' }));
    });

    test.each([
      ["the authority", caa("letsencrypt.org", "pki.goog")],
      ["the authority with parameters", caa("pki.goog; accounturi=https://x")],
      ["no issue property", [{ critical: false, tag: "iodef", value: "mailto:x@acme.com" }]],
    ])("with %s permits", (_, records) => {
      expect(row(judged(records).rows, "CAA", "acme.com")).toBeUndefined();
      expect(judged(records).outstanding.some(({ type }) => type === "CAA")).toBe(false);
    });

    test.each([
      ["nobody", caa(";")],
      ["an unknown critical property", [...caa("pki.goog"), { critical: true, tag: "future", value: "x" }]],
    ])("with %s forbids", (_, records) => {
      expect(row(judged(records).rows, "CAA", "acme.com")?.reason).toBe("CAAForbids");
    });

    test("that cannot be read", () => {
      const { rows } = judge(cloudflare(["t"]), {
        ns1: {},
        issuance: { "shop.acme.com": { kind: "unknown", message: "could not be read" } },
      });
      expect(row(rows, "CAA", "shop.acme.com")).toMatchObject({ state: "Unknown", reason: "CAAUnreachable" });
    });
  });
});
