import { describe, expect, test } from "vitest";
import { isReason } from "../api/v1/reasons.ts";
import { certificateCondition, hostnameCondition } from "./hostname-conditions.ts";
import { caaFailure, certificatePending, inService, justCreated, withoutSSL } from "./recorded-rows.testing.ts";
import { type CustomHostname, parseRow } from "./row.ts";
import { HOSTNAME_STATUSES, SSL_STATUSES } from "./status-class.ts";

const NOW = Date.parse("2026-10-05T00:00:00Z");
const fresh = { previouslyActive: false, now: NOW };
const served = { previouslyActive: true, now: NOW };

function row(raw: unknown): CustomHostname {
  const parsed = parseRow(raw);
  if (parsed === undefined) throw new Error("no row");
  return parsed;
}

function withSSL(status: string, more: Record<string, unknown> = {}): CustomHostname {
  return row({ ...inService, ssl: { ...inService.ssl, status, ...more } });
}

function pending(errors: readonly string[], status = "pending"): CustomHostname {
  return row({ ...inService, status, verification_errors: errors });
}

test("there are 16 hostname and 21 certificate statuses", () => {
  expect([Object.keys(HOSTNAME_STATUSES).length, Object.keys(SSL_STATUSES).length]).toEqual([16, 21]);
});

test("of all pairs of statuses, known and unknown, only active and active_redeploying with an active certificate are ready", () => {
  const hostnames = [...Object.keys(HOSTNAME_STATUSES), "", "some_future_status", "constructor", "__proto__"];
  const certificates = [...Object.keys(SSL_STATUSES), "", "timed_out", "some_future_status", "toString"];
  const ready: string[] = [];
  for (const status of hostnames) {
    for (const ssl of certificates) {
      const one = row({ ...inService, status, ssl: { ...inService.ssl, status: ssl } });
      const conditions = [hostnameCondition(one), certificateCondition(one, fresh)];
      expect(conditions.every(({ reason, message }) => isReason(reason) && message.length < 1024)).toBe(true);
      if (conditions.every((condition) => condition.status === "True")) ready.push(`${status} ${ssl}`);
    }
  }
  expect(ready).toEqual(["active active", "active_redeploying active"]);
});

describe("hostname", () => {
  test("an unknown status is kept verbatim in the message", () => {
    const condition = hostnameCondition(pending([], "some_future_status"));
    expect(condition).toMatchObject({ status: "Unknown", reason: "UnknownStatus", class: "unknown" });
    expect(condition.message).toContain("some_future_status");
  });

  test("active while the certificate waits", () => {
    expect(hostnameCondition(row(certificatePending))).toMatchObject({ status: "True", reason: "Active" });
  });

  test("pending with an active certificate waits for DNS", () => {
    const condition = hostnameCondition(pending(["custom hostname does not CNAME to this zone."]));
    expect(condition).toMatchObject({ status: "False", reason: "AwaitingDNS" });
    expect(condition.message).toContain("does not CNAME to this zone");
  });

  test("a domain on Cloudflare is told to use a proxied CNAME, and that TXT is not enough", () => {
    const condition = hostnameCondition(
      pending([
        "custom hostname does not CNAME to this zone.",
        "The hostname is using Cloudflare and cannot be activated with an TXT or HTTP validation token. To activate the custom hostname, the DNS target needs to point to the SaaS zone",
      ]),
    );
    expect(condition).toMatchObject({ status: "False", reason: "AwaitingDNS" });
    expect(condition.message).toMatch(/TXT records do not activate.*proxied CNAME/);
  });

  test("a zone hold is told apart from an abuse block", () => {
    const held = "The hostname is associated with a held zone. Please contact the owner of this domain to have the hold removed.";
    expect(hostnameCondition(pending([held], "blocked"))).toMatchObject({ reason: "ZoneHold", class: "blocked" });
    expect(hostnameCondition(pending([], "pending_blocked"))).toMatchObject({ reason: "Blocked", class: "blocked" });
  });

  test("a zone without fallback origin is the administrator's matter", () => {
    const condition = hostnameCondition(pending(["Zone does not have a fallback origin set."]));
    expect(condition).toMatchObject({ status: "False", reason: "FallbackOriginMissing" });
  });

  test("moved and deleted are never ready", () => {
    expect(hostnameCondition(pending([], "moved"))).toMatchObject({ status: "False", reason: "Moved", class: "moved" });
    expect(hostnameCondition(pending([], "pending_deletion"))).toMatchObject({ status: "False", class: "gone" });
  });
});

