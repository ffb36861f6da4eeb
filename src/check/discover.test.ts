import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type DnsSimulator, startDnsSimulator } from "../../test/simulators/dns/dns-simulator.ts";
import { type DesiredInput, desiredRecords, type RowRecords } from "../core/desired-records.ts";
import { diffRecords, dnsCondition } from "../core/records.ts";
import { systemClock } from "../runtime/clock.ts";
import { discover } from "./discover.ts";
import { proofRecord, readProof } from "./proof.ts";
import type { DnsAccess } from "./resolver.ts";

const TARGET = "edge.saas-platform.net";
const RESOLVER = "resolver.dns-sim.dev";
let simulator: DnsSimulator;
let serial = 0;
let domain: string;
let host: string;
let proof: { name: string; value: string };
const signal = new AbortController().signal;

beforeAll(async () => {
  simulator = await startDnsSimulator({ clock: systemClock });
  simulator.addZone("saas-platform.net");
  simulator.setRecords(TARGET, "A", ["127.0.0.21"]);
});
afterAll(() => simulator.close());
afterEach(() => simulator.clearFaults());
beforeEach(() => {
  domain = `acme-${++serial}.com`;
  simulator.addZone(domain, { negativeTTL: 120 });
  host = `shop.${domain}`;
  proof = proofRecord({ issuer: "acme-production", tenant: "tenant-a", hostname: host });
});

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

async function look(more: Partial<DesiredInput> = {}, dns: Partial<DnsAccess["dns"]> = {}) {
  const desired = desiredRecords({
    hostname: { name: host, registrableDomain: domain, isApex: false, wwwTwin: undefined },
    proof,
    dns: { target: TARGET, acceptedTargets: [], apex: { mode: "Flattening", addresses: [] } },
    rows: [],
    ...more,
  });
  const answer = await readProof(host, access(dns), signal);
  const rows = diffRecords(desired, await discover(desired, answer, access(dns), signal));
  return {
    rows,
    condition: dnsCondition(rows, desired),
    row: (type: string, name: string) => rows.find((each) => each.type === type && each.name === name),
  };
}

