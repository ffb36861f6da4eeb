import { createHash } from "node:crypto";
import { challengeName, ownershipTextName } from "./evidence.ts";
import { type CertificateState, delegationTarget, type IssuedPair, type Row } from "./row.ts";
import type { AuthorityName } from "./statuses.ts";

const issuerNames: Readonly<Record<AuthorityName, string>> = {
  google: "GoogleTrustServices",
  lets_encrypt: "LetsEncrypt",
  ssl_com: "SSLCorp",
};

/** A row as the API shows it. Proof records disappear once they are no longer needed. */
export function renderRow(row: Row, delegationUUID: string): Readonly<Record<string, unknown>> {
  const needsProof = row.status !== undefined && row.status !== "active";
  return {
    id: row.id,
    hostname: row.hostname,
    ...(row.certificate === undefined ? {} : { ssl: renderCertificate(row, row.certificate, delegationUUID) }),
    ...(row.status === undefined ? {} : { status: row.status }),
    ...(row.errors.length > 0 ? { verification_errors: row.errors } : {}),
    ...(needsProof ? renderOwnership(row) : {}),
    ...(row.originServer === undefined ? {} : { custom_origin_server: row.originServer }),
    ...(row.originSNI === undefined ? {} : { custom_origin_sni: row.originSNI }),
    ...(row.metadata === undefined ? {} : { custom_metadata: row.metadata }),
    created_at: new Date(row.createdAt).toISOString(),
  };
}

function renderOwnership(row: Row): Readonly<Record<string, unknown>> {
  return {
    ownership_verification: { type: "txt", name: ownershipTextName(row.hostname), value: row.ownershipToken },
    ownership_verification_http: {
      http_url: `http://${row.hostname}/.well-known/cf-custom-hostname-challenge/${row.id}`,
      http_body: row.ownershipToken,
    },
  };
}

function renderCertificate(row: Row, certificate: CertificateState, delegationUUID: string): Readonly<Record<string, unknown>> {
  const { issued, status } = certificate;
  const records = validationRecords(row.hostname, certificate);
  const common = {
    id: certificate.id,
    type: "dv",
    method: certificate.method,
    status,
    settings: certificate.settings,
    bundle_method: certificate.bundleMethod,
    wildcard: certificate.wildcard,
    certificate_authority: certificate.authority,
  };
  const target = delegationTarget(row.hostname, delegationUUID);
  return {
    ...common,
    // The first record's fields are mirrored at the top level (observed, in no specification).
    ...mirror(records[0]),
    ...(records.length > 0 ? { validation_records: records } : {}),
    ...(certificate.errors.length > 0 ? { validation_errors: certificate.errors.map((message) => ({ message })) } : {}),
    ...(records.length > 0 && certificate.method === "txt"
      ? { dcv_delegation_records: [{ cname: challengeName(row.hostname), cname_target: target }] }
      : {}),
    ...(issued === undefined ? {} : renderIssued(row.hostname, certificate, issued)),
  };
}

function validationRecords(hostname: string, certificate: CertificateState): readonly Readonly<Record<string, unknown>>[] {
  const values = certificate.tokens?.values ?? [];
  if (values.length === 0) return [];
  switch (certificate.method) {
    case "txt":
      return values.map((value) => ({ status: "pending", txt_name: challengeName(hostname), txt_value: value }));
    case "http":
      return values.map((value) => ({
        status: "pending",
        http_url: `http://${hostname}/.well-known/acme-challenge/${value}`,
        http_body: `${value}.${createHash("sha256").update(value).digest("base64url")}`,
      }));
    case "email":
      return [{ emails: ["administrator", "webmaster", "hostmaster"].map((local) => `${local}@${hostname}`) }];
  }
}

function mirror(record: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  const { status: _, ...rest } = record ?? {};
  return rest;
}

function renderIssued(hostname: string, certificate: CertificateState, issued: IssuedPair): Readonly<Record<string, unknown>> {
  const issuer = issuerNames[certificate.authority];
  const expiresOn = new Date(issued.expiresAt).toISOString();
  const certificates = issued.ids.map((id, index) => ({
    id,
    issuer,
    serial_number: BigInt(`0x${id.replaceAll("-", "")}`).toString(),
    signature: index === 0 ? "ECDSAWithSHA256" : "SHA256WithRSA",
    expires_on: expiresOn,
    issued_on: new Date(issued.issuedAt).toISOString(),
    fingerprint_sha256: createHash("sha256").update(id).digest("hex"),
  }));
  return {
    hosts: certificate.wildcard ? [hostname, `*.${hostname}`] : [hostname],
    issuer,
    uploaded_on: new Date(issued.issuedAt).toISOString(),
    expires_on: expiresOn,
    certificates,
  };
}
