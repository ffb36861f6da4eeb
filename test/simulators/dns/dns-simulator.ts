import type { Clock } from "../../../src/runtime/clock.ts";
import { DnsAdmin } from "./admin.ts";
import { answerFrom, emptyReply, RCODE } from "./authoritative.ts";
import { DnsCounters } from "./counters.ts";
import { exchange } from "./exchange.ts";
import { type DnsFault, DnsFaults } from "./faults.ts";
import { DnsListener, type PacketHandler } from "./listener.ts";
import type { RecordType, RecordValue } from "./records.ts";
import { RecursiveResolver } from "./recursive.ts";
import { DnsServer, type DnsServerOptions } from "./server.ts";
import { type ListedRecords, type Nameserver, type RecordOptions, ZoneDirectory, type ZoneOptions } from "./zone-directory.ts";

export interface DnsSimulatorOptions {
  readonly clock: Clock;
  /** Of DNS on all three addresses; 0 or none takes one that is free on all, UDP and TCP. */
  readonly port?: number;
  /** Of the admin HTTP server; 0 or none takes a free one. */
  readonly adminPort?: number;
}

export interface DnsSimulator {
  /** `host:port` of the recursive server. */
  readonly resolver: string;
  readonly port: number;
  readonly nameservers: readonly Required<Nameserver>[];
  /** Serves top-level domains: see {@link addTLD}. */
  readonly registry: Required<Nameserver>;
  /** A server that no zone is delegated to unless a test does it: where a hijacked zone leads. */
  readonly stranger: Required<Nameserver>;
  /** Base of the admin HTTP server, without a trailing slash. */
  readonly url: string;
  readonly counters: DnsCounters;
  /** Throws RangeError when the zone exists. */
  addZone(apex: string, options?: ZoneOptions): void;
  /**
   * A zone at the registry alone, as real top-level domains are: it denies with authority what is not registered there, and refers
   * to the servers of what is. Without it, names outside every zone are denied in the name of the root.
   */
  addTLD(name: string): void;
  /** Replaces; an empty list removes. Throws RangeError for a name outside every zone and for malformed values. */
  setRecords(name: string, type: RecordType, values: readonly RecordValue[], options?: RecordOptions): void;
  addRecord(name: string, type: RecordType, value: RecordValue, options?: RecordOptions): void;
  removeRecord(name: string, type: RecordType, value?: RecordValue, options?: Pick<RecordOptions, "server">): void;
  records(): readonly ListedRecords[];
  addFault(fault: DnsFault): void;
  clearFaults(): void;
  /** Empties the recursive server's cache. */
  flush(): void;
  close(): Promise<void>;
}

/** The zone of the nameservers' own names. */
const INFRASTRUCTURE_ZONE = "dns-sim.dev";
const RECURSIVE = { name: `resolver.${INFRASTRUCTURE_ZONE}`, address: "127.0.0.10" } as const;
const AUTHORITATIVE = [
  { name: `ns1.${INFRASTRUCTURE_ZONE}`, address: "127.0.0.11" },
  { name: `ns2.${INFRASTRUCTURE_ZONE}`, address: "127.0.0.12" },
] as const;
const REGISTRY = { name: `registry.${INFRASTRUCTURE_ZONE}`, address: "127.0.0.13" } as const;
const STRANGER = { name: `stranger.${INFRASTRUCTURE_ZONE}`, address: "127.0.0.14" } as const;
/** What large registries announce, in seconds. */
const REGISTRY_NEGATIVE_TTL = 900;
/** Real time that the recursive server gives one authoritative server per transport. */
const UPSTREAM_TIMEOUT_MS = 500;
const PORT_ATTEMPTS = 20;

/**
 * Two authoritative DNS servers for whatever zones there are, a registry, a stranger and a caching recursive server that asks
 * them, each on its own loopback address.
 */
