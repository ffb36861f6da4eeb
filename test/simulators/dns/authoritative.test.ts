import { connect } from "node:net";
import { decode, type RecordType, streamEncode } from "dns-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkewedClock } from "../clock.ts";
import { type DnsSimulator, startDnsSimulator } from "./dns-simulator.ts";
import { NS1, NS2, nodeResolver, type RawQuery, rawExchange, rawQuery, rcode } from "./raw-query.ts";

let dns: DnsSimulator;

beforeEach(async () => {
  dns = await startDnsSimulator({ clock: new SkewedClock() });
  dns.addZone("acme.com", { negativeTTL: 60 });
});

afterEach(() => dns.close());

const ask = (name: string, type: RecordType, query: Partial<RawQuery> = {}) =>
  rawQuery({ server: NS1, ...query, name, type, port: dns.port });
const resolver = (server: string) => nodeResolver(server, dns.port);

describe("an authoritative server", () => {
  it("answers every type in the form node:dns expects", async () => {
    const long = "x".repeat(300);
    dns.setRecords("acme.com", "A", ["203.0.113.7", "203.0.113.8"]);
    dns.setRecords("acme.com", "AAAA", ["2001:db8::7"]);
    dns.setRecords("acme.com", "CAA", ['0 issue "letsencrypt.org"', "128 iodef mailto:a@acme.com"]);
    dns.setRecords("acme.com", "MX", ["10 mail.acme.com"]);
    dns.setRecords("acme.com", "TXT", ["one", ["two ", "parts"], long]);
    dns.setRecords("shop.acme.com", "CNAME", ["edge.example.net"]);
    const client = resolver(NS1);

    expect((await client.resolve4("acme.com")).sort()).toEqual(["203.0.113.7", "203.0.113.8"]);
    expect(await client.resolve6("acme.com")).toEqual(["2001:db8::7"]);
    expect(await client.resolveCaa("acme.com")).toMatchObject([
      { critical: 0, issue: "letsencrypt.org" },
      { critical: 128, iodef: "mailto:a@acme.com" },
    ]);
    expect(await client.resolveMx("acme.com")).toMatchObject([{ priority: 10, exchange: "mail.acme.com" }]);
    expect(await client.resolveTxt("acme.com")).toEqual([["one"], ["two ", "parts"], ["x".repeat(255), "x".repeat(45)]]);
    expect(await client.resolveCname("shop.acme.com")).toEqual(["edge.example.net"]);
    expect((await client.resolveNs("acme.com")).sort()).toEqual(["ns1.dns-sim.dev", "ns2.dns-sim.dev"]);
    expect(await client.resolveSoa("acme.com")).toMatchObject({ nsname: "ns1.dns-sim.dev", minttl: 60 });
  });

  it("sets AA, never RA, and keeps the spelling of the question", async () => {
    dns.setRecords("acme.com", "A", ["203.0.113.7"], { ttl: 42 });
    const answer = await ask("AcMe.CoM", "A");
    expect(answer).toMatchObject({
      flag_aa: true,
      flag_ra: false,
      answers: [{ name: "AcMe.CoM", ttl: 42, data: "203.0.113.7" }],
    });
  });

  it("refuses zones that it does not serve", async () => {
    dns.addZone("other.com", { servers: ["ns2.dns-sim.dev"] });
    expect(rcode(await ask("other.com", "A"))).toBe(5);
    expect(rcode(await ask("unknown.example", "A"))).toBe(5);
    expect(rcode(await ask("other.com", "NS", { server: NS2 }))).toBe(0);
  });

  it("tells NXDOMAIN from NODATA, and an empty non-terminal is NODATA", async () => {
    dns.setRecords("a.deep.acme.com", "A", ["203.0.113.7"]);
    const soa = [{ type: "SOA", name: "acme.com", ttl: 60 }];
    const nxdomain = await ask("missing.acme.com", "A");
    const nodata = await ask("a.deep.acme.com", "TXT");
    const nonTerminal = await ask("deep.acme.com", "A");
    expect([rcode(nxdomain), rcode(nodata), rcode(nonTerminal)]).toEqual([3, 0, 0]);
    for (const answer of [nxdomain, nodata, nonTerminal]) {
      expect(answer).toMatchObject({ flag_aa: true, answers: [], authorities: soa });
    }
    dns.removeRecord("a.deep.acme.com", "A");
    expect(rcode(await ask("deep.acme.com", "A"))).toBe(3);
  });

  it("announces the smaller of the SOA's TTL and its last field for a denial", async () => {
    dns.setRecords("acme.com", "SOA", ["ns1.dns-sim.dev hostmaster.acme.com 9 1 1 1 900"], { ttl: 30 });
    expect(await ask("missing.acme.com", "A")).toMatchObject({ authorities: [{ ttl: 30, data: { minimum: 900 } }] });
    expect(await ask("acme.com", "SOA")).toMatchObject({ answers: [{ ttl: 30 }] });
  });

  it("synthesises from a wildcard only below its closest encloser", async () => {
    dns.setRecords("*.acme.com", "TXT", ["wild"]);
    dns.setRecords("x.acme.com", "A", ["203.0.113.7"]);
    const client = resolver(NS1);
    expect(await client.resolveTxt("any.acme.com")).toEqual([["wild"]]);
    expect(await client.resolveTxt("two.labels.acme.com")).toEqual([["wild"]]);
    // x exists, so neither it nor names below it are covered (RFC 4592 section 2.2.1).
    await expect(client.resolveTxt("x.acme.com")).rejects.toMatchObject({ code: "ENODATA" });
    await expect(client.resolveTxt("below.x.acme.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(client.resolve4("any.acme.com")).rejects.toMatchObject({ code: "ENODATA" });
    expect(await ask("any.acme.com", "TXT")).toMatchObject({ answers: [{ name: "any.acme.com" }] });
  });

  it("follows a wildcard CNAME within the zone", async () => {
    dns.setRecords("*.acme.com", "CNAME", ["edge.acme.com"]);
    dns.setRecords("edge.acme.com", "A", ["203.0.113.7"]);
    expect(await ask("shop.acme.com", "A")).toMatchObject({
      answers: [
        { type: "CNAME", name: "shop.acme.com", data: "edge.acme.com" },
        { type: "A", name: "edge.acme.com" },
      ],
    });
  });

  it("answers a dangling CNAME inside the zone with NXDOMAIN and one that leaves it with the CNAME alone", async () => {
    dns.setRecords("in.acme.com", "CNAME", ["missing.acme.com"]);
    dns.setRecords("out.acme.com", "CNAME", ["edge.example.net"]);
    dns.setRecords("loop.acme.com", "CNAME", ["loop.acme.com"]);
    const inside = await ask("in.acme.com", "A");
    expect(rcode(inside)).toBe(3);
    expect(inside.answers).toHaveLength(1);
    const outside = await ask("out.acme.com", "A");
    expect(rcode(outside)).toBe(0);
    expect(outside).toMatchObject({ answers: [{ type: "CNAME" }], authorities: [] });
    expect(rcode(await ask("loop.acme.com", "A"))).toBe(0);
  });

  it("refers to a delegated child, with glue and without AA", async () => {
    dns.addZone("team.acme.com", { nameservers: [{ name: "ns.team.acme.com", address: NS2 }], servers: [NS2] });
    dns.setRecords("www.team.acme.com", "A", ["203.0.113.9"]);
    const referral = await ask("www.team.acme.com", "A");
    expect(referral).toMatchObject({
      flag_aa: false,
      answers: [],
      authorities: [{ type: "NS", name: "team.acme.com", data: "ns.team.acme.com" }],
      additionals: [{ type: "A", name: "ns.team.acme.com", data: NS2 }],
    });
    expect(await ask("www.team.acme.com", "A", { server: NS2 })).toMatchObject({
      flag_aa: true,
      answers: [{ data: "203.0.113.9" }],
    });
  });

  it("sends TC when the answer is too big and the whole answer by TCP", async () => {
    const values = Array.from({ length: 20 }, (_, index) => `${index}-${"v".repeat(60)}`);
    dns.setRecords("big.acme.com", "TXT", values);
    const plain = await ask("big.acme.com", "TXT");
    expect(plain).toMatchObject({ flag_tc: true, answers: [] });
    const larger = await ask("big.acme.com", "TXT", { edns: 4096 });
    expect(larger).toMatchObject({ flag_tc: false, additionals: [{ type: "OPT", udpPayloadSize: 1232 }] });
    expect(larger.answers).toHaveLength(20);
    expect((await resolver(NS1).resolveTxt("big.acme.com")).flat().sort()).toEqual([...values].sort());
    expect(dns.counters.total({ server: "ns1.dns-sim.dev", name: "big.acme.com", transport: "tcp" })).toBe(1);
  });

  it("serves several queries on one TCP connection, however they are cut", async () => {
    dns.setRecords("acme.com", "A", ["203.0.113.7"]);
    const query = (id: number) => streamEncode({ type: "query", id, questions: [{ name: "acme.com", type: "A" }] });
    const bytes = Buffer.concat([query(1), query(2)]);
    const ids = await new Promise<number[]>((resolve, reject) => {
      const socket = connect(dns.port, NS1);
      let received = Buffer.alloc(0);
      const seen: number[] = [];
      socket.on("error", reject);
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
          const length = received.readUInt16BE(0);
          seen.push(decode(received.subarray(2, 2 + length)).id ?? -1);
          received = received.subarray(2 + length);
        }
        if (seen.length === 2) {
          socket.destroy();
          resolve(seen);
        }
      });
      socket.write(bytes.subarray(0, 7), () => socket.write(bytes.subarray(7)));
    });
    expect(ids.sort()).toEqual([1, 2]);
  });

  it("answers FORMERR to garbage", async () => {
    const garbage = Buffer.from("abcd0100000100000000000055", "hex");
    const answer = await rawExchange(garbage, NS1, dns.port);
    expect(rcode(decode(answer))).toBe(1);
    expect(decode(answer).id).toBe(0xabcd);
  });

  it("refuses what no zone may hold", () => {
    dns.setRecords("acme.com", "A", ["203.0.113.7"]);
    expect(() => dns.setRecords("acme.com", "CNAME", ["edge.example.net"])).toThrow(RangeError);
    expect(() => dns.setRecords("nowhere.example", "A", ["203.0.113.7"])).toThrow(RangeError);
    expect(() => dns.setRecords("x.acme.com", "A", ["not an address"])).toThrow(RangeError);
    expect(() => dns.setRecords(`${"l".repeat(64)}.acme.com`, "A", ["203.0.113.7"])).toThrow(RangeError);
    expect(() => dns.addZone("acme.com")).toThrow(RangeError);
  });
});
