import { randomBytes } from "node:crypto";
import { type DnsSimulator, startDnsSimulator } from "../../test/simulators/dns/dns-simulator.ts";
import type { RecordType, RecordValue } from "../../test/simulators/dns/records.ts";
import { type DesiredInput, desiredRecords } from "../core/desired-records.ts";
import { diffRecords, dnsCondition, verificationRecords } from "../core/records.ts";
import { systemClock } from "../runtime/clock.ts";
import { discover } from "./discover.ts";
import { proofRecord, readProof } from "./proof.ts";
import type { DnsAccess } from "./resolver.ts";

export const TARGET = "edge.saas-platform.net";
export const TARGET_ADDRESS = "127.0.0.21";
export const NS1 = "127.0.0.11";
export const NS2 = "127.0.0.12";
export const RESOLVER = "127.0.0.10";
/** Seconds. */
export const NEGATIVE_TTL = 120;

const never = new AbortController().signal;

/**
 * A customer's domain in simulated DNS, and what the operator says about it: what the diagnosis tests share. Top-level domains are
 * there, so that a name that nobody registered is denied as it is on the Internet.
 */
export class DiagnosisStage {
  readonly dns: DnsSimulator;
  #serial = 0;

  private constructor(dns: DnsSimulator) {
    this.dns = dns;
  }

  static async start(): Promise<DiagnosisStage> {
    const dns = await startDnsSimulator({ clock: systemClock });
    for (const name of ["com", "net"]) dns.addTLD(name);
    dns.addZone("saas-platform.net");
    dns.setRecords(TARGET, "A", [TARGET_ADDRESS]);
    return new DiagnosisStage(dns);
  }

  /** A domain of its own for every case, so that no resolver remembers another's. */
  domain(options: { readonly registered?: boolean } = {}): Customer {
    this.#serial += 1;
    const domain = `keramik-${this.#serial}.com`;
    if (options.registered !== false) this.dns.addZone(domain, { negativeTTL: NEGATIVE_TTL });
    return new Customer(this.dns, domain);
  }
}

export class Customer {
  readonly domain: string;
  readonly host: string;
  readonly proof: { readonly name: string; readonly value: string };
  readonly #dns: DnsSimulator;

  constructor(dns: DnsSimulator, domain: string) {
    this.#dns = dns;
    this.domain = domain;
    this.host = `shop.${domain}`;
    this.proof = proofRecord({ issuer: "acme-production", tenant: "tenant-a", hostname: this.host });
  }

  set(name: string, type: RecordType, values: readonly RecordValue[], server?: string): void {
    this.#dns.setRecords(name, type, values, server === undefined ? {} : { server });
  }

  /** What status would say. `apex`: of the registrable domain itself. */
  async look(more: Partial<DesiredInput> = {}, dns: Partial<DnsAccess["dns"]> = {}) {
    const access = this.#access(dns);
    const desired = desiredRecords({ ...this.subdomain(), ...more });
    const answer = await readProof(this.host, access, never);
    const rows = diffRecords(desired, await discover(desired, answer, access, never));
    return {
      answer,
      rows,
      condition: dnsCondition(rows, desired),
      outstanding: verificationRecords(rows, desired),
      row: (type: string, name: string) => rows.find((each) => each.type === type && each.name === name),
    };
  }

  subdomain(): DesiredInput {
    return {
      hostname: { name: this.host, registrableDomain: this.domain, isApex: false, wwwTwin: undefined },
      proof: this.proof,
      dns: { target: TARGET, acceptedTargets: [], apex: { mode: "Flattening", addresses: [] } },
      rows: [],
    };
  }

  apex(mode: "Flattening" | "StaticAddresses" | "Unsupported", addresses: readonly string[] = []): Partial<DesiredInput> {
    return {
      hostname: { name: this.domain, registrableDomain: this.domain, isApex: true, wwwTwin: undefined },
      proof: undefined,
      dns: { target: TARGET, acceptedTargets: [], apex: { mode, addresses } },
    };
  }

  #access(dns: Partial<DnsAccess["dns"]>): DnsAccess {
    return {
      dns: {
        mode: "Authoritative",
        resolvers: [this.#dns.resolver],
        nameserverPort: this.#dns.port,
        nameserverCIDRs: ["127.0.0.0/8"],
        ...dns,
      },
      deniedCIDRs: [],
      systemResolvers: () => [],
      randomBytes,
    };
  }
}
