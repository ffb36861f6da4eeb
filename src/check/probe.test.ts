import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTLSServer } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { SkewedClock } from "../../test/simulators/clock.ts";
import type { EdgeView } from "../../test/simulators/cloudflare/edge-view.ts";
import { type DnsSimulator, startDnsSimulator } from "../../test/simulators/dns/dns-simulator.ts";
import { type EdgeSimulator, startEdgeSimulator } from "../../test/simulators/edge/edge-simulator.ts";
import { TestAuthority } from "../../test/simulators/pki.ts";
import { systemClock } from "../runtime/clock.ts";
import { type ProbeSettings, probe, probeRedirect } from "./probe.ts";

const KEY = Buffer.from("a signing key of the tests");
const EDGE = "edge.saas-platform.net";
const DAY_MS = 86_400_000;

let dns: DnsSimulator;
let edge: EdgeSimulator;
let serial = 0;
const clock = new SkewedClock();
const ca = new TestAuthority();
const views = new Map<string, EdgeView>();
const signal = new AbortController().signal;

beforeAll(async () => {
  dns = await startDnsSimulator({ clock: systemClock });
  edge = await startEdgeSimulator({ clock, ca, cloudflare: { edgeView: (name) => views.get(name) }, signingKey: KEY });
  dns.addZone("saas-platform.net");
  dns.setRecords(EDGE, "A", [edge.address]);
});
afterAll(async () => {
  await Promise.all([dns.close(), edge.close()]);
});

let host: string;
beforeEach(() => {
  const domain = `acme-${++serial}.com`;
  dns.addZone(domain);
  host = `shop.${domain}`;
});

function serve(hostname: string): void {
  views.set(hostname, { hostname, isActive: true, certificate: { issuedAt: clock.now(), expiresAt: clock.now() + 90 * DAY_MS } });
}

function connected(hostname = host): void {
  serve(hostname);
  dns.setRecords(hostname, "CNAME", [EDGE]);
}

function settings(more: Partial<ProbeSettings> = {}): ProbeSettings {
  return {
    path: "/debug/domain-check",
    response: "Signed",
    signingKey: KEY,
    egress: "EdgeOnly",
    edgeCIDRs: ["127.0.0.20/30"],
    edgeNames: [EDGE],
    edgeAddresses: [],
    timeoutSeconds: 5,
    httpPort: edge.httpPort,
    httpsPort: edge.httpsPort,
    caBundle: ca.caPem,
    domainID: "6f1c2a34",
    dns: {
      dns: { mode: "Authoritative", resolvers: [dns.resolver], nameserverPort: dns.port, nameserverCIDRs: [] },
      deniedCIDRs: [],
      systemResolvers: () => [],
      randomBytes,
    },
    ...more,
  };
}

const check = (more: Partial<ProbeSettings> = {}, caller = signal) => probe(host, settings(more), { clock, randomBytes }, caller);

/** A server on an edge address that answers whatever `talk` does, over TLS with a right certificate for `host` or without TLS. */
async function hostile(talk: (socket: Socket) => void, tls = true): Promise<Partial<ProbeSettings>> {
  const onSocket = (socket: Socket): void => {
    socket.on("error", () => {});
    talk(socket);
  };
  const server: Server = tls ? createTLSServer(ca.issue([host]), onSocket) : createServer(onSocket);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => {})));
  server.listen(0, "127.0.0.22");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  dns.setRecords(host, "A", ["127.0.0.22"]);
  const port = portOf(server);
  return { httpsPort: port, httpPort: port };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  return address.port;
}

