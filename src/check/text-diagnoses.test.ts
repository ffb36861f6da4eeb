import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DesiredInput } from "../core/desired-records.ts";
import { type Customer, DiagnosisStage, NEGATIVE_TTL, NS1, NS2 } from "./diagnosis.testing.ts";

let stage: DiagnosisStage;

beforeAll(async () => {
  stage = await DiagnosisStage.start();
});
afterAll(() => stage.dns.close());
afterEach(() => stage.dns.clearFaults());

describe("of the ownership record, it is told when", () => {
  async function proofRow(customer: Customer) {
    return (await customer.look()).row("TXT", customer.proof.name);
  }

  test("it is missing", async () => {
    const customer = stage.domain();
    expect(await proofRow(customer)).toMatchObject({
      state: "Missing",
      action: "Add",
      desired: [customer.proof.value],
      found: [],
      reason: "RecordMissing",
    });
    customer.set(customer.proof.name, "TXT", ["v=spf1 -all", customer.proof.value]);
    expect(await proofRow(customer)).toMatchObject({ state: "Ok", found: [customer.proof.value, "v=spf1 -all"] });
  });

  test("it has another account's value", async () => {
    const customer = stage.domain();
    customer.set(customer.proof.name, "TXT", ["customdomains-verify=zzz"]);
    expect(await proofRow(customer)).toMatchObject({
      state: "Mismatch",
      action: "Change",
      found: ["customdomains-verify=zzz"],
      reason: "WrongRecord",
      message: expect.stringContaining(customer.proof.value),
    });
    customer.set(customer.proof.name, "TXT", ["google-site-verification=zzz"]);
    expect(await proofRow(customer)).toMatchObject({ state: "Missing", reason: "RecordMissing" });
  });

  test.each([
    ["straight", (value: string) => `"${value}"`],
    ["typographic", (value: string) => `\u201c${value}\u201d`],
  ])("%s quotation marks are part of its value", async (_, quoted) => {
    const customer = stage.domain();
    const value = quoted(customer.proof.value);
    customer.set(customer.proof.name, "TXT", [value]);
    const row = await proofRow(customer);
    expect(row).toMatchObject({ state: "Mismatch", action: "Change", reason: "QuotedValue", desired: [customer.proof.value] });
    expect(row?.found).toEqual([/^[ -~]*$/.test(value) ? value : `<${Buffer.byteLength(value)} bytes>`]);
    // Two strings of one record are no quotation marks, and neither are those around other text.
    customer.set(customer.proof.name, "TXT", [[customer.proof.value.slice(0, 9), customer.proof.value.slice(9)], '"v=spf1"']);
    expect(await proofRow(customer)).toMatchObject({ state: "Ok" });
    customer.set(customer.proof.name, "TXT", ['"v=spf1"']);
    expect(await proofRow(customer)).toMatchObject({ reason: "RecordMissing" });
  });

  test.each([
    ["DoubledZone", ({ proof, domain }: Customer) => `${proof.name}.${domain}`, "appended the zone"],
    ["WrongName", ({ proof }: Customer) => proof.name.slice(1), "without the underscore"],
    ["WrongName", ({ host }: Customer) => host, "instead of"],
    ["WrongName", ({ domain }: Customer) => `_customdomains-challenge.${domain}`, "instead of"],
  ] as const)("its value stands at another name (%s, %s)", async (reason, placeOf, text) => {
    const customer = stage.domain();
    const place = placeOf(customer);
    customer.set(place, "TXT", [customer.proof.value]);
    const { row } = await customer.look();
    expect(row("TXT", customer.proof.name)).toMatchObject({
      state: "Missing",
      action: "Change",
      desired: [customer.proof.value],
      reason,
      message: expect.stringContaining(text),
    });
    expect(row("TXT", place)).toMatchObject({ state: "Extra", action: "Remove", found: [customer.proof.value], reason });
    customer.set(place, "TXT", ["customdomains-verify=zzz"]);
    const near = await customer.look();
    expect([near.row("TXT", customer.proof.name)?.reason, near.row("TXT", place)]).toEqual(["RecordMissing", undefined]);
  });

  test("a wildcard answers for it", async () => {
    const customer = stage.domain();
    customer.set(`*.${customer.domain}`, "TXT", [customer.proof.value]);
    expect(await proofRow(customer)).toMatchObject({
      state: "Mismatch",
      action: "Change",
      found: [customer.proof.value],
      reason: "WildcardCapture",
    });
    customer.set(customer.proof.name, "TXT", [customer.proof.value]);
    customer.set(`*.${customer.domain}`, "TXT", ["v=spf1 -all"]);
    expect(await proofRow(customer)).toMatchObject({ state: "Ok" });
  });

  test("only one of the servers has it, which is named", async () => {
    const customer = stage.domain();
    customer.set(customer.proof.name, "TXT", [customer.proof.value], NS2);
    const row = await proofRow(customer);
    expect(row).toMatchObject({ state: "Mismatch", action: "None", reason: "Propagating", found: [customer.proof.value] });
    expect(row?.message).toContain(`ns1.dns-sim.dev (${NS1}) not yet`);
    stage.dns.addFault({ server: NS1, kind: "silent", name: customer.proof.name });
    expect(await proofRow(customer)).toMatchObject({ state: "Ok" });
  });
});

