import type { RecordType } from "dns-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkewedClock } from "../clock.ts";
import { type DnsSimulator, startDnsSimulator } from "./dns-simulator.ts";
import { NS1, NS2, nodeResolver, type RawQuery, RECURSIVE, rawQuery, rcode } from "./raw-query.ts";

let clock: SkewedClock;
let dns: DnsSimulator;

beforeEach(async () => {
  clock = new SkewedClock();
  dns = await startDnsSimulator({ clock });
  dns.addZone("acme.com", { negativeTTL: 60 });
});

afterEach(() => dns.close());

const ask = (name: string, type: RecordType, query: Partial<RawQuery> = {}) =>
  rawQuery({ server: NS1, ...query, name, type, port: dns.port });
const resolver = (server: string = RECURSIVE) => nodeResolver(server, dns.port);

describe("the recursive server", () => {
  it("follows CNAMEs across zones and sets RA, not AA", async () => {
    dns.addZone("edge.example");
    dns.setRecords("shop.acme.com", "CNAME", ["cdn.edge.example"]);
    dns.setRecords("cdn.edge.example", "CNAME", ["pop.edge.example"]);
    dns.setRecords("pop.edge.example", "A", ["203.0.113.7"]);
    const answer = await ask("shop.acme.com", "A", { server: RECURSIVE });
    expect(answer).toMatchObject({ flag_ra: true, flag_aa: false });
    expect(answer.answers?.map((record) => record.name)).toEqual(["shop.acme.com", "cdn.edge.example", "pop.edge.example"]);
    expect(await resolver().resolve4("shop.acme.com")).toEqual(["203.0.113.7"]);
    expect(await resolver().resolveCname("shop.acme.com")).toEqual(["cdn.edge.example"]);
  });

  it("refuses a query without RD", async () => {
    expect(rcode(await ask("acme.com", "A", { server: RECURSIVE, recursion: false }))).toBe(5);
  });

  it("resolves the names of the servers themselves from the start", async () => {
    expect(await resolver().resolve4("ns1.dns-sim.dev")).toEqual([NS1]);
    expect(await resolver().resolve4("ns2.dns-sim.dev")).toEqual([NS2]);
    expect(await resolver().resolveNs("acme.com")).toContain("ns1.dns-sim.dev");
  });

  it("says NXDOMAIN, with the SOA of the root, outside every zone", async () => {
    const answer = await ask("nowhere.example", "A", { server: RECURSIVE });
    expect(rcode(answer)).toBe(3);
    expect(answer).toMatchObject({ authorities: [{ type: "SOA", name: "." }] });
  });

  it("asks the authoritative servers in turn and caches by TTL", async () => {
    dns.setRecords("acme.com", "A", ["203.0.113.7"], { ttl: 30 });
    dns.setRecords("b.acme.com", "A", ["203.0.113.8"], { ttl: 30 });
    await resolver().resolve4("acme.com");
    await resolver().resolve4("b.acme.com");
    expect(dns.counters.total({ server: "ns1.dns-sim.dev" })).toBe(1);
    expect(dns.counters.total({ server: "ns2.dns-sim.dev" })).toBe(1);

    dns.setRecords("acme.com", "A", ["203.0.113.9"], { ttl: 30 });
    clock.advance(20_000);
    const aged = await ask("acme.com", "A", { server: RECURSIVE });
    expect(aged).toMatchObject({ answers: [{ data: "203.0.113.7" }] });
    expect(aged.answers?.[0]).toSatisfy((record: { ttl: number }) => record.ttl <= 10 && record.ttl >= 8);
    clock.advance(11_000);
    expect(await resolver().resolve4("acme.com")).toEqual(["203.0.113.9"]);
  });

  it("remembers a denial for the SOA minimum, per type for NODATA and for the whole name for NXDOMAIN", async () => {
    await expect(resolver().resolveTxt("late.acme.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
    dns.setRecords("late.acme.com", "TXT", ["here"]);
    await expect(resolver().resolveTxt("late.acme.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(resolver().resolve4("late.acme.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(await resolver(NS1).resolveTxt("late.acme.com")).toEqual([["here"]]);
    clock.advance(61_000);
    expect(await resolver().resolveTxt("late.acme.com")).toEqual([["here"]]);
    await expect(resolver().resolve4("late.acme.com")).rejects.toMatchObject({ code: "ENODATA" });
    dns.setRecords("late.acme.com", "A", ["203.0.113.7"]);
    await expect(resolver().resolve4("late.acme.com")).rejects.toMatchObject({ code: "ENODATA" });
    expect(await resolver().resolveTxt("late.acme.com")).toEqual([["here"]]);
    dns.flush();
    expect(await resolver().resolve4("late.acme.com")).toEqual(["203.0.113.7"]);
  });

  it("counts the announced TTL of a cached denial down", async () => {
    await ask("late.acme.com", "A", { server: RECURSIVE });
    clock.advance(25_000);
    const answer = await ask("late.acme.com", "A", { server: RECURSIVE });
    expect(answer.authorities?.[0]).toSatisfy((record: { ttl: number }) => record.ttl <= 35 && record.ttl >= 33);
  });

  it.each(["ns.sub.parent.dev", "ns.glueless.dev"])(
    "follows a referral to %s, with glue or by looking its address up",
    async (host) => {
      dns.addZone("glueless.dev", { servers: [NS2], nameservers: [{ name: "ns.glueless.dev", address: NS2 }] });
      dns.addZone("parent.dev", { servers: [NS1], nameservers: [{ name: "ns1.dns-sim.dev", address: NS1 }] });
      dns.addZone("sub.parent.dev", { servers: [NS2], nameservers: [{ name: host, address: NS2 }] });
      dns.setRecords("www.sub.parent.dev", "A", ["203.0.113.9"]);
      expect(await resolver().resolve4("www.sub.parent.dev")).toEqual(["203.0.113.9"]);
      expect(dns.counters.total({ server: "ns1.dns-sim.dev", name: "www.sub.parent.dev" })).toBe(1);
      expect(dns.counters.total({ server: "ns2.dns-sim.dev", name: "www.sub.parent.dev" })).toBe(1);
      expect(dns.counters.total({ name: host })).toBe(host === "ns.glueless.dev" ? 1 : 0);
    },
  );

  it("follows an alias into a delegated zone", async () => {
    dns.addZone("sub.parent.dev", { nameservers: [{ name: "ns2.dns-sim.dev" }], servers: [NS2] });
    dns.addZone("parent.dev", { servers: [NS1], nameservers: [{ name: "ns1.dns-sim.dev" }] });
    dns.setRecords("www.parent.dev", "CNAME", ["www.sub.parent.dev"]);
    dns.setRecords("www.sub.parent.dev", "A", ["203.0.113.9"]);
    expect(await resolver().resolve4("www.parent.dev")).toEqual(["203.0.113.9"]);
  });

  it("gives up on a lame delegation and on one to an address outside this machine", async () => {
    dns.setRecords("lame.acme.com", "NS", ["ns.lame.acme.com"]);
    dns.setRecords("ns.lame.acme.com", "A", ["127.0.0.99"]);
    dns.setRecords("gone.acme.com", "NS", ["ns.gone.acme.com"]);
    dns.setRecords("ns.gone.acme.com", "A", ["203.0.113.200"]);
    await expect(resolver().resolve4("www.lame.acme.com")).rejects.toMatchObject({ code: "ESERVFAIL" });
    await expect(resolver().resolve4("www.gone.acme.com")).rejects.toMatchObject({ code: "ESERVFAIL" });
  });

  it("gets big answers by TCP", async () => {
    const values = Array.from({ length: 40 }, (_, index) => `${index}-${"v".repeat(60)}`);
    dns.setRecords("big.acme.com", "TXT", values);
    expect((await resolver().resolveTxt("big.acme.com")).flat().sort()).toEqual([...values].sort());
    expect(dns.counters.total({ name: "big.acme.com", transport: "tcp" })).toBe(2);
  });

  it("gives up on a loop of aliases", async () => {
    dns.addZone("edge.example");
    dns.setRecords("a.acme.com", "CNAME", ["a.edge.example"]);
    dns.setRecords("a.edge.example", "CNAME", ["a.acme.com"]);
    expect(rcode(await ask("a.acme.com", "A", { server: RECURSIVE }))).toBe(2);
  });
});
