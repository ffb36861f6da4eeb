/**
 * Answers recorded by others, for tests; hostnames under example.com as published.
 * From the test suites of cloudflare-go v0, cf-terraforming v5 and the developer documentation.
 */

/** POST 201: no status and no validation records yet. */
export const justCreated = {
  id: "614b3124-cd57-42f0-8307-000000000000",
  hostname: "app.example.com",
  ssl: {
    id: "d9ae4881-34d2-4820-8e28-000000000000",
    type: "dv",
    method: "http",
    status: "initializing",
    settings: { min_tls_version: "1.2" },
    wildcard: false,
    certificate_authority: "lets_encrypt",
  },
  custom_origin_server: "origin.example.com",
  created_at: "2020-06-30T21:37:36.563495Z",
};

export const withoutSSL = {
  id: "0d89c70d-ad9f-4843-b99f-6cc0252067e9",
  hostname: "app.example.com",
  custom_origin_server: "example.app.com",
  status: "pending",
  verification_errors: [
    "None of the A or AAAA records are owned by this account and the pre-generated ownership verification token was not found.",
  ],
  ownership_verification: {
    type: "txt",
    name: "_cf-custom-hostname.app.example.com",
    value: "38ddbedc-6cc3-4a4c-af67-9c5b02344ce0",
  },
  ownership_verification_http: {
    http_url: "http://app.example.com/.well-known/cf-custom-hostname-challenge/37c82d20-99fb-490e-ba0a-489fa483b776",
    http_body: "38ddbedc-6cc3-4a4c-af67-9c5b02344ce0",
  },
  created_at: "2020-02-06T18:11:23.531995Z",
};

/** The hostname is active while the certificate waits; the TXT appears twice. */
export const certificatePending = {
  created_at: "2025-02-27T16:01:49.720192Z",
  hostname: "okwyujswsc.terraform.cfapi.net",
  id: "234e5416-89bd-44ae-adea-93082b3a88ed",
  ssl: {
    bundle_method: "ubiquitous",
    certificate_authority: "google",
    dcv_delegation_records: [
      {
        cname: "_acme-challenge.okwyujswsc.terraform.cfapi.net",
        cname_target: "okwyujswsc.terraform.cfapi.net.9dbb86635115718e.dcv.cloudflare.com",
      },
    ],
    id: "aa4bd600-4144-46a1-82b8-8ef525922877",
    method: "txt",
    status: "pending_validation",
    txt_name: "_acme-challenge.okwyujswsc.terraform.cfapi.net",
    txt_value: "28Rth8iqNkhKk8sPwpdkanLg5xMoVaEdiHsOzKHemUE",
    type: "dv",
    validation_records: [
      {
        status: "pending",
        txt_name: "_acme-challenge.okwyujswsc.terraform.cfapi.net",
        txt_value: "28Rth8iqNkhKk8sPwpdkanLg5xMoVaEdiHsOzKHemUE",
      },
    ],
    wildcard: false,
  },
  status: "active",
};

/** An id that is no UUID, a method of old, and a certificate authority that cannot read DNS. */
export const caaFailure = {
  id: "bar",
  hostname: "example.com",
  ssl: {
    type: "dv",
    method: "cname",
    status: "pending_validation",
    cname_target: "dcv.digicert.com",
    cname: "810b7d5f01154524b961ba0cd578acc2.example.com",
    validation_errors: [{ message: "SERVFAIL looking up CAA for example.com" }],
  },
  status: "pending",
  verification_errors: [
    "None of the A or AAAA records are owned by this account and the pre-generated ownership verification token was not found.",
  ],
};

/** In service: validation records and ownership token are gone, two certificates. */
export const inService = {
  id: "b5dbe62c-3bb8-494e-ac6d-1ba16a5ea240",
  hostname: "custom.customer.dev",
  status: "active",
  ssl: {
    id: "b5dbe62c-3bb8-494e-ac6d-1ba16a5ea241",
    method: "txt",
    type: "dv",
    status: "active",
    hosts: ["custom.customer.dev"],
    settings: { http2: "on", tls_1_3: "on", min_tls_version: "1.2", http3: "on" },
    bundle_method: "ubiquitous",
    certificate_authority: "ssl_com",
    wildcard: false,
    custom_certificate: "",
    certificates: [
      { issuer: "CloudflareInc", signature: "ECDSAWithSHA256", expires_on: "2027-02-16T23:59:59Z" },
      { issuer: "CloudflareInc", signature: "SHA256WithRSA", expires_on: "2027-01-16T23:59:59Z" },
    ],
  },
  created_at: "2026-02-06T18:11:23.531995Z",
};