export async function startDnsSimulator(options: DnsSimulatorOptions): Promise<DnsSimulator> {
  const { clock } = options;
  const closing = new AbortController();
  const faults = new DnsFaults();
  const counters = new DnsCounters();
  const usual = AUTHORITATIVE.map((server) => ({ ...server, zones: new Map() }));
  const others = [REGISTRY, STRANGER].map((server) => ({ ...server, zones: new Map() }));
  const directory = new ZoneDirectory([...usual, ...others], usual);
  directory.addZone(INFRASTRUCTURE_ZONE);
  for (const { name, address } of [RECURSIVE, REGISTRY, STRANGER]) directory.setRecords(name, "A", [address]);

  let port = options.port ?? 0;
  const recursive = new RecursiveResolver({
    directory,
    clock,
    // Whatever a record says, no packet leaves this machine.
    ask: (question, address) =>
      address.startsWith("127.")
        ? exchange(question, { address, port, timeoutMs: UPSTREAM_TIMEOUT_MS }, closing.signal)
        : Promise.resolve(undefined),
  });
  const servers = serversOf(directory, recursive, { clock, faults, counters, signal: closing.signal });
  const addresses = [RECURSIVE.address, ...directory.servers.map(({ address }) => address)];
  const handlers = servers.map(
    (server): PacketHandler =>
      (bytes, transport) =>
        server.handle(bytes, transport),
  );
  const bound = await listenOnAll(addresses, handlers, port);
  port = bound.port;
  const admin = new DnsAdmin({ directory, faults, counters, flush: () => recursive.flush() });
  const url = await admin.listen(options.adminPort ?? 0);

  return {
    resolver: `${RECURSIVE.address}:${port}`,
    port,
    nameservers: AUTHORITATIVE,
    registry: REGISTRY,
    stranger: STRANGER,
    url,
    counters,
    ...zoneMethods(directory),
    addFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    flush: () => recursive.flush(),
    close: async () => {
      closing.abort();
      await Promise.all([admin.close(), ...bound.listeners.map((listener) => listener.close())]);
    },
  };
}

function zoneMethods(directory: ZoneDirectory) {
  return {
    addZone: (apex, options) => directory.addZone(apex, options),
    addTLD: (name) =>
      directory.addZone(name, { nameservers: [REGISTRY], servers: [REGISTRY.name], negativeTTL: REGISTRY_NEGATIVE_TTL }),
    setRecords: (name, type, values, options) => directory.setRecords(name, type, values, options),
    addRecord: (name, type, value, options) => directory.addRecord(name, type, value, options),
    removeRecord: (name, type, value, options) => directory.removeRecord(name, type, value, options),
    records: () => directory.records(),
  } satisfies Partial<DnsSimulator>;
}

function serversOf(
  directory: ZoneDirectory,
  recursive: RecursiveResolver,
  common: Pick<DnsServerOptions, "clock" | "faults" | "counters" | "signal">,
): readonly DnsServer[] {
  const respond: DnsServerOptions["respond"] = (question, query) =>
    query.flag_rd ? recursive.resolve(question) : emptyReply(RCODE.REFUSED);
  return [
    new DnsServer({ ...common, ...RECURSIVE, recursionAvailable: true, respond }),
    ...directory.servers.map(
      ({ name, address, zones }) =>
        new DnsServer({
          ...common,
          name,
          address,
          recursionAvailable: false,
          respond: (question) => answerFrom(zones, question),
        }),
    ),
  ];
}

/** A port that the system picks for the first address may be taken on another: then all are closed and it is tried again. */
async function listenOnAll(addresses: readonly string[], handlers: readonly PacketHandler[], wanted: number) {
  for (let attempt = 1; ; attempt++) {
    const listeners: DnsListener[] = [];
    let port = wanted;
    try {
      for (const [index, address] of addresses.entries()) {
        const handler = handlers[index];
        if (handler === undefined) throw new RangeError("an address needs a handler");
        const listener = new DnsListener(address, handler);
        listeners.push(listener);
        port = await listener.listen(port);
      }
      return { port, listeners };
    } catch (error) {
      await Promise.all(listeners.map((listener) => listener.close()));
      const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      if (!taken || wanted !== 0 || attempt >= PORT_ATTEMPTS) throw error;
    }
  }
}
