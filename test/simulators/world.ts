import { getDomain } from "tldts";
import { type ChargebeeSimulator, startChargebeeSimulator } from "./chargebee/chargebee-simulator.ts";
import { SkewedClock } from "./clock.ts";
import { type CloudflareSimulator, startCloudflareSimulator } from "./cloudflare/cloudflare-simulator.ts";
import type { Limits } from "./cloudflare/throttle.ts";
import type { Timings } from "./cloudflare/timings.ts";
import { type DnsSimulator, startDnsSimulator } from "./dns/dns-simulator.ts";
import { type EdgeSimulator, startEdgeSimulator } from "./edge/edge-simulator.ts";
import { TestAuthority } from "./pki.ts";
import { type Connection, newSigningKey, platform } from "./platform.ts";

/** Of each server; 0 or none takes a free one. */
export interface WorldPorts {
  readonly dns?: number;
  readonly dnsAdmin?: number;
  readonly cloudflare?: number;
  readonly chargebee?: number;
  readonly http?: number;
  readonly https?: number;
  readonly edgeAdmin?: number;
}

export interface WorldOptions {
  readonly clock?: SkewedClock;
  /** Of the simulated Cloudflare; as documented unless given. */
  readonly timings?: Partial<Timings>;
  readonly limits?: Partial<Limits>;
  readonly chargebeeRequestsPerMinute?: number;
  readonly ports?: WorldPorts;
}

/** A record as the operator tells customers to publish it. */
export interface PublishedRecord {
  readonly type: "A" | "AAAA" | "CNAME" | "TXT";
  readonly name: string;
  readonly value: string;
}

export interface World {
  readonly clock: SkewedClock;
  readonly dns: DnsSimulator;
  readonly cloudflare: CloudflareSimulator;
  readonly chargebee: ChargebeeSimulator;
  readonly edge: EdgeSimulator;
  readonly ca: TestAuthority;
  readonly connection: Connection;
  /**
   * Does what a customer does at their DNS provider; their zone is made when it is missing. A CNAME at a registrable name
   * is flattened to the target's addresses, as providers do.
   */
  publish(records: readonly PublishedRecord[]): void;
  /** Records that are not there are no error. */
  retract(records: readonly PublishedRecord[]): void;
  /** A subscription with the platform's plan and no domain line. */
  addSubscription(id: string): void;
  /** Jumps, then waits until the simulated Cloudflare has done what became due. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

const CUSTOMER_NEGATIVE_TTL_SECONDS = 5;

/** DNS, Cloudflare, Chargebee and the edge with its origin, all on loopback addresses, and set up for {@link platform}. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const clock = options.clock ?? new SkewedClock();
  const { ports = {} } = options;
  const ca = new TestAuthority();
  const signingKey = newSigningKey();
  const token = "simulated-cloudflare-token";
  const chargebeeKey = "simulated_chargebee_key";

  const dns = await startDnsSimulator({ clock, port: ports.dns ?? 0, adminPort: ports.dnsAdmin ?? 0 });
  addPlatformZone(dns);
  const cloudflare = await startCloudflareSimulator({
    clock,
    port: ports.cloudflare ?? 0,
    resolver: dns.resolver,
    tokens: [{ value: token }],
    zones: [platformZone],
    timings: options.timings ?? {},
    limits: options.limits ?? {},
  });
  const requestsPerMinute = options.chargebeeRequestsPerMinute;
  const chargebee = await startChargebeeSimulator({
    clock,
    port: ports.chargebee ?? 0,
    apiKey: chargebeeKey,
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
  });
  addCatalogue(chargebee);
  const edge = await startEdgeSimulator({
    clock,
    ca,
    cloudflare,
    signingKey: Buffer.from(signingKey),
    address: platform.edgeAddress,
    httpPort: ports.http ?? 0,
    httpsPort: ports.https ?? 0,
    adminPort: ports.edgeAdmin ?? 0,
  });

  return {
    clock,
    dns,
    cloudflare,
    chargebee,
    edge,
    ca,
    connection: {
      zoneID: platform.zoneID,
      cloudflareURL: cloudflare.apiURL,
      cloudflareToken: token,
      target: platform.target,
      resolvers: [dns.resolver],
      nameserverPort: dns.port,
      nameserverCIDRs: ["127.0.0.0/8"],
      edgeCIDRs: ["127.0.0.0/8"],
      httpPort: edge.httpPort,
      httpsPort: edge.httpsPort,
      caBundle: ca.caPem,
      signingKey,
      chargebeeSite: chargebee.site,
      chargebeeURL: `${chargebee.url}/api/v2`,
      chargebeeKey,
      itemPriceID: platform.itemPriceID,
    },
    publish: (records) => {
      for (const record of records) publish(dns, record);
    },
    retract: (records) => {
      for (const record of records.map(flattened)) dns.removeRecord(record.name, record.type, record.value);
    },
    addSubscription: (id) => void chargebee.addSubscription({ id, items: [{ itemPriceID: platform.planPriceID }] }),
    pass: async (ms) => {
      clock.advance(ms);
      await cloudflare.idle();
    },
    // The users of DNS end before DNS does.
    close: async () => {
      await Promise.all([edge.close(), chargebee.close(), cloudflare.close()]);
      await dns.close();
    },
  };
}

const platformZone = {
  id: platform.zoneID,
  name: platform.zoneName,
  targets: [platform.target],
  quota: { allocated: 100, hardCap: 50_000 },
  fallbackOrigin: { origin: platform.fallbackOrigin, status: "active" },
} as const;

function addPlatformZone(dns: DnsSimulator): void {
  dns.addZone(platform.zoneName);
  dns.setRecords(platform.target, "A", [platform.edgeAddress]);
  dns.setRecords(platform.fallbackOrigin, "A", [platform.originAddress]);
}

function addCatalogue(chargebee: ChargebeeSimulator): void {
  chargebee.addItem({ id: "platform", type: "plan" });
  chargebee.addItemPrice({ id: platform.planPriceID, itemID: "platform", price: 4900 });
  chargebee.addItem({ id: "custom-domain", type: "addon" });
  chargebee.addItemPrice({ id: platform.itemPriceID, itemID: "custom-domain", price: 500 });
}

function publish(dns: DnsSimulator, published: PublishedRecord): void {
  const record = flattened(published);
  const apex = registrableName(record.name);
  const isKnown = dns.records().some((known) => known.name === apex && known.type === "SOA");
  if (!isKnown) dns.addZone(apex, { negativeTTL: CUSTOMER_NEGATIVE_TTL_SECONDS });
  if (record.type === "CNAME") dns.setRecords(record.name, "CNAME", [record.value]);
  else {
    // Again and again is the same as once.
    dns.removeRecord(record.name, record.type, record.value);
    dns.addRecord(record.name, record.type, record.value);
  }
}

function flattened(record: PublishedRecord): PublishedRecord {
  const isApex = registrableName(record.name) === record.name;
  return record.type === "CNAME" && isApex ? { type: "A", name: record.name, value: platform.edgeAddress } : record;
}

/** Also of names that are no hostnames, such as `_label.customer.dev` and `*.customer.dev`. */
function registrableName(name: string): string {
  return getDomain(name, { allowPrivateDomains: true, validateHostname: false }) ?? name;
}
