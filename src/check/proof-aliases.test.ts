import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ProofStage } from "./proof.testing.ts";
import { everyServerHas, everyServerLacks, readProof } from "./proof.ts";

let stage: ProofStage;
const signal = new AbortController().signal;

beforeAll(async () => {
  stage = await ProofStage.start();
});
afterAll(() => stage.dns.close());
afterEach(() => stage.dns.clearFaults());

describe("readProof on aliases, wildcards and hostile delegations", () => {
  test("follows a delegation below the registrable domain", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.addZone(host, { servers: ["127.0.0.12"], nameservers: [{ name: "ns2.dns-sim.dev", address: "127.0.0.12" }] });
    stage.dns.setRecords(name, "TXT", [value]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.servers.map((server) => server.address)).toEqual(["127.0.0.12"]);
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test("follows a CNAME within the domain", async () => {
    const { domain, host, name, value } = stage.zone();
    stage.dns.setRecords(name, "CNAME", [`proofs.${domain}`]);
    stage.dns.setRecords(`proofs.${domain}`, "TXT", [value]);
    expect(everyServerHas(await readProof(host, stage.access(), signal), value)).toBe(true);
  });

  test("follows a CNAME into a zone of the domain that other servers hold", async () => {
    const { domain, host, name, value } = stage.zone();
    stage.dns.addZone(`dns.${domain}`, {
      servers: ["127.0.0.11"],
      nameservers: [{ name: "ns1.dns-sim.dev", address: "127.0.0.11" }],
    });
    stage.dns.setRecords(name, "CNAME", [`proofs.dns.${domain}`]);
    stage.dns.setRecords(`proofs.dns.${domain}`, "TXT", [value]);
    const answer = await readProof(host, stage.access(), signal);
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test("a loop of CNAMEs ends", async () => {
    const { domain, host, name } = stage.zone();
    stage.dns.setRecords(name, "CNAME", [`a.${domain}`]);
    stage.dns.setRecords(`a.${domain}`, "CNAME", [name]);
    expect(await readProof(host, stage.access(), signal)).toMatchObject({ kind: "incomplete" });
    expect(stage.dns.counters.total({ name })).toBeLessThanOrEqual(4);
  });

  test("a CNAME that leaves the registrable domain is refused, whatever stands there", async () => {
    const { host, name, value } = stage.zone();
    const other = stage.zone();
    stage.dns.setRecords(name, "CNAME", [`proof.${other.domain}`]);
    stage.dns.setRecords(`proof.${other.domain}`, "TXT", [value]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer).toMatchObject({ kind: "refused", reason: "ConflictingChallengeRecord" });
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, true]);
  });

  test.each(["*.DOMAIN", "*.shop.DOMAIN"])("a wildcard TXT %s is refused", async (pattern) => {
    const { domain, host, value } = stage.zone();
    stage.dns.setRecords(pattern.replace("DOMAIN", domain), "TXT", [value]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer).toMatchObject({ kind: "refused", reason: "WildcardCapture" });
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
  });

  test("a wildcard CNAME to another platform is refused and named as such", async () => {
    const { domain, host, value } = stage.zone();
    const other = stage.zone();
    stage.dns.setRecords(`*.${domain}`, "CNAME", [`any.${other.domain}`]);
    stage.dns.setRecords(`any.${other.domain}`, "TXT", [value]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer).toMatchObject({ kind: "refused", reason: "WildcardCapture" });
    expect(everyServerLacks(answer, value)).toBe(true);
  });

  test("an exact record beside a wildcard is a proof", async () => {
    const { domain, host, name, value } = stage.zone();
    stage.dns.setRecords(`*.${domain}`, "TXT", ["v=spf1 -all"]);
    stage.dns.setRecords(`*.${host}`, "TXT", ["v=spf1 -all"]);
    stage.dns.setRecords(name, "TXT", [value]);
    expect(everyServerHas(await readProof(host, stage.access(), signal), value)).toBe(true);
  });

  test("a wildcard of unrelated text is an ordinary lack", async () => {
    const { domain, host, value } = stage.zone();
    stage.dns.setRecords(`*.${domain}`, "TXT", ["v=spf1 -all"]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.kind).toBe("complete");
    expect(everyServerLacks(answer, value)).toBe(true);
  });

  test("a domain that does not exist is told apart", async () => {
    const answer = await readProof("shop.never-registered.com", stage.access(), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "NXDomain" });
  });

  test("name servers at addresses that must not be asked are not asked", async () => {
    const { host, name } = stage.zone();
    const answer = await readProof(host, stage.access({ nameserverCIDRs: [] }), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "AuthoritativeUnreachable" });
    expect(answer.unanswered[0]?.message).toContain("may not be asked");
    expect(stage.dns.counters.total({ name })).toBe(0);
  });

  test("dead resolvers are the platform's fault", async () => {
    const { host } = stage.zone();
    const answer = await readProof(host, stage.access({ resolvers: ["127.0.0.13:1"] }), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "ResolverUnreachable" });
  });

  test("wrong DNSSEC signatures are told apart", async () => {
    const { domain, host } = stage.zone();
    stage.dns.addFault({ server: "127.0.0.10", kind: "dnssec-bogus", name: domain });
    expect(await readProof(host, stage.access(), signal)).toMatchObject({ kind: "incomplete", reason: "DNSSECBogus" });
  });
});