describe("certificate", () => {
  test.each([
    ["a fresh row", row(justCreated), "Initializing"],
    ["one that waits for records", row(certificatePending), "AwaitingDNS"],
    ["one whose authority cannot read CAA", row(caaFailure), "CAAUnreachable"],
    ["being issued", withSSL("pending_issuance"), "Issuing"],
    ["being deployed", withSSL("pending_deployment"), "Deploying"],
    ["timed out", withSSL("validation_timed_out"), "ValidationTimedOut"],
    ["timed out in the short form", withSSL("timed_out"), "ValidationTimedOut"],
    ["expired", withSSL("expired"), "CertificateExpired"],
    ["withdrawn", withSSL("inactive"), "CertificateInactive"],
    [
      "forbidden by CAA",
      withSSL("pending_validation", { validation_errors: [{ message: "CAA records block issuance. Please remove" }] }),
      "CAAForbids",
    ],
    [
      "forbidden by CAA in short",
      withSSL("pending_issuance", { validation_errors: [{ message: "caa_error: x.dev" }] }),
      "CAAForbids",
    ],
    [
      "limited by its authority",
      withSSL("pending_issuance", { validation_errors: [{ message: "The authority has rate limited these domains." }] }),
      "CARateLimited",
    ],
  ])("%s is not ready", (_name, one, reason) => {
    expect(certificateCondition(one, fresh)).toMatchObject({ status: "False", reason });
  });

  test("Cloudflare's own words are passed on", () => {
    expect(certificateCondition(row(caaFailure), fresh).message).toContain("SERVFAIL looking up CAA for example.com");
  });

  test("without a certificate only a hostname that wants none is ready", () => {
    expect(certificateCondition(row(withoutSSL), { ...fresh, wanted: false })).toMatchObject({
      status: "True",
      reason: "NoCertificate",
    });
    expect(certificateCondition(row(withoutSSL), fresh)).toMatchObject({ status: "False", reason: "Initializing" });
  });

  test.each([
    "pending_deployment",
    "pending_issuance",
    "pending_validation",
    "initializing",
    "validation_timed_out",
    "pending_expiration",
  ])("a renewal in %s does not lower a certificate that is known to be served", (status) => {
    expect(certificateCondition(withSSL(status), served)).toMatchObject({ status: "True", reason: "Renewing" });
    expect(certificateCondition(withSSL(status), fresh).status).toBe("False");
  });

  test("a failing renewal says why while the old certificate is served", () => {
    const failing = withSSL("pending_issuance", { validation_errors: [{ message: "caa_error" }] });
    expect(certificateCondition(failing, served).message).toContain("CAA records forbid");
  });

  test("a renewal ends where the old certificate does", () => {
    const after = { previouslyActive: true, now: Date.parse("2027-01-17T00:00:00Z") };
    expect(certificateCondition(withSSL("pending_issuance"), after).status).toBe("False");
    expect(certificateCondition(withSSL("expired"), served).status).toBe("False");
    expect(certificateCondition(withSSL("deleted"), served).status).toBe("False");
  });

  test("with no known end only the ordinary steps of a renewal count as one", () => {
    const unknownEnd = { certificates: [] };
    expect(certificateCondition(withSSL("pending_deployment", unknownEnd), served).status).toBe("True");
    expect(certificateCondition(withSSL("issuance_timed_out", unknownEnd), served).status).toBe("False");
    // A row that was deleted and created again under the same name.
    expect(certificateCondition(row(justCreated), served).status).toBe("False");
    expect(certificateCondition(row(certificatePending), served).status).toBe("False");
  });
});
