import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type DesiredInput, desiredRecords } from "../core/desired-records.ts";
import { diffRecords } from "../core/records.ts";
import { discover } from "./discover.ts";
import { ProofStage } from "./proof.testing.ts";
import { everyServerHas, everyServerLacks, readProof } from "./proof.ts";
import type { DnsAccess } from "./resolver.ts";

const TARGET = "edge.saas-platform.net";
const NS1 = "127.0.0.11";

let stage: ProofStage;
let packets = 0;
const signal = new AbortController().signal;

beforeAll(async () => {
  stage = await ProofStage.start();
  stage.dns.addZone("saas-platform.net");
  stage.dns.setRecords(TARGET, "A", ["127.0.0.21"]);
});
afterAll(() => stage.dns.close());
afterEach(() => stage.dns.clearFaults());

/** Every packet has an id of its own: two random bytes. */
function counting(): DnsAccess {
  packets = 0;
  const countedBytes = (size: number): Uint8Array => {
    packets += size === 2 ? 1 : 0;
    return randomBytes(size);
  };
  return { ...stage.access(), randomBytes: countedBytes };
}

/** The proof at the end of `hops` CNAMEs within the domain, each into a zone of its own, which no server follows by itself. */
function chain(hops: number, servers = [stage.dns.registry, stage.dns.stranger]) {
  const { domain, host, name, value } = stage.zone();
  let from = name;
  for (let hop = 1; hop <= hops; hop += 1) {
    const zone = `z${hop}.${domain}`;
    stage.dns.addZone(zone, { servers: servers.map((server) => server.name), nameservers: servers });
    stage.dns.setRecords(from, "CNAME", [`p.${zone}`]);
    from = `p.${zone}`;
  }
  stage.dns.setRecords(from, "TXT", [value]);
  return { domain, host, value };
}

describe("the look for a proof", () => {
  test("takes 5 questions where nothing is published, and 7 where the record is", async () => {
    const { host, name, value } = stage.zone();
    await readProof(host, counting(), signal);
    expect(packets).toBe(5);
    stage.dns.setRecords(name, "TXT", [value]);
    await readProof(host, counting(), signal);
    expect(packets).toBe(7);
  });

  test("follows three CNAMEs through as many zones", async () => {
    const { host, value } = chain(3);
    expect(everyServerHas(await readProof(host, counting(), signal), value)).toBe(true);
    expect(packets).toBeLessThanOrEqual(32);
  });

  test("ends after 32 questions, and then nothing is known", async () => {
    const { host, value } = chain(8);
    const answer = await readProof(host, counting(), signal);
    expect(packets).toBe(32);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "LookLimitReached" });
    expect([everyServerHas(answer, value), everyServerLacks(answer, value)]).toEqual([false, false]);
  });

  test("ends after 5 s, and a server that there was no time for has not stayed silent", async () => {
    const { domain, host, value } = chain(8, [...stage.dns.nameservers]);
    stage.dns.addFault({ server: NS1, kind: "delay", delayMs: 700, name: domain, type: "TXT" });
    const answer = await readProof(host, stage.access(), signal);
    expect(answer).toMatchObject({ kind: "incomplete", reason: "LookLimitReached" });
    expect(everyServerHas(answer, value)).toBe(false);
  });
});

describe("the look at the records", () => {
  const row = (hostname: string): DesiredInput["rows"][number] => ({
    hostname,
    status: "pending",
    ownershipVerification: { type: "txt", name: `_cf-custom-hostname.${hostname}`, value: "0e2d5a7f" },
    ssl: {
      status: "pending_validation",
      certificateAuthority: "google",
      validationRecords: [{ kind: "txt", name: `_acme-challenge.${hostname}`, value: "token", status: "pending" }],
      dcvDelegationRecords: [],
    },
  });

  const desiredFor = (name: string, domain: string, rows: DesiredInput["rows"], isApex = false) =>
    desiredRecords({
      hostname: { name, registrableDomain: domain, isApex, wwwTwin: isApex ? `www.${name}` : undefined },
      proof: { name: `_customdomains-challenge.${name}`, value: "customdomains-verify=x" },
      dns: { target: TARGET, acceptedTargets: [], apex: { mode: "Flattening", addresses: [] } },
      rows,
    });

  test("takes fewer than 64 questions of an apex with its www and everything that Cloudflare asks for", async () => {
    const { domain } = stage.zone();
    const desired = desiredFor(domain, domain, [row(domain), row(`www.${domain}`)], true);
    const found = await discover(desired, undefined, counting(), signal);
    expect(packets).toBeLessThan(64);
    expect(
      diffRecords(desired, found)
        .filter(({ state }) => state === "Unknown")
        .map(({ purpose }) => purpose),
    ).toEqual(["Ownership"]);
  });

  test("takes 12 questions of a new name, and asks nothing again that the same pass has seen", async () => {
    const { domain, host } = stage.zone();
    const first = await discover(desiredFor(host, domain, []), undefined, counting(), signal);
    const before = packets;
    const again = await discover(desiredFor(host, domain, []), undefined, counting(), signal, first);
    expect([before, packets]).toEqual([12, 0]);
    expect(again).toEqual(first);
  });

  test("finds the CAA set of a name with ten labels", async () => {
    const { domain } = stage.zone();
    const name = `a.b.c.d.e.f.g.h.${domain}`;
    stage.dns.setRecords(domain, "CAA", ['0 issue ";"']);
    const desired = desiredFor(name, domain, [row(name)]);
    const rows = diffRecords(desired, await discover(desired, undefined, stage.access(), signal));
    expect(rows.find(({ type }) => type === "CAA")).toMatchObject({ name: domain, reason: "CAAForbids" });
  });

  test("says of a name that takes too many questions that it is not known, never that all is well", async () => {
    const { domain } = stage.zone();
    const name = `${"a.".repeat(100)}${domain}`;
    const desired = desiredFor(name, domain, [row(name)]);
    const rows = diffRecords(desired, await discover(desired, undefined, counting(), signal));
    expect(packets).toBe(96);
    expect(rows.find(({ type }) => type === "CAA")).toMatchObject({ state: "Unknown", reason: "CAAUnreachable" });
  });
});
