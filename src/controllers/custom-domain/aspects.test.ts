import { describe, expect, it } from "vitest";
import type { CustomDomainStatus } from "../../api/v1/custom-domain-status.ts";
import type { CustomHostname } from "../../cloudflare/row.ts";
import { conditionsOf } from "../../core/conditions.ts";
import { desiredRecords } from "../../core/desired-records.ts";
import { hostnameRows, rowsChanged } from "./aspects.ts";

const HOST = "shop.lindqvistkeramik.se";
const ZONE = "0123456789abcdef0123456789abcdef";

function row(more: Partial<CustomHostname> = {}, ssl: Partial<NonNullable<CustomHostname["ssl"]>> = {}): CustomHostname {
  return {
    id: "row-1",
    hostname: HOST,
    status: "pending",
    verificationErrors: ["custom hostname does not CNAME to this zone."],
    ownershipVerification: { type: "txt", name: `_cf-custom-hostname.${HOST}`, value: "0e2d5a7f" },
    ssl: {
      id: "ssl-1",
      status: "pending_validation",
      method: "txt",
      type: "dv",
      certificateAuthority: "google",
      bundleMethod: undefined,
      wildcard: false,
      settings: { minTLSVersion: undefined, http2: undefined, tls13: undefined, earlyHints: undefined, ciphers: [] },
      validationRecords: [{ kind: "txt", name: `_acme-challenge.${HOST}`, value: "token", status: "pending" }],
      validationErrors: [],
      dcvDelegationRecords: [],
      expiresAt: undefined,
      ...ssl,
    },
    customOriginServer: undefined,
    customOriginSNI: undefined,
    createdAt: undefined,
    ...more,
  };
}

/** As it is after a pass that saw `seen` and looked at DNS. */
function statusAfter(
  seen: CustomHostname,
  types: Readonly<Record<string, "True" | "False">> = { Claimed: "True" },
): CustomDomainStatus {
  const desired = desiredRecords({
    hostname: { name: HOST, registrableDomain: "lindqvistkeramik.se", isApex: false, wwwTwin: undefined },
    proof: undefined,
    dns: { target: "edge.saas.net", acceptedTargets: [], apex: { mode: "Flattening", addresses: [] } },
    rows: [seen],
  });
  const findings = Object.entries(types).map(([type, status]) => [type, { status, reason: "Claimed", message: "" }] as const);
  const claimed = [{ hostname: HOST, role: "Primary" as const, zoneID: ZONE, id: seen.id }];
  return {
    conditions: conditionsOf([], Object.fromEntries(findings), 1, 0),
    hostnames: hostnameRows(claimed, new Map([[HOST, seen]]), [], undefined),
    dnsRecords: desired
      .filter(({ type }) => type !== "CAA")
      .map(({ type, name, values, purpose }) => ({
        type,
        name,
        desired: [...values],
        found: [],
        state: "Missing",
        action: "Add",
        purpose,
      })),
  };
}

describe("Cloudflare's row", () => {
  it("is as status says", () => {
    for (const each of [
      row(),
      row({ status: "active", ownershipVerification: undefined }, { status: "active" }),
      row({ status: "" }),
    ])
      expect(rowsChanged([each], statusAfter(each))).toBe(false);
  });

  it.each<[string, CustomHostname]>([
    ["another status", row({ status: "active" })],
    ["another status of the certificate", row({}, { status: "pending_issuance" })],
    ["a new error", row({ verificationErrors: ["The hostname is associated with a held zone."] })],
    ["a new error of the certificate", row({}, { validationErrors: ["caa_error"] })],
    ["an error less", row({ verificationErrors: [] })],
    ["another end of the certificate", row({}, { expiresAt: "2027-01-01T00:00:00Z" })],
    ["another id", row({ id: "row-2" })],
    [
      "a new validation record",
      row({}, { validationRecords: [{ kind: "txt", name: `_acme-challenge.${HOST}`, value: "rotated", status: "pending" }] }),
    ],
    [
      "another ownership token",
      row({ ownershipVerification: { type: "txt", name: `_cf-custom-hostname.${HOST}`, value: "1f" } }),
    ],
    ["an offer of delegation", row({}, { dcvDelegationRecords: [{ name: `_acme-challenge.${HOST}`, target: "dcv.net" }] })],
  ])("says something new: %s", (_, now) => {
    expect(rowsChanged([now], statusAfter(row()))).toBe(true);
    expect(rowsChanged([now], statusAfter(now))).toBe(false);
  });

  const rotated = row(
    {},
    { validationRecords: [{ kind: "txt", name: `_acme-challenge.${HOST}`, value: "rotated", status: "" }] },
  );

  it("says nothing to a domain whose table stands still, or has no room", () => {
    expect(rowsChanged([rotated], statusAfter(row(), { Claimed: "True", Paused: "True" }))).toBe(false);
    const [first, ...rest] = statusAfter(row()).dnsRecords ?? [];
    const full = first === undefined ? [] : [...rest, ...Array.from({ length: 32 }, () => first)];
    expect(rowsChanged([rotated], { ...statusAfter(row()), dnsRecords: full })).toBe(false);
  });

  it("is somebody else's while the claim is", () => {
    expect(rowsChanged([rotated], statusAfter(row(), { Claimed: "False" }))).toBe(false);
    expect(rowsChanged([row()], undefined)).toBe(true);
  });
});
