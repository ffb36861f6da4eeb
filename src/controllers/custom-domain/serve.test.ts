import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { platform } from "../../../test/simulators/platform.ts";
import { ANNOTATION_RECHECK } from "../../api/v1/group.ts";
import { ClaimBench } from "../claim-bench.fixture.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const SHOP = "alice/shop";

let bench: ClaimBench;

beforeAll(async () => {
  bench = await ClaimBench.start();
  bench.putNamespace("alice");
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => bench.clear());
afterEach(() => {
  bench.world.dns.clearFaults();
  bench.world.dns.flush();
});

const status = () => bench.domain(SHOP)?.status;
const says = (type: string) => {
  const { status, reason, message } = bench.condition(SHOP, type) ?? {};
  return { status, reason, message };
};
const servers = (): readonly string[] => bench.world.dns.nameservers.map(({ address }) => address);
const routing = (name: string): number => bench.world.dns.counters.total({ name, type: "AAAA" });
const requests = (name: string): number => bench.world.edge.counters().requests[`https ${name}`] ?? 0;

describe("a suspended domain", () => {
  it("gets no hostname, however proven it is", async () => {
    const name = "new.alice-pottery.se";
    bench.putDomain(SHOP, { domain: name, suspend: true });
    bench.publishProof("alice", name);
    await bench.until("it to be proven", () => bench.claim(name)?.spec.state === "Proven");
    for (let round = 0; round < 3; round += 1) await bench.round(MINUTE_MS);
    expect([bench.hostnames(), bench.world.cloudflare.ledger().posts]).toEqual([[], 0]);
    expect(says("HostnameActive").reason).toBe("Suspended");
    bench.putDomain(SHOP, { domain: name });
    await bench.until("its hostname", () => bench.hostnames().includes(name));
  });

  it("is not looked at, while its proof still is", async () => {
    const name = "looked.alice-pottery.se";
    await bench.connect(SHOP, name);
    bench.putDomain(SHOP, { domain: name, suspend: true });
    await bench.round();
    const before = [routing(name), requests(name)];
    const proofs = bench.world.dns.counters.total({ name: bench.proofOf("alice", name).name });
    for (let day = 0; day < 3; day += 1) await bench.round(DAY_MS);
    expect([routing(name), requests(name)]).toEqual(before);
    expect(bench.world.dns.counters.total({ name: bench.proofOf("alice", name).name })).toBeGreaterThan(proofs);
    expect([says("Paused").status, says("Ready").status]).toEqual(["True", "True"]);
    bench.putDomain(SHOP, { domain: name });
    await bench.round();
    expect([routing(name) > (before[0] ?? 0), requests(name) > (before[1] ?? 0)]).toEqual([true, true]);
  });

  it("is not changed at Cloudflare, and then it is", async () => {
    const name = "changed.alice-pottery.se";
    await bench.connect(SHOP, name);
    const before = bench.world.cloudflare.ledger().patches;
    const spec = { domain: name, ssl: { minTLSVersion: "1.3" } };
    bench.putDomain(SHOP, { ...spec, suspend: true });
    for (let round = 0; round < 3; round += 1) await bench.round(DAY_MS);
    expect(bench.world.cloudflare.ledger().patches - before).toBe(0);
    bench.putDomain(SHOP, spec);
    await bench.until("the change", () => bench.world.cloudflare.ledger().patches - before === 1);
  });
});

describe("while DNS cannot be read,", () => {
  it("a live domain stays as it is", async () => {
    const name = "outage.alice-pottery.se";
    await bench.connect(SHOP, name);
    for (const server of servers()) bench.world.dns.addFault({ server, kind: "servfail", name });
    bench.putDomain(SHOP, { domain: name }, { annotations: { [ANNOTATION_RECHECK]: "now" } });
    await bench.world.pass(MINUTE_MS);
    await bench.reconcile(SHOP);
    expect(status()?.lastHandledRecheck).toBe("now");
    expect(says("DNSConfigured")).toMatchObject({ status: "True", reason: "RecordsCorrect" });
    expect([says("OwnershipVerified").status, says("Ready").status]).toEqual(["True", "True"]);
    expect(status()?.dnsRecords?.map(({ state }) => state)).toContain("Unknown");
  });

  it("a new domain says why, in every place where a person looks", async () => {
    const name = "bogus.alice-signs.se";
    bench.world.dns.addZone("alice-signs.se");
    bench.world.dns.addFault({ server: bench.resolver, kind: "dnssec-bogus", name: "alice-signs.se" });
    bench.putDomain(SHOP, { domain: name });
    await bench.round();
    for (const type of ["OwnershipVerified", "DNSConfigured"])
      expect(says(type)).toMatchObject({ status: "Unknown", reason: "DNSSECBogus" });
    expect(says("Ready")).toMatchObject({ status: "False", reason: "DNSSECBogus" });
    expect(says("Reconciling")).toMatchObject({ status: "True", reason: "DNSSECBogus" });
    expect(status()?.checkError).toContain("DNSSEC");
    expect(status()?.checkError).toContain(bench.proofOf("alice", name).value);
    expect(bench.claim(name)?.spec.state).toBe("Pending");
    bench.world.dns.clearFaults();
    await bench.until("it to be read", () => says("DNSConfigured").reason === "RecordMissing");
    expect(says("Ready").reason).toBe("AwaitingProof");
  });

  it("a domain that was wrong before says why it cannot be told now", async () => {
    const name = "wrong.alice-pottery.se";
    bench.putDomain(SHOP, { domain: name });
    bench.world.publish([{ type: "CNAME", name, value: "elsewhere.other-store.net" }]);
    await bench.until("it to be told", () => says("DNSConfigured").reason === "WrongRecord");
    for (const server of servers()) bench.world.dns.addFault({ server, kind: "refused", name });
    const since = status()?.schedule?.since;
    await bench.until("the cause to be told", () => says("DNSConfigured").reason === "AuthoritativeUnreachable");
    expect(says("DNSConfigured").status).toBe("Unknown");
    // An outage is no change of DNS: the schedule goes on.
    expect(status()?.schedule?.since).toBe(since);
  });

  it("a domain that nobody registered is told to be registered", async () => {
    bench.world.dns.addTLD("fi");
    bench.putDomain(SHOP, { domain: "shop.alice-unregistered.fi" });
    await bench.round();
    expect(says("OwnershipVerified")).toMatchObject({ status: "False", reason: "NXDomain" });
    expect(says("DNSConfigured")).toMatchObject({ status: "False", reason: "NXDomain" });
    expect(says("Ready").message).toContain("register it");
  });
});

describe("a wrong record of the proof", () => {
  it("is told in the condition, with what is wrong", async () => {
    const name = "quoted.alice-pottery.se";
    bench.putDomain(SHOP, { domain: name });
    const proof = bench.proofOf("alice", name);
    await bench.round();
    expect(says("OwnershipVerified").reason).toBe("AwaitingProof");
    bench.world.publish([{ type: "TXT", name: proof.name, value: `"${proof.value}"` }]);
    await bench.until("it to be told", () => says("OwnershipVerified").reason === "QuotedValue");
    expect(says("Ready")).toMatchObject({ reason: "QuotedValue", message: expect.stringContaining(proof.value) });
    // Seen by a look; without one it stands.
    await bench.reconcile(SHOP);
    expect(says("OwnershipVerified").reason).toBe("QuotedValue");
  });
});

describe("a www twin that does not redirect", () => {
  it("is told on Routed, and takes nothing from the domain", async () => {
    const name = "alice-redirects.se";
    const twin = `www.${name}`;
    await bench.connect(SHOP, name);
    bench.world.publish([{ type: "CNAME", name: twin, value: platform.target }]);
    await bench.until("the twin to be served", () => requests(twin) > 0, MINUTE_MS);
    expect(says("Routed")).toMatchObject({ status: "True", reason: "Routed" });
    bench.world.edge.setRedirect(twin, "elsewhere.other-store.net");
    await bench.until("it to be told", () => says("Routed").reason === "RedirectMissing", DAY_MS);
    const message = expect.stringContaining(`${twin} redirects, but not to the same path of https://${name}`);
    expect(says("Routed")).toMatchObject({ status: "True", message });
    expect([says("Ready").status, status()?.checkError]).toEqual(["True", undefined]);
    bench.world.edge.setRedirect(twin, name);
    await bench.until("it to be well", () => says("Routed").reason === "Routed", DAY_MS);
    bench.world.edge.setFault(twin, "drop");
    await bench.until("that nobody answers", () => says("Routed").reason === "RedirectMissing", DAY_MS);
    expect(says("Ready").status).toBe("True");
    // What is wrong with the domain itself comes first.
    bench.world.edge.setFault(name, "foreign-page");
    await bench.until("that to be told", () => says("Routed").status === "False", DAY_MS);
    expect(says("Routed").reason).toBe("NotOurs");
    for (const hostname of [name, twin]) bench.world.edge.setFault(hostname, undefined);
  });
});
