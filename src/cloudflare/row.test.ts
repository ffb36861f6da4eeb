import fc from "fast-check";
import { expect, test } from "vitest";
import { caaFailure, certificatePending, inService, justCreated, withoutSSL } from "./recorded-rows.testing.ts";
import { parseRow } from "./row.ts";

test("a fresh row without status and records is read as such", () => {
  const row = parseRow(justCreated);
  expect(row).toMatchObject({ status: "", verificationErrors: [], customOriginServer: "origin.example.com" });
  expect(row?.ssl).toMatchObject({
    status: "initializing",
    validationRecords: [],
    settings: { minTLSVersion: "1.2", ciphers: [] },
  });
});

test("a row without ssl, or with ssl null, has no certificate", () => {
  expect(parseRow(withoutSSL)).toMatchObject({
    ssl: undefined,
    ownershipVerification: { name: "_cf-custom-hostname.app.example.com" },
  });
  expect(parseRow({ ...withoutSSL, ssl: null })?.ssl).toBeUndefined();
});

test("the top-level mirror of a validation record is not a second record", () => {
  expect(parseRow(certificatePending)?.ssl).toMatchObject({
    validationRecords: [
      {
        kind: "txt",
        name: "_acme-challenge.okwyujswsc.terraform.cfapi.net",
        value: "28Rth8iqNkhKk8sPwpdkanLg5xMoVaEdiHsOzKHemUE",
        status: "pending",
      },
    ],
    dcvDelegationRecords: [
      {
        name: "_acme-challenge.okwyujswsc.terraform.cfapi.net",
        target: "okwyujswsc.terraform.cfapi.net.9dbb86635115718e.dcv.cloudflare.com",
      },
    ],
  });
});

test("two values under one name are both kept: wildcards and SSL.com need both", () => {
  const name = "_acme-challenge.app.customer.dev";
  const values = ["gESljTB8fBT1mIuoEASU0qcK-oTd46baarnU_ZGjJIY", "Pd8ViwX8KuA78kLbQHGmdEh4tQSpHBRxiNuJOYStEC0"];
  const validation_records = values.map((txt_value) => ({ status: "pending", txt_name: name, txt_value }));
  const row = parseRow({
    ...certificatePending,
    ssl: { method: "txt", type: "dv", status: "pending_validation", validation_records },
  });
  expect(row?.ssl?.validationRecords.map((record) => (record.kind === "txt" ? record.value : record.kind))).toEqual(values);
});

test("the oldest answers have their record at the top level only", () => {
  expect(parseRow(caaFailure)?.ssl?.validationRecords).toEqual([
    { kind: "cname", name: "810b7d5f01154524b961ba0cd578acc2.example.com", target: "dcv.digicert.com", status: undefined },
  ]);
});

test("the certificate's end is the earliest of all certificates", () => {
  expect(parseRow(inService)?.ssl?.expiresAt).toBe("2027-01-16T23:59:59Z");
});

test("http and email records are read", () => {
  const validation_records = [
    { http_url: "http://app.customer.dev/.well-known/x", http_body: "body" },
    { emails: ["administrator@customer.dev", "webmaster@customer.dev"] },
  ];
  expect(
    parseRow({ ...certificatePending, ssl: { status: "pending_validation", validation_records } })?.ssl?.validationRecords,
  ).toEqual([
    { kind: "http", url: "http://app.customer.dev/.well-known/x", body: "body", status: undefined },
    { kind: "email", addresses: ["administrator@customer.dev", "webmaster@customer.dev"], status: undefined },
  ]);
});

test("anything else in a row neither throws nor makes up a row", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (status, ssl, errors) => {
      const row = parseRow({ id: "x", hostname: "A.dev", status, ssl, verification_errors: errors, future_member: ssl });
      expect(row).toMatchObject({ id: "x", hostname: "a.dev" });
      expect(row?.verificationErrors.length).toBeLessThanOrEqual(10);
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(parseRow({ id: "x", value })).toBeUndefined();
    }),
  );
});
