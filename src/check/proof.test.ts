import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ProofStage } from "./proof.testing.ts";
import { disagreement, everyServerHas, everyServerLacks, type ProofAnswer, proofRecord, readProof } from "./proof.ts";

let stage: ProofStage;
const signal = new AbortController().signal;

beforeAll(async () => {
  stage = await ProofStage.start();
});
afterAll(() => stage.dns.close());
afterEach(() => stage.dns.clearFaults());

const values = (answer: ProofAnswer) => answer.servers.map((server) => server.values);

describe("proofRecord", () => {
  test("is the documented formula", () => {
    // printf 'acme-production|tenant-a|shop.acme.com' | sha256sum | xxd -r -p | base32 | tr A-Z a-z | cut -c1-32
    expect(proofRecord({ issuer: "acme-production", tenant: "tenant-a", hostname: "shop.acme.com" })).toEqual({
      name: "_customdomains-challenge.shop.acme.com",
      value: "customdomains-verify=fpx4kugrzaiu7ck6wrf42oanlcu3litp",
    });
  });

  test("differs with each of issuer, tenant and name", () => {
    const subject = { issuer: "a", tenant: "b", hostname: "c.com" };
    const all = [subject, { ...subject, issuer: "x" }, { ...subject, tenant: "x" }, { ...subject, hostname: "x.com" }];
    expect(new Set(all.map((each) => proofRecord(each).value)).size).toBe(4);
  });
});

describe("readProof", () => {
  test("reads the value at every authoritative server", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [value, "something else"]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.kind).toBe("complete");
    expect(answer.servers.map((server) => server.address)).toEqual(["127.0.0.11", "127.0.0.12"]);
    expect(everyServerHas(answer, value)).toBe(true);
    expect(everyServerLacks(answer, value)).toBe(false);
    expect(disagreement(answer, value)).toBeUndefined();
  });

  test("joins the strings of one record", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [[value.slice(0, 20), value.slice(20)]]);
    expect(everyServerHas(await readProof(host, stage.access(), signal), value)).toBe(true);
  });

  test("a value that merely contains the right one is not it", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [`"${value}"`, `${value} `, value.toUpperCase()]);
    expect(everyServerLacks(await readProof(host, stage.access(), signal), value)).toBe(true);
  });

  test.each(["NXDOMAIN", "no data"])("a record that is not there (%s) is a complete answer without values", async (kind) => {
    const { host, name, value } = stage.zone();
    if (kind === "no data") stage.dns.setRecords(name, "A", ["127.0.0.1"]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.kind).toBe("complete");
    expect(values(answer)).toEqual([[], []]);
    expect(everyServerLacks(answer, value)).toBe(true);
  });

  test("servers that disagree are neither having nor lacking, and named", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [value], { server: "127.0.0.11" });
    const answer = await readProof(host, stage.access(), signal);
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
    expect(disagreement(answer, value)).toBe(
      "ns1.dns-sim.dev (127.0.0.11) already answers with the record, ns2.dns-sim.dev (127.0.0.12) not yet",
    );
  });

  test("a silent server is left out", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [value]);
    stage.dns.addFault({ server: "127.0.0.12", kind: "silent", name });
    const answer = await readProof(host, stage.access(), signal);
    expect(answer).toMatchObject({ kind: "complete", unanswered: [{ address: "127.0.0.12", message: "did not answer" }] });
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test.each(["servfail", "refused", "lame"] as const)("one server that answers %s makes the answer incomplete", async (kind) => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [value]);
    stage.dns.addFault({ server: "127.0.0.12", kind, name });
    const answer = await readProof(host, stage.access(), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "AuthoritativeUnreachable" });
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
  });

  test("nobody answering is not evidence", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.addFault({ server: "127.0.0.11", kind: "silent", name });
    stage.dns.addFault({ server: "127.0.0.12", kind: "silent", name });
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.kind).toBe("incomplete");
    expect(everyServerLacks(answer, value)).toBe(false);
  });

  test("a forged answer with another id is passed over", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [value]);
    stage.dns.addFault({ server: "127.0.0.12", kind: "wrong-id", name });
    expect(await readProof(host, stage.access(), signal)).toMatchObject({
      kind: "complete",
      unanswered: [{ address: "127.0.0.12" }],
    });
  });

  test("a long answer is read over TCP", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [...Array.from({ length: 30 }, (_, index) => `${index}-${"x".repeat(200)}`), value]);
    const answer = await readProof(host, stage.access(), signal);
    expect(everyServerHas(answer, value)).toBe(true);
    expect(stage.dns.counters.total({ name, transport: "tcp" })).toBeGreaterThanOrEqual(2);
  });

  test("does not make resolvers remember that the record is missing", async () => {
    const { host, name } = stage.zone();
    await readProof(host, stage.access(), signal);
    expect(stage.dns.counters.total({ name, server: "resolver.dns-sim.dev" })).toBe(0);
    expect(stage.dns.counters.total({ name: host, server: "resolver.dns-sim.dev" })).toBe(0);
  });

  test("mode Recursive asks only the resolvers", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [value]);
    const answer = await readProof(host, stage.access({ mode: "Recursive" }), signal);
    expect(answer.servers.map((server) => server.address)).toEqual(["127.0.0.10"]);
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test("mode Recursive refuses what leaves the domain and what a wildcard made, too", async () => {
    const first = stage.zone();
    const second = stage.zone();
    stage.dns.setRecords(first.name, "CNAME", [`proof.${second.domain}`]);
    stage.dns.setRecords(`proof.${second.domain}`, "TXT", [first.value]);
    stage.dns.setRecords(`*.${second.domain}`, "TXT", [second.value]);
    expect(await readProof(first.host, stage.access({ mode: "Recursive" }), signal)).toMatchObject({
      reason: "ConflictingChallengeRecord",
    });
    expect(await readProof(second.host, stage.access({ mode: "Recursive" }), signal)).toMatchObject({
      reason: "WildcardCapture",
    });
  });

  test("an aborted caller gets its own reason back", async () => {
    const { host, name } = stage.zone();
    for (const server of ["127.0.0.11", "127.0.0.12"]) stage.dns.addFault({ server, kind: "silent", name });
    const controller = new AbortController();
    const reading = readProof(host, stage.access(), controller.signal);
    controller.abort(new Error("shutting down"));
    await expect(reading).rejects.toThrow("shutting down");
  });
});
