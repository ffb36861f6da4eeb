import type { RecordType } from "dns-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SkewedClock } from "../clock.ts";
import { type DnsSimulator, startDnsSimulator } from "./dns-simulator.ts";
import { NS1, NS2, nodeResolver, RECURSIVE, rawQuery, rcode } from "./raw-query.ts";

const REGISTRY = "127.0.0.13";
const STRANGER = "127.0.0.14";

let dns: DnsSimulator;

beforeEach(async () => {
  dns = await startDnsSimulator({ clock: new SkewedClock() });
  dns.addZone("acme.com", { negativeTTL: 60 });
  dns.addTLD("com");
});

afterEach(() => dns.close());

const ask = (server: string, name: string, type: RecordType) => rawQuery({ server, name, type, port: dns.port });

describe("a registry", () => {
  it("denies with authority what is not registered, and resolvers say so in its name", async () => {
    const denial = await ask(REGISTRY, "shop.unregistered.com", "TXT");
    expect(rcode(denial)).toBe(3);
    expect(denial).toMatchObject({ flag_aa: true, authorities: [{ type: "SOA", name: "com", ttl: 900 }] });
    const answer = await ask(RECURSIVE, "unregistered.com", "NS");
    expect(rcode(answer)).toBe(3);
    expect(answer).toMatchObject({ authorities: [{ type: "SOA", name: "com" }] });
  });

  it("refers to the servers of what is registered, whenever that was", async () => {
    dns.addZone("later.com");
    for (const zone of ["acme.com", "later.com"]) {
      const referral = await ask(REGISTRY, `shop.${zone}`, "A");
      expect(referral).toMatchObject({ flag_aa: false, answers: [] });
      expect(referral.authorities?.map(({ type, name }) => [type, name])).toEqual([
        ["NS", zone],
        ["NS", zone],
      ]);
    }
    dns.setRecords("later.com", "A", ["203.0.113.7"]);
    expect(await nodeResolver(RECURSIVE, dns.port).resolve4("later.com")).toEqual(["203.0.113.7"]);
  });

  it("is asked by nobody about other zones, and serves none of them", async () => {
    expect(rcode(await ask(REGISTRY, "acme.com", "SOA"))).toBe(0);
    expect((await ask(REGISTRY, "acme.com", "SOA")).flag_aa).toBe(false);
    expect(rcode(await ask(REGISTRY, "acme.se", "SOA"))).toBe(5);
    expect(await nodeResolver(RECURSIVE, dns.port).resolve4("registry.dns-sim.dev")).toEqual([REGISTRY]);
  });
});

describe("a referral that one server makes up", () => {
  const NAME = "_proof.shop.acme.com";

  it("leads to a server that nobody delegated to", async () => {
    dns.addZone(NAME, { servers: [STRANGER], nameservers: [dns.stranger], delegated: false });
    dns.setRecords(NAME, "TXT", ["planted"], { server: STRANGER });
    dns.addFault({ server: NS2, kind: "referral", name: NAME, to: { zone: NAME, nameservers: [dns.stranger] } });
    expect(await ask(NS2, NAME, "TXT")).toMatchObject({
      flag_aa: false,
      answers: [],
      authorities: [{ type: "NS", name: NAME, data: dns.stranger.name }],
      additionals: [{ type: "A", data: STRANGER }],
    });
    expect(await ask(STRANGER, NAME, "TXT")).toMatchObject({ flag_aa: true, answers: [{ type: "TXT" }] });
    expect(rcode(await ask(NS1, NAME, "TXT"))).toBe(3);
    expect(rcode(await ask(NS2, "other.shop.acme.com", "TXT"))).toBe(3);
  });
});
