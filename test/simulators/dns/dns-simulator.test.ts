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

describe("faults", () => {
  it("let the servers disagree", async () => {
    dns.setRecords("acme.com", "TXT", ["new"]);
    dns.setRecords("acme.com", "TXT", ["old"], { server: "ns2.dns-sim.dev" });
    dns.addRecord("acme.com", "TXT", "extra", { server: NS2 });
    expect(await resolver(NS1).resolveTxt("acme.com")).toEqual([["new"]]);
    expect(await resolver(NS2).resolveTxt("acme.com")).toEqual([["old"], ["extra"]]);
    expect(dns.records().filter((record) => record.type === "TXT")).toEqual([
      { zone: "acme.com", name: "acme.com", type: "TXT", ttl: 300, values: ["new"], servers: ["ns1.dns-sim.dev"] },
      { zone: "acme.com", name: "acme.com", type: "TXT", ttl: 300, values: ["old", "extra"], servers: ["ns2.dns-sim.dev"] },
    ]);
  });

  it.each(["silent", "servfail", "refused", "lame", "wrong-id"] as const)(
    "%s at one server sends the resolver to the other",
    async (kind) => {
      dns.setRecords("acme.com", "A", ["203.0.113.7"], { ttl: 0 });
      dns.addFault({ server: NS1, kind });
      for (let query = 0; query < 2; query++) {
        expect(await ask("acme.com", "A", { server: RECURSIVE })).toMatchObject({ answers: [{ data: "203.0.113.7" }] });
      }
      expect(dns.counters.total({ server: "ns1.dns-sim.dev" })).toBe(1);
      expect(dns.counters.total({ server: "ns2.dns-sim.dev" })).toBe(2);
    },
  );

  it("at both servers end in SERVFAIL, which is not remembered", async () => {
    dns.setRecords("acme.com", "A", ["203.0.113.7"]);
    dns.addFault({ server: NS1, kind: "servfail" });
    dns.addFault({ server: "ns2.dns-sim.dev", kind: "refused", times: 1 });
    expect(rcode(await ask("acme.com", "A", { server: RECURSIVE }))).toBe(2);
    expect(rcode(await ask("acme.com", "A", { server: RECURSIVE }))).toBe(0);
  });

  it("truncate, delay and limit themselves to a name and type", async () => {
    dns.setRecords("acme.com", "A", ["203.0.113.7"]);
    dns.addFault({ server: NS1, kind: "truncated", name: "acme.com", type: "A" });
    expect(await ask("acme.com", "A")).toMatchObject({ flag_tc: true, answers: [] });
    expect(await ask("acme.com", "SOA")).toMatchObject({ flag_tc: false });
    expect(await resolver(NS1).resolve4("acme.com")).toEqual(["203.0.113.7"]);
    dns.clearFaults();
    dns.addFault({ server: NS1, kind: "delay", delayMs: 3_600_000 });
    const slow = ask("acme.com", "A");
    await expect.poll(() => dns.counters.total({ server: "ns1.dns-sim.dev", type: "A" })).toBe(4);
    clock.advance(3_600_000);
    expect(await slow).toMatchObject({ answers: [{ data: "203.0.113.7" }] });
  });

  it("show a bogus name as SERVFAIL unless checking is disabled", async () => {
    dns.setRecords("acme.com", "A", ["203.0.113.7"]);
    dns.addFault({ server: RECURSIVE, kind: "dnssec-bogus", name: "acme.com" });
    expect(rcode(await ask("acme.com", "A", { server: RECURSIVE }))).toBe(2);
    expect(rcode(await ask("acme.com", "A", { server: RECURSIVE, checkingDisabled: true }))).toBe(0);
  });
});

describe("the admin server", () => {
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${dns.url}${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: response.status, body: (await response.json()) as unknown };
  };

  it("does what the methods do", async () => {
    await call("POST", "/admin/zones", { apex: "beta.dev", negativeTTL: 5 });
    await call("POST", "/admin/records", { op: "set", name: "beta.dev", type: "TXT", values: ["one", ["t", "wo"]], ttl: 7 });
    await call("POST", "/admin/records", { op: "add", name: "beta.dev", type: "TXT", values: ["three"], server: NS1 });
    await call("POST", "/admin/records", { op: "remove", name: "beta.dev", type: "TXT", values: ["one"] });
    expect(await resolver(NS1).resolveTxt("beta.dev")).toEqual([["t", "wo"], ["three"]]);
    expect(await resolver(NS2).resolveTxt("beta.dev")).toEqual([["t", "wo"]]);
    await call("POST", "/admin/records", { op: "remove", name: "beta.dev", type: "TXT" });
    await expect(resolver(NS1).resolveTxt("beta.dev")).rejects.toMatchObject({ code: "ENODATA" });

    expect((await call("GET", "/admin/records")).body).toMatchObject({
      records: expect.arrayContaining([expect.objectContaining({ zone: "beta.dev" })]),
    });
    expect((await call("GET", "/admin/counters")).body).toEqual({
      queries: expect.arrayContaining([{ server: "ns1.dns-sim.dev", name: "beta.dev", type: "TXT", transport: "udp", count: 2 }]),
    });
    await call("POST", "/admin/faults", { server: NS1, kind: "refused" });
    await expect(resolver(NS1).resolveNs("beta.dev")).rejects.toMatchObject({ code: "EREFUSED" });
    await call("DELETE", "/admin/faults");
    expect(await resolver(NS1).resolveNs("beta.dev")).toHaveLength(2);
    expect((await call("POST", "/admin/flush")).status).toBe(200);
  });

  it("answers 400 for what the methods refuse and 404 for the unknown", async () => {
    expect(await call("POST", "/admin/records", { op: "set", name: "x.example", type: "A", values: [] })).toMatchObject({
      status: 400,
    });
    expect(await call("POST", "/admin/faults", { server: NS1, kind: "fire" })).toMatchObject({ status: 400 });
    expect(await call("GET", "/admin/nothing")).toMatchObject({ status: 404 });
  });
});

describe("starting and closing", () => {
  it("refuses a port that is taken and leaves nothing open", async () => {
    const port = dns.port;
    await expect(startDnsSimulator({ clock, port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await dns.close();
    dns = await startDnsSimulator({ clock, port });
    expect(dns.resolver).toBe(`127.0.0.10:${port}`);
  });
});
