import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ProofStage } from "./proof.testing.ts";
import { everyServerHas, everyServerLacks, readProof } from "./proof.ts";

const NS1 = "127.0.0.11";
const NS2 = "127.0.0.12";

let stage: ProofStage;
const signal = new AbortController().signal;

beforeAll(async () => {
  stage = await ProofStage.start();
  for (const name of ["com", "io"]) stage.dns.addTLD(name);
});
afterAll(() => stage.dns.close());
afterEach(() => stage.dns.clearFaults());

/** `planted` stands at a server that the domain's owner has nothing to do with. */
function strangersZone(name: string, planted: string): void {
  const { stranger } = stage.dns;
  stage.dns.addZone(name, { servers: [stranger.name], nameservers: [stranger], delegated: false });
  stage.dns.setRecords(name, "TXT", [planted], { server: stranger.name });
}

/** The server was hijacked, or expired and was bought by somebody else. */
function hijack(server: string, zone: string, nameservers = [stage.dns.stranger]): void {
  stage.dns.addFault({ server, kind: "referral", name: zone, to: { zone, nameservers } });
}

describe("a referral", () => {
  test.each([NS1, NS2])("that only %s gives, while the other answers itself, leads nowhere", async (server) => {
    const { host, name, value } = stage.zone();
    strangersZone(name, value);
    hijack(server, name);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "InconsistentDelegation" });
    expect(answer.kind === "incomplete" ? answer.message : "").toContain(server === NS1 ? "ns2.dns-sim.dev" : "ns1.dns-sim.dev");
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
  });

  test("does not make a proof look lost either", async () => {
    const { host, name, value } = stage.zone();
    stage.dns.setRecords(name, "TXT", [value]);
    strangersZone(name, "v=spf1 -all");
    hijack(NS2, name);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.kind).toBe("incomplete");
    expect(everyServerLacks(answer, value)).toBe(false);
  });

  test("that names the honest server as well leads to both of them, which disagree", async () => {
    const { host, name, value } = stage.zone();
    strangersZone(name, value);
    hijack(NS2, name, [{ name: "ns1.dns-sim.dev", address: NS1 }, stage.dns.stranger]);
    const answer = await readProof(host, stage.access(), signal);
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
  });

  test("to other servers than the other referral leads nowhere", async () => {
    const { host, name, value } = stage.zone();
    strangersZone(name, value);
    const { registry } = stage.dns;
    stage.dns.addZone(host, { servers: [registry.name], nameservers: [registry] });
    stage.dns.setRecords(name, "TXT", [value]);
    expect(everyServerHas(await readProof(host, stage.access(), signal), value)).toBe(true);
    hijack(NS2, host);
    expect(await readProof(host, stage.access(), signal)).toMatchObject({
      kind: "incomplete",
      reason: "InconsistentDelegation",
    });
  });

  test("beside a server that answers SERVFAIL is not enough", async () => {
    const { host, name, value } = stage.zone();
    strangersZone(name, value);
    hijack(NS2, name);
    stage.dns.addFault({ server: NS1, kind: "servfail", name });
    const answer = await readProof(host, stage.access(), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "AuthoritativeUnreachable" });
    expect(everyServerHas(answer, value)).toBe(false);
  });

  test.each([[[NS1]], [[NS2]], [[NS1, NS2]]])("that all give, or answer for, is followed to %s", async (servers) => {
    const { host, name, value } = stage.zone();
    const nameservers = stage.dns.nameservers.filter(({ address }) => servers.includes(address));
    stage.dns.addZone(host, { servers, nameservers });
    stage.dns.setRecords(name, "TXT", [value]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.servers.map(({ address }) => address)).toEqual(servers);
    expect(everyServerHas(answer, value)).toBe(true);
  });

  test("two delegations below each other are followed, also by a server that knows the lower one", async () => {
    const { domain, value } = stage.zone();
    const host = `eu.team.${domain}`;
    stage.dns.addZone(`team.${domain}`, { servers: [NS1], nameservers: [{ name: "ns1.dns-sim.dev", address: NS1 }] });
    stage.dns.addZone(host, { servers: [stage.dns.stranger.name], nameservers: [stage.dns.stranger] });
    stage.dns.setRecords(`_customdomains-challenge.${host}`, "TXT", [value]);
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.servers.map(({ address }) => address)).toEqual([stage.dns.stranger.address]);
    expect(everyServerHas(answer, value)).toBe(true);
  });
});

describe("a domain", () => {
  test("that the registry denies is not registered: nothing is lost", async () => {
    const answer = await readProof("shop.never-registered.com", stage.access(), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "NXDomain" });
    expect(everyServerLacks(answer, "any")).toBe(false);
    expect(
      stage.dns.counters.total({ server: stage.dns.registry.name, name: "_customdomains-challenge.shop.never-registered.com" }),
    ).toBe(0);
  });

  test("that is registered and empty lacks the record", async () => {
    const { host, value } = stage.zone();
    const answer = await readProof(host, stage.access(), signal);
    expect(answer.kind).toBe("complete");
    expect(everyServerLacks(answer, value)).toBe(true);
  });

  test("below a provider's suffix is read at the provider, whether it has a name there or not", async () => {
    stage.dns.addZone("github.io");
    const answer = await readProof("acme.github.io", stage.access(), signal);
    expect(answer.kind).toBe("complete");
    expect(everyServerLacks(answer, "any")).toBe(true);
    stage.dns.setRecords("_customdomains-challenge.acme.github.io", "TXT", ["right"]);
    expect(everyServerHas(await readProof("acme.github.io", stage.access(), signal), "right")).toBe(true);
  });

  test("below a provider's suffix that is not registered itself", async () => {
    expect(await readProof("acme.blogspot.com", stage.access(), signal)).toMatchObject({ reason: "NXDomain" });
  });
});