describe("a domain of ours", () => {
  test("is found over https", async () => {
    connected();
    const { check: result, routed } = await check();
    expect(routed).toMatchObject({ status: "True", reason: "Routed" });
    expect(result).toMatchObject({ found: true, sslValid: true, httpStatus: 200 });
    expect(result).not.toHaveProperty("errorMessage");
    expect(result.timings).toEqual({
      dnsMs: expect.any(Number),
      tcpMs: expect.any(Number),
      tlsMs: expect.any(Number),
      httpMs: expect.any(Number),
    });
    expect(result.checkTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("may answer with its id", async () => {
    connected();
    edge.origin.setDomainID(host, "6f1c2a34");
    expect((await check()).routed.reason).toBe("Routed");
    edge.origin.setDomainID(host, "another");
    expect((await check()).routed).toMatchObject({
      reason: "UnexpectedResponse",
      message: expect.stringContaining("another domain id"),
    });
  });

  test("Plain compares the whole body", async () => {
    connected();
    const plain = { response: "Plain", signingKey: undefined, path: "/hello" } as const;
    expect((await check({ ...plain, expectedBody: `Hello from ${host}\n` })).routed.reason).toBe("Routed");
    expect((await check({ ...plain, expectedBody: `Hello from ${host}` })).routed.reason).toBe("UnexpectedResponse");
  });

  test("without the signing key nothing is sent", async () => {
    connected();
    expect((await check({ signingKey: undefined })).routed).toMatchObject({ status: "Unknown", reason: "SecretNotFound" });
    expect(edge.counters().requests[`https ${host}`]).toBeUndefined();
  });

  test("egress Off sends nothing", async () => {
    connected();
    expect((await check({ egress: "Off" })).routed).toMatchObject({ status: "Unknown", reason: "CheckOff" });
    expect(edge.counters().handshakes[host]).toBeUndefined();
  });
});

describe("what is not ours", () => {
  test.each([
    ["wrong-signature", "UnexpectedResponse", "signature"],
    ["old-issue-time", "UnexpectedResponse", "60 s"],
    ["replayed-nonce", "UnexpectedResponse", "earlier request"],
    ["foreign-page", "NotOurs", "not this platform's"],
    ["huge-body", "NotOurs", "far more"],
    ["redirect-elsewhere", "UnexpectedStatus", "redirect (status 302)"],
    ["server-error", "UnexpectedStatus", "503"],
    ["drop", "Unreachable", "without an answer"],
  ] as const)("%s → %s", async (fault, reason, text) => {
    connected();
    edge.setFault(host, fault);
    const { check: result, routed } = await check();
    expect(routed).toMatchObject({ status: "False", reason, message: expect.stringContaining(text) });
    expect(result).toMatchObject({ found: false, sslValid: true, errorMessage: routed.message });
  });

  test.each([
    ["tls-alert", "The TLS handshake was refused"],
    ["other-certificate", "The certificate is for another name"],
    ["expired-certificate", "The certificate has expired"],
  ] as const)("%s is told, and that http would be answered", async (fault, text) => {
    connected();
    edge.setFault(host, fault);
    const { check: result, routed } = await check();
    expect(routed).toMatchObject({ status: "False", reason: "CertificateInvalid" });
    expect(result).toMatchObject({ found: true, sslValid: false, httpStatus: 200, sslError: expect.stringContaining(text) });
  });

  test("an authority nobody knows is not trusted without caBundle", async () => {
    connected();
    const { check: result } = await check({ caBundle: undefined });
    expect(result).toMatchObject({ sslValid: false, sslError: expect.stringContaining("unknown authority") });
  });

  test("a name that the edge does not serve is explained from its error page", async () => {
    connected();
    views.set(host, { hostname: host, isActive: false, certificate: { issuedAt: clock.now(), expiresAt: clock.now() + DAY_MS } });
    expect((await check()).routed).toMatchObject({
      reason: "UnexpectedStatus",
      message: expect.stringContaining("another account"),
    });
  });

  test("a name without address", async () => {
    expect((await check()).routed).toMatchObject({
      status: "False",
      reason: "Unreachable",
      message: expect.stringContaining("no address"),
    });
  });

  test("DNS that cannot be asked is not held against the domain", async () => {
    connected();
    const dead = settings().dns;
    const { routed } = await check({ dns: { ...dead, dns: { ...dead.dns, resolvers: ["127.0.0.13:1"] } } });
    expect(routed).toMatchObject({ status: "Unknown", reason: "ResolverUnreachable" });
  });

  test("a closed port", async () => {
    connected();
    const { check: result, routed } = await check({ httpsPort: 1, httpPort: 1 });
    expect(routed).toMatchObject({ status: "False", reason: "Unreachable", message: expect.stringContaining("refused") });
    expect(result).not.toHaveProperty("sslValid");
  });
});

describe("attacks", () => {
  test.each([
    ["metadata", ["169.254.169.254"]],
    ["loopback", ["127.0.0.1"]],
    ["cluster", ["10.96.0.1"]],
    ["Azure wire server", ["168.63.129.16"]],
    ["one bad among good ones", ["127.0.0.21", "169.254.169.254"]],
    ["one bad among good ones, the bad last", ["127.0.0.21", "192.168.0.1"]],
  ])("an address of %s is never contacted", async (_, addresses) => {
    serve(host);
    dns.setRecords(host, "A", addresses);
    for (const egress of ["EdgeOnly", "Public"] as const) {
      expect((await check({ egress })).routed).toMatchObject({ status: "False", reason: "AddressNotAllowed" });
    }
    expect(edge.counters().handshakes[host]).toBeUndefined();
  });

  test.each(["::1", "::ffff:127.0.0.21", "64:ff9b::7f00:15", "fd00:ec2::254", "2002:7f00:15::"])(
    "nor is AAAA %s beside a good A",
    async (address) => {
      serve(host);
      dns.setRecords(host, "A", [edge.address]);
      dns.setRecords(host, "AAAA", [address]);
      expect((await check()).routed.reason).toBe("AddressNotAllowed");
      expect(edge.counters().handshakes[host]).toBeUndefined();
    },
  );

  test("an address that the cluster needs is refused although it is public", async () => {
    dns.setRecords(host, "A", ["203.0.115.7"]);
    const access = settings().dns;
    const { routed } = await check({ egress: "Public", dns: { ...access, deniedCIDRs: ["203.0.115.0/24"] } });
    expect(routed.reason).toBe("AddressNotAllowed");
  });

  test("EdgeOnly refuses public addresses that are not the edge's", async () => {
    dns.setRecords(host, "A", ["93.184.216.34"]);
    expect((await check()).routed).toMatchObject({
      reason: "AddressNotAllowed",
      message: expect.stringContaining("not an address of this platform"),
    });
  });

  test.each(["127.0.0.21", "::1", "169.254.169.254"])("an IP literal %s as a name is refused", async (literal) => {
    const { routed } = await probe(literal, settings(), { clock, randomBytes }, signal);
    expect(routed.reason).toBe("AddressNotAllowed");
  });

  test("rebinding: the name is resolved once, a later answer changes nothing", async () => {
    connected();
    // The nonce is drawn between the look-up and the connection.
    const rebind = (size: number): Uint8Array => {
      dns.setRecords(host, "CNAME", []);
      dns.setRecords(host, "A", ["169.254.169.254"]);
      dns.flush();
      return randomBytes(size);
    };
    const { routed } = await probe(host, settings(), { clock, randomBytes: rebind }, signal);
    expect(routed.reason).toBe("Routed");
    expect(dns.counters.total({ name: host, server: "resolver.dns-sim.dev" })).toBe(2);
    expect((await check()).routed.reason).toBe("AddressNotAllowed");
  });

  test("a redirect to loopback is not followed", async () => {
    let visits = 0;
    const inside = createServer(() => visits++);
    inside.listen(0, "127.0.0.1");
    await once(inside, "listening");
    onTestFinished(() => void inside.close());
    const port = portOf(inside);
    const more = await hostile((socket) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:${port}/\r\nContent-Length: 0\r\n\r\n`),
    );
    const { check: result } = await check(more);
    expect(result).toMatchObject({ found: false, httpStatus: 302 });
    expect(visits).toBe(0);
  });

  test("a slow drip ends with the deadline", async () => {
    connected();
    edge.setFault(host, "slow-drip");
    const started = performance.now();
    const { routed } = await check({ timeoutSeconds: 1 });
    expect(routed).toMatchObject({ status: "False", reason: "CheckTimedOut" });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("a drip of headers ends with the deadline", async () => {
    const more = await hostile((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("x-a: b\r\n"), 50);
      socket.on("close", () => clearInterval(timer));
    });
    expect((await check({ ...more, timeoutSeconds: 1 })).routed.reason).toMatch(/CheckTimedOut|NotOurs/);
  });

  test("a silent TLS server ends with the deadline of the handshake", async () => {
    const more = await hostile(() => {}, false);
    const { check: result, routed } = await check({ ...more, timeoutSeconds: 1 });
    expect(routed.reason).toBe("CheckTimedOut");
    expect(result).toMatchObject({ found: false, sslValid: false, sslError: expect.stringContaining("in time") });
  });

  test("a header bomb is cut off", async () => {
    const more = await hostile((socket) => socket.write(`HTTP/1.1 200 OK\r\nx-bomb: ${"x".repeat(1_000_000)}\r\n\r\n`));
    expect((await check(more)).routed).toMatchObject({ reason: "NotOurs", message: expect.stringContaining("far more") });
  });

  test("an endless body is cut off", async () => {
    let sent = 0;
    const more = await hostile((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
      const chunk = "x".repeat(65_536);
      const pump = (): void => {
        while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
      };
      socket.on("drain", pump);
      pump();
    });
    expect((await check(more)).routed.reason).toBe("NotOurs");
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test("nothing that the remote side says is repeated", async () => {
    const secret = "INJECTED-BY-REMOTE";
    const more = await hostile((socket) =>
      socket.end(
        `HTTP/1.1 418 ${secret}\r\nserver: ${secret}\r\nlocation: https://${secret}/\r\nContent-Length: ${secret.length}\r\n\r\n${secret}`,
      ),
    );
    expect(JSON.stringify(await check(more))).not.toContain(secret);
  });

  test("an aborted caller gets its own reason back", async () => {
    connected();
    edge.setFault(host, "slow-drip");
    const controller = new AbortController();
    const checking = expect(check({}, controller.signal)).rejects.toThrow("shutting down");
    await vi.waitFor(() => expect(edge.counters().requests[`https ${host}`]).toBe(1));
    controller.abort(new Error("shutting down"));
    await checking;
  });
});

describe("probeRedirect", () => {
  const redirect = () => probeRedirect(`www.${host}`, host, settings(), { clock, randomBytes }, signal);

  test("expects 308 to the same path of the canonical name", async () => {
    connected();
    connected(`www.${host}`);
    expect(await redirect()).toMatchObject({ status: "True", reason: "Routed" });
  });

  test("any other target or status is not the redirect", async () => {
    connected(`www.${host}`);
    edge.setRedirect(`www.${host}`, "elsewhere.customer-login.dev");
    expect(await redirect()).toMatchObject({ status: "False", reason: "RedirectMissing" });
    serve(`www.${host}`);
    edge.setRedirect(`www.${host}`, `${host}.evil.dev`);
    expect(await redirect()).toMatchObject({ status: "False", reason: "RedirectMissing" });
  });

  test("an answer without redirect is told", async () => {
    connected(`www.${host}`);
    expect(await redirect()).toMatchObject({
      status: "False",
      reason: "RedirectMissing",
      message: expect.stringContaining("status 200"),
    });
  });

  test("egress rules hold for it, too", async () => {
    dns.setRecords(`www.${host}`, "A", ["169.254.169.254"]);
    expect(await redirect()).toMatchObject({ reason: "AddressNotAllowed" });
  });
});
