import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTLSServer } from "node:tls";
import { onTestFinished } from "vitest";
import { SkewedClock } from "../../test/simulators/clock.ts";
import type { EdgeView } from "../../test/simulators/cloudflare/edge-view.ts";
import { type DnsSimulator, startDnsSimulator } from "../../test/simulators/dns/dns-simulator.ts";
import { type EdgeSimulator, startEdgeSimulator } from "../../test/simulators/edge/edge-simulator.ts";
import { TestAuthority } from "../../test/simulators/pki.ts";
import { systemClock } from "../runtime/clock.ts";
import { type ProbeDependencies, type ProbeResult, type ProbeSettings, probe, probeRedirect } from "./probe.ts";

const KEY = Buffer.from("a signing key of the tests");
const EDGE = "edge.saas-platform.net";
const HOSTILE_ADDRESS = "127.0.0.22";
const DAY_MS = 86_400_000;

/** What the tests of the probe share: DNS, an edge, and a fresh host name for every test. */
export class ProbeStage {
  readonly dns: DnsSimulator;
  readonly edge: EdgeSimulator;
  readonly clock: SkewedClock;
  readonly #ca: TestAuthority;
  readonly #views: Map<string, EdgeView>;
  #serial = 0;
  host = "";

  private constructor(
    dns: DnsSimulator,
    edge: EdgeSimulator,
    world: { clock: SkewedClock; ca: TestAuthority; views: Map<string, EdgeView> },
  ) {
    this.dns = dns;
    this.edge = edge;
    this.clock = world.clock;
    this.#ca = world.ca;
    this.#views = world.views;
  }

  static async start(): Promise<ProbeStage> {
    const world = { clock: new SkewedClock(), ca: new TestAuthority(), views: new Map<string, EdgeView>() };
    const dns = await startDnsSimulator({ clock: systemClock });
    const cloudflare = { edgeView: (name: string) => world.views.get(name) };
    const edge = await startEdgeSimulator({ clock: world.clock, ca: world.ca, cloudflare, signingKey: KEY });
    dns.addZone("saas-platform.net");
    dns.setRecords(EDGE, "A", [edge.address]);
    return new ProbeStage(dns, edge, world);
  }

  async close(): Promise<void> {
    await Promise.all([this.dns.close(), this.edge.close()]);
  }

  /** Names of their own keep tests from seeing each other's records, faults and cached answers. */
  nextHost(): void {
    this.#serial += 1;
    this.dns.addZone(`acme-${this.#serial}.com`);
    this.host = `shop.acme-${this.#serial}.com`;
  }

  serve(hostname = this.host, isActive = true): void {
    const certificate = { issuedAt: this.clock.now(), expiresAt: this.clock.now() + 90 * DAY_MS };
    this.#views.set(hostname, { hostname, isActive, certificate });
  }

  connect(hostname = this.host): void {
    this.serve(hostname);
    this.dns.setRecords(hostname, "CNAME", [EDGE]);
  }

  settings(more: Partial<ProbeSettings> = {}): ProbeSettings {
    return {
      path: "/debug/domain-check",
      response: "Signed",
      signingKey: KEY,
      egress: "EdgeOnly",
      edgeCIDRs: ["127.0.0.20/30"],
      edgeNames: [EDGE],
      edgeAddresses: [],
      timeoutSeconds: 5,
      httpPort: this.edge.httpPort,
      httpsPort: this.edge.httpsPort,
      caBundle: this.#ca.caPem,
      domainID: "6f1c2a34",
      dns: {
        dns: { mode: "Authoritative", resolvers: [this.dns.resolver], nameserverPort: this.dns.port, nameserverCIDRs: [] },
        deniedCIDRs: [],
        systemResolvers: () => [],
        randomBytes,
      },
      ...more,
    };
  }

  check(
    more: Partial<ProbeSettings> = {},
    signal = new AbortController().signal,
    dependencies: Partial<ProbeDependencies> = {},
  ): Promise<ProbeResult> {
    return probe(this.host, this.settings(more), { clock: this.clock, randomBytes, ...dependencies }, signal);
  }

  checkRedirect() {
    const dependencies = { clock: this.clock, randomBytes };
    return probeRedirect(`www.${this.host}`, this.host, this.settings(), dependencies, new AbortController().signal);
  }

  /** A server on an edge address that does what `talk` does: over TLS with a right certificate, or without TLS. */
  async hostile(talk: (socket: Socket) => void, tls = true): Promise<Partial<ProbeSettings>> {
    const onSocket = (socket: Socket): void => {
      socket.on("error", () => {});
      talk(socket);
    };
    const server: Server = tls ? createTLSServer(this.#ca.issue([this.host]), onSocket) : createServer(onSocket);
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => {})));
    server.listen(0, HOSTILE_ADDRESS);
    await once(server, "listening");
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    this.dns.setRecords(this.host, "A", [HOSTILE_ADDRESS]);
    const port = portOf(server);
    return { httpsPort: port, httpPort: port };
  }
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  return address.port;
}