describe("discover", () => {
  test("nothing published: what to add, and for how long resolvers may remember its absence", async () => {
    const { rows, condition } = await look();
    expect(rows.map(({ state, reason }) => [state, reason])).toEqual([
      ["Missing", "RecordMissing"],
      ["Missing", "RecordMissing"],
    ]);
    expect(condition.message).toContain("120 s");
  });

  test("asks no resolver about names that do not exist yet", async () => {
    await look();
    for (const name of [host, proof.name]) expect(simulator.counters.total({ name, server: RESOLVER })).toBe(0);
  });

  test.each(["Authoritative", "Recursive"] as const)("everything right, mode %s", async (mode) => {
    simulator.setRecords(host, "CNAME", [TARGET]);
    simulator.setRecords(proof.name, "TXT", [proof.value]);
    const { rows, condition } = await look({}, { mode });
    expect(rows.map(({ state }) => state)).toEqual(["Ok", "Ok"]);
    expect(condition.status).toBe("True");
  });

  test("a flattened CNAME is recognised by the target's addresses", async () => {
    simulator.setRecords(host, "A", ["127.0.0.21"]);
    expect((await look()).condition.status).toBe("True");
    simulator.setRecords(host, "A", ["127.0.0.22"]);
    expect((await look()).condition).toMatchObject({ status: "False", reason: "WrongRecord" });
  });

  test("an alias of an alias outside the domain", async () => {
    simulator.setRecords(host, "CNAME", ["alias.saas-platform.net"]);
    simulator.setRecords("alias.saas-platform.net", "CNAME", [TARGET]);
    expect((await look()).condition.status).toBe("True");
  });

  test("records that ended up under a doubled zone", async () => {
    simulator.setRecords(`${host}.${domain}`, "CNAME", [TARGET]);
    simulator.setRecords(`${proof.name}.${domain}`, "TXT", [proof.value]);
    const { rows } = await look();
    expect(rows.map(({ name, state, reason }) => [name, state, reason])).toEqual([
      [proof.name, "Missing", "DoubledZone"],
      [`${proof.name}.${domain}`, "Extra", "DoubledZone"],
      [host, "Missing", "DoubledZone"],
      [`${host}.${domain}`, "Extra", "DoubledZone"],
    ]);
  });

  test("a TXT at the host itself", async () => {
    simulator.setRecords(host, "TXT", [proof.value]);
    expect((await look()).row("TXT", proof.name)).toMatchObject({
      reason: "WrongName",
      message: expect.stringContaining(`at ${host} instead of`),
    });
  });

  test("servers that disagree", async () => {
    simulator.setRecords(host, "CNAME", [TARGET], { server: "127.0.0.11" });
    expect((await look()).condition).toMatchObject({
      reason: "Propagating",
      message: expect.stringContaining("ns2.dns-sim.dev (127.0.0.12) not yet"),
    });
  });

  test("silent name servers leave it unknown", async () => {
    for (const server of ["127.0.0.11", "127.0.0.12"]) simulator.addFault({ server, kind: "servfail", name: domain });
    expect((await look()).condition).toMatchObject({ status: "Unknown", reason: "AuthoritativeUnreachable" });
  });

  test("wrong signatures leave it unknown", async () => {
    simulator.addFault({ server: "127.0.0.10", kind: "dnssec-bogus", name: domain });
    expect((await look()).condition).toMatchObject({ status: "Unknown", reason: "DNSSECBogus" });
  });

  test("a domain that is not registered", async () => {
    domain = "never-registered.com";
    host = `shop.${domain}`;
    proof = { ...proof, name: `_customdomains-challenge.${host}` };
    const { rows, condition } = await look();
    expect(condition).toMatchObject({ status: "False", reason: "NXDomain" });
    expect(rows.map(({ reason }) => reason)).toEqual(["NXDomain", "NXDomain"]);
  });

  test("a resolver that remembers the absence", async () => {
    await fetchOnce(host);
    simulator.setRecords(host, "CNAME", [TARGET]);
    expect((await look()).condition).toMatchObject({ status: "False", reason: "NegativeCached" });
    simulator.flush();
    expect((await look()).condition.status).toBe("True");
  });

  describe("with a row at Cloudflare", () => {
    const challenge = () => `_acme-challenge.${host}`;
    const rowsOf = (): readonly RowRecords[] => [
      {
        hostname: host,
        status: "pending",
        ownershipVerification: undefined,
        ssl: {
          status: "pending_validation",
          certificateAuthority: "google",
          validationRecords: [{ kind: "txt", name: challenge(), value: "token", status: "pending" }],
          dcvDelegationRecords: [],
        },
      },
    ];

    test("a CNAME at the challenge name conflicts, wherever it leads", async () => {
      simulator.setRecords(challenge(), "CNAME", [`validation.${domain}`]);
      simulator.setRecords(`validation.${domain}`, "TXT", ["token"]);
      const { row } = await look({ rows: rowsOf() });
      expect(row("CNAME", challenge())).toMatchObject({ state: "Extra", reason: "ConflictingChallengeRecord" });
      expect(row("TXT", challenge())).toMatchObject({ state: "Missing", reason: "ConflictingChallengeRecord" });
    });

    test("CAA is climbed to the first set found", async () => {
      simulator.setRecords(domain, "CAA", ['0 issue "letsencrypt.org"']);
      expect((await look({ rows: rowsOf() })).row("CAA", domain)).toMatchObject({ reason: "CAAForbids" });
      simulator.setRecords(host, "CAA", ['0 issue "pki.goog"']);
      simulator.flush();
      expect((await look({ rows: rowsOf() })).row("CAA", domain)).toBeUndefined();
    });

    test("CAA that cannot be read forbids issuance, and is told", async () => {
      for (const server of ["127.0.0.11", "127.0.0.12"])
        simulator.addFault({ server, kind: "servfail", name: domain, type: "CAA" });
      expect((await look({ rows: rowsOf() })).row("CAA", host)).toMatchObject({ state: "Unknown", reason: "CAAUnreachable" });
    });
  });
});

/** A visitor who came too early. */
async function fetchOnce(name: string): Promise<void> {
  const desired = desiredRecords({
    hostname: { name: `other.${domain}`, registrableDomain: domain, isApex: false, wwwTwin: undefined },
    proof: undefined,
    dns: { target: name, acceptedTargets: [], apex: { mode: "Flattening", addresses: [] } },
    rows: [],
  });
  await discover(desired, undefined, access(), signal);
}