describe("of Cloudflare's records, it is told when", () => {
  const challenge = ({ host }: Customer): string => `_acme-challenge.${host}`;
  const delegation = ({ host }: Customer): string => `${host}.9dbb86635115718e.dcv.cloudflare.com`;

  function rowsOf(customer: Customer, delegated = false): DesiredInput["rows"] {
    const name = challenge(customer);
    return [
      {
        hostname: customer.host,
        status: "pending",
        ownershipVerification: undefined,
        ssl: {
          status: "pending_validation",
          certificateAuthority: "google",
          validationRecords: ["token-a", "token-b"].map((value) => ({ kind: "txt", name, value, status: "pending" })),
          dcvDelegationRecords: delegated ? [{ name, target: delegation(customer) }] : [],
        },
      },
    ];
  }

  test("one of several values under one name is missing", async () => {
    const customer = stage.domain();
    const look = async () => (await customer.look({ rows: rowsOf(customer) })).row("TXT", challenge(customer));
    expect(await look()).toMatchObject({ state: "Missing", reason: "RecordMissing", desired: ["token-a", "token-b"] });
    expect((await look())?.message).toContain(`up to ${NEGATIVE_TTL} s`);
    customer.set(challenge(customer), "TXT", ["token-a", "old"]);
    expect(await look()).toMatchObject({ state: "Mismatch", reason: "WrongRecord", found: ["old", "token-a"] });
    customer.set(challenge(customer), "TXT", ["token-a", "old", "token-b"]);
    expect(await look()).toMatchObject({ state: "Ok" });
  });

  test("a CNAME hides the challenge, unless it is the delegation", async () => {
    const customer = stage.domain();
    customer.set(challenge(customer), "CNAME", [`validation.${customer.domain}`]);
    customer.set(`validation.${customer.domain}`, "TXT", ["token-a", "token-b"]);
    const { row } = await customer.look({ rows: rowsOf(customer) });
    expect(row("TXT", challenge(customer))).toMatchObject({
      state: "Missing",
      reason: "ConflictingChallengeRecord",
      desired: ["token-a", "token-b"],
    });
    expect(row("CNAME", challenge(customer))).toMatchObject({
      state: "Extra",
      action: "Remove",
      found: [`validation.${customer.domain}`],
      reason: "ConflictingChallengeRecord",
    });
    customer.set(challenge(customer), "CNAME", [delegation(customer)]);
    const near = await customer.look({ rows: rowsOf(customer, true) });
    expect([near.row("TXT", challenge(customer))?.state, near.row("CNAME", challenge(customer))?.state]).toEqual(["Ok", "Ok"]);
  });

  test("CAA forbids the authority, at the name that says so", async () => {
    const customer = stage.domain();
    const look = async () => {
      stage.dns.flush();
      return (await customer.look({ rows: rowsOf(customer) })).rows.find(({ type }) => type === "CAA");
    };
    customer.set(customer.domain, "CAA", ['0 issue "letsencrypt.org"']);
    expect(await look()).toMatchObject({
      name: customer.domain,
      state: "Mismatch",
      action: "Add",
      found: ['0 issue "letsencrypt.org"'],
      desired: ['0 issue "pki.goog"'],
      reason: "CAAForbids",
    });
    // The set of the name itself governs it, whatever its parent's says; and one that allows it forbids nothing.
    customer.set(customer.host, "CAA", ['0 issue "pki.goog"']);
    expect(await look()).toBeUndefined();
    customer.set(customer.host, "CAA", []);
    customer.set(customer.domain, "CAA", ['0 issue "letsencrypt.org"', '0 issue "pki.goog"']);
    expect(await look()).toBeUndefined();
  });

  test("CAA cannot be read", async () => {
    const customer = stage.domain();
    for (const server of [NS1, NS2]) stage.dns.addFault({ server, kind: "servfail", name: customer.domain, type: "CAA" });
    const caa = async () => (await customer.look({ rows: rowsOf(customer) })).rows.find(({ type }) => type === "CAA");
    expect(await caa()).toMatchObject({ state: "Unknown", reason: "CAAUnreachable" });
    stage.dns.clearFaults();
    expect(await caa()).toBeUndefined();
  });
});
