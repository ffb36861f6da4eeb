import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type DnsSimulator, startDnsSimulator } from "../../test/simulators/dns/dns-simulator.ts";
import { systemClock } from "../runtime/clock.ts";
import { disagreement, everyServerHas, everyServerLacks, type ProofAnswer, proofRecord, readProof } from "./proof.ts";
import type { DnsAccess } from "./resolver.ts";

let simulator: DnsSimulator;
let serial = 0;
const signal = new AbortController().signal;

beforeAll(async () => {
  simulator = await startDnsSimulator({ clock: systemClock });
});
afterAll(() => simulator.close());
afterEach(() => simulator.clearFaults());

function access(dns: Partial<DnsAccess["dns"]> = {}): DnsAccess {
  return {
    dns: {
      mode: "Authoritative",
      resolvers: [simulator.resolver],
      nameserverPort: simulator.port,
      nameserverCIDRs: ["127.0.0.0/8"],
      ...dns,
    },
    deniedCIDRs: [],
    systemResolvers: () => [],
    randomBytes,
  };
}

/** A zone of its own for every test, so that no test sees another's records or cached answers. */
function zone(): { domain: string; host: string; name: string; value: string } {
  const domain = `acme-${++serial}.com`;
  simulator.addZone(domain);
  const host = `shop.${domain}`;
  return { domain, host, ...proofRecord({ issuer: "acme-production", tenant: "tenant-a", hostname: host }) };
}

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
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [value, "something else"]);
    const answer = await readProof(host, access(), signal);
    expect(answer.kind).toBe("complete");
    expect(answer.servers.map((server) => server.address)).toEqual(["127.0.0.11", "127.0.0.12"]);
    expect(everyServerHas(answer, value)).toBe(true);
    expect(everyServerLacks(answer, value)).toBe(false);
    expect(disagreement(answer, value)).toBeUndefined();
  });

  test("joins the strings of one record", async () => {
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [[value.slice(0, 20), value.slice(20)]]);
    expect(everyServerHas(await readProof(host, access(), signal), value)).toBe(true);
  });

  test("a value that merely contains the right one is not it", async () => {
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [`"${value}"`, `${value} `, value.toUpperCase()]);
    expect(everyServerLacks(await readProof(host, access(), signal), value)).toBe(true);
  });

  test.each(["NXDOMAIN", "no data"])("a record that is not there (%s) is a complete answer without values", async (kind) => {
    const { host, name, value } = zone();
    if (kind === "no data") simulator.setRecords(name, "A", ["127.0.0.1"]);
    const answer = await readProof(host, access(), signal);
    expect(answer.kind).toBe("complete");
    expect(values(answer)).toEqual([[], []]);
    expect(everyServerLacks(answer, value)).toBe(true);
  });

  test("servers that disagree are neither having nor lacking, and named", async () => {
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [value], { server: "127.0.0.11" });
    const answer = await readProof(host, access(), signal);
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
    expect(disagreement(answer, value)).toBe(
      "ns1.dns-sim.dev (127.0.0.11) already answers with the record, ns2.dns-sim.dev (127.0.0.12) not yet",
    );
  });

  test("a silent server is left out", async () => {
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [value]);
    simulator.addFault({ server: "127.0.0.12", kind: "silent", name });
    const answer = await readProof(host, access(), signal);
    expect(answer).toMatchObject({ kind: "complete", unanswered: [{ address: "127.0.0.12", message: "did not answer" }] });
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test.each(["servfail", "refused", "lame"] as const)("one server that answers %s makes the answer incomplete", async (kind) => {
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [value]);
    simulator.addFault({ server: "127.0.0.12", kind, name });
    const answer = await readProof(host, access(), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "AuthoritativeUnreachable" });
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
  });

  test("nobody answering is not evidence", async () => {
    const { host, name, value } = zone();
    simulator.addFault({ server: "127.0.0.11", kind: "silent", name });
    simulator.addFault({ server: "127.0.0.12", kind: "silent", name });
    const answer = await readProof(host, access(), signal);
    expect(answer.kind).toBe("incomplete");
    expect(everyServerLacks(answer, value)).toBe(false);
  });

  test("a forged answer with another id is passed over", async () => {
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [value]);
    simulator.addFault({ server: "127.0.0.12", kind: "wrong-id", name });
    expect(await readProof(host, access(), signal)).toMatchObject({ kind: "complete", unanswered: [{ address: "127.0.0.12" }] });
  });

  test("a long answer is read over TCP", async () => {
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [...Array.from({ length: 30 }, (_, index) => `${index}-${"x".repeat(200)}`), value]);
    const answer = await readProof(host, access(), signal);
    expect(everyServerHas(answer, value)).toBe(true);
    expect(simulator.counters.total({ name, transport: "tcp" })).toBeGreaterThanOrEqual(2);
  });

  test("does not make resolvers remember that the record is missing", async () => {
    const { host, name } = zone();
    await readProof(host, access(), signal);
    expect(simulator.counters.total({ name, server: "resolver.dns-sim.dev" })).toBe(0);
    expect(simulator.counters.total({ name: host, server: "resolver.dns-sim.dev" })).toBe(0);
  });

  test("follows a delegation below the registrable domain", async () => {
    const { host, name, value } = zone();
    simulator.addZone(host, { servers: ["127.0.0.12"], nameservers: [{ name: "ns2.dns-sim.dev", address: "127.0.0.12" }] });
    simulator.setRecords(name, "TXT", [value]);
    const answer = await readProof(host, access(), signal);
    expect(answer.servers.map((server) => server.address)).toEqual(["127.0.0.12"]);
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test("follows a CNAME within the domain", async () => {
    const { domain, host, name, value } = zone();
    simulator.setRecords(name, "CNAME", [`proofs.${domain}`]);
    simulator.setRecords(`proofs.${domain}`, "TXT", [value]);
    expect(everyServerHas(await readProof(host, access(), signal), value)).toBe(true);
  });

  test("follows a CNAME into a zone of the domain that other servers hold", async () => {
    const { domain, host, name, value } = zone();
    simulator.addZone(`dns.${domain}`, {
      servers: ["127.0.0.11"],
      nameservers: [{ name: "ns1.dns-sim.dev", address: "127.0.0.11" }],
    });
    simulator.setRecords(name, "CNAME", [`proofs.dns.${domain}`]);
    simulator.setRecords(`proofs.dns.${domain}`, "TXT", [value]);
    const answer = await readProof(host, access(), signal);
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test("a loop of CNAMEs ends", async () => {
    const { domain, host, name } = zone();
    simulator.setRecords(name, "CNAME", [`a.${domain}`]);
    simulator.setRecords(`a.${domain}`, "CNAME", [name]);
    expect(await readProof(host, access(), signal)).toMatchObject({ kind: "incomplete" });
  });

  test("a CNAME that leaves the registrable domain is refused, whatever stands there", async () => {
    const { host, name, value } = zone();
    const other = zone();
    simulator.setRecords(name, "CNAME", [`proof.${other.domain}`]);
    simulator.setRecords(`proof.${other.domain}`, "TXT", [value]);
    const answer = await readProof(host, access(), signal);
    expect(answer).toMatchObject({ kind: "refused", reason: "ConflictingChallengeRecord" });
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, true]);
  });

  test.each(["*.DOMAIN", "*.shop.DOMAIN"])("a wildcard TXT %s is refused", async (pattern) => {
    const { domain, host, value } = zone();
    simulator.setRecords(pattern.replace("DOMAIN", domain), "TXT", [value]);
    const answer = await readProof(host, access(), signal);
    expect(answer).toMatchObject({ kind: "refused", reason: "WildcardCapture" });
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
  });

  test("a wildcard CNAME to another platform is refused and named as such", async () => {
    const { domain, host, value } = zone();
    const other = zone();
    simulator.setRecords(`*.${domain}`, "CNAME", [`any.${other.domain}`]);
    simulator.setRecords(`any.${other.domain}`, "TXT", [value]);
    const answer = await readProof(host, access(), signal);
    expect(answer).toMatchObject({ kind: "refused", reason: "WildcardCapture" });
    expect(everyServerLacks(answer, value)).toBe(true);
  });

  test("an exact record beside a wildcard is a proof", async () => {
    const { domain, host, name, value } = zone();
    simulator.setRecords(`*.${domain}`, "TXT", ["v=spf1 -all"]);
    simulator.setRecords(`*.${host}`, "TXT", ["v=spf1 -all"]);
    simulator.setRecords(name, "TXT", [value]);
    expect(everyServerHas(await readProof(host, access(), signal), value)).toBe(true);
  });

  test("a wildcard of unrelated text is an ordinary lack", async () => {
    const { domain, host, value } = zone();
    simulator.setRecords(`*.${domain}`, "TXT", ["v=spf1 -all"]);
    const answer = await readProof(host, access(), signal);
    expect(answer.kind).toBe("complete");
    expect(everyServerLacks(answer, value)).toBe(true);
  });

  test("a domain that does not exist is told apart", async () => {
    const answer = await readProof("shop.never-registered.com", access(), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "NXDomain" });
  });

  test("name servers at addresses that must not be asked are not asked", async () => {
    const { host, name } = zone();
    const answer = await readProof(host, access({ nameserverCIDRs: [] }), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "AuthoritativeUnreachable" });
    expect(answer.unanswered[0]?.message).toContain("may not be asked");
    expect(simulator.counters.total({ name })).toBe(0);
  });

  test("dead resolvers are the platform's fault", async () => {
    const { host } = zone();
    const answer = await readProof(host, access({ resolvers: ["127.0.0.13:1"] }), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "ResolverUnreachable" });
  });

  test("wrong DNSSEC signatures are told apart", async () => {
    const { domain, host } = zone();
    simulator.addFault({ server: "127.0.0.10", kind: "dnssec-bogus", name: domain });
    expect(await readProof(host, access(), signal)).toMatchObject({ kind: "incomplete", reason: "DNSSECBogus" });
  });

  test("mode Recursive asks only the resolvers", async () => {
    const { host, name, value } = zone();
    simulator.setRecords(name, "TXT", [value]);
    const answer = await readProof(host, access({ mode: "Recursive" }), signal);
    expect(answer.servers.map((server) => server.address)).toEqual(["127.0.0.10"]);
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test("mode Recursive refuses what leaves the domain and what a wildcard made, too", async () => {
    const first = zone();
    const second = zone();
    simulator.setRecords(first.name, "CNAME", [`proof.${second.domain}`]);
    simulator.setRecords(`proof.${second.domain}`, "TXT", [first.value]);
    simulator.setRecords(`*.${second.domain}`, "TXT", [second.value]);
    expect(await readProof(first.host, access({ mode: "Recursive" }), signal)).toMatchObject({
      reason: "ConflictingChallengeRecord",
    });
    expect(await readProof(second.host, access({ mode: "Recursive" }), signal)).toMatchObject({ reason: "WildcardCapture" });
  });

  test("an aborted caller gets its own reason back", async () => {
    const { host, name } = zone();
    for (const server of ["127.0.0.11", "127.0.0.12"]) simulator.addFault({ server, kind: "silent", name });
    const controller = new AbortController();
    const reading = readProof(host, access(), controller.signal);
    controller.abort(new Error("shutting down"));
    await expect(reading).rejects.toThrow("shutting down");
  });
});
