import { randomBytes } from "node:crypto";
import { type DnsSimulator, startDnsSimulator } from "../../test/simulators/dns/dns-simulator.ts";
import { systemClock } from "../runtime/clock.ts";
import { proofRecord } from "./proof.ts";
import type { DnsAccess } from "./resolver.ts";

/** What the tests of the proof share: DNS, and a fresh zone for every test, so that none sees another's records. */
export class ProofStage {
  readonly dns: DnsSimulator;
  #serial = 0;

  constructor(dns: DnsSimulator) {
    this.dns = dns;
  }

  static async start(): Promise<ProofStage> {
    return new ProofStage(await startDnsSimulator({ clock: systemClock }));
  }

  access(dns: Partial<DnsAccess["dns"]> = {}): DnsAccess {
    return {
      dns: {
        mode: "Authoritative",
        resolvers: [this.dns.resolver],
        nameserverPort: this.dns.port,
        nameserverCIDRs: ["127.0.0.0/8"],
        ...dns,
      },
      deniedCIDRs: [],
      systemResolvers: () => [],
      randomBytes,
    };
  }

  zone(): { readonly domain: string; readonly host: string; readonly name: string; readonly value: string } {
    this.#serial += 1;
    const domain = `acme-${this.#serial}.com`;
    this.dns.addZone(domain);
    const host = `shop.${domain}`;
    return { domain, host, ...proofRecord({ issuer: "acme-production", tenant: "tenant-a", hostname: host }) };
  }
}
