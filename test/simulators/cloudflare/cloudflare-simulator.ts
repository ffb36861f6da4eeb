import type { Clock } from "../../../src/runtime/clock.ts";
import type { Fault } from "../fault.ts";
import { type Handler, type SimulatorRequest, type SimulatorResponse, SimulatorServer } from "../http.ts";
import { Access, type Token } from "./access.ts";
import { addAdminRoutes } from "./admin.ts";
import { APIError } from "./api-error.ts";
import { DNSView } from "./dns-view.ts";
import { DomainSet } from "./domain-set.ts";
import { type EdgeView, viewOf } from "./edge-view.ts";
import type { LifecycleContext } from "./hostname-lifecycle.ts";
import { minimalRequest } from "./hostname-request.ts";
import { type LedgerFigures, WriteLedger } from "./ledger.ts";
import { FLAGGED, Refusals } from "./refusals.ts";
import { renderRow } from "./render.ts";
import { API_PREFIX, addRoutes, affectedHostname } from "./routes.ts";
import type { Row } from "./row.ts";
import type { FallbackOriginStatus } from "./statuses.ts";
import { CreateBudget, documentedLimits, type Limits } from "./throttle.ts";
import { documentedTimings, type Timings } from "./timings.ts";
import { WorkTracker } from "./work.ts";
import { type Quota, SimulatedZone, type ZoneOptions } from "./zone.ts";

export interface CloudflareSimulatorOptions {
  readonly clock: Clock;
  /** `address:port` of the recursive resolver through which the simulator looks at customers' DNS. */
  readonly resolver: string;
  readonly zones: readonly ZoneOptions[];
  readonly tokens: readonly Token[];
  readonly port?: number;
  readonly timings?: Partial<Timings>;
  readonly limits?: Partial<Limits>;
}

export interface ForeignRow {
  readonly hostname: string;
  /** The first zone when absent. */
  readonly zoneID?: string;
  /** Unix milliseconds; now when absent. */
  readonly createdAt?: number;
  readonly originServer?: string;
  /** Method of its certificate; without, the row has none. */
  readonly method?: "http" | "txt";
}

const MAX_PARALLEL_CHECKS = 64;

export async function startCloudflareSimulator(options: CloudflareSimulatorOptions): Promise<CloudflareSimulator> {
  const simulator = new CloudflareSimulator(options);
  await simulator.listen(options.port ?? 0);
  return simulator;
}

/**
 * Cloudflare for SaaS: the documented API over real sockets, and behind it states that move only when DNS, looked up by
 * real queries, gives them cause to, and only by the clock's time.
 */
export class CloudflareSimulator {
  readonly #server: SimulatorServer;
  readonly #zones = new Map<string, SimulatedZone>();
  readonly #access: Access;
  readonly #ledger = new WriteLedger();
  readonly #work = new WorkTracker(MAX_PARALLEL_CHECKS);
  readonly #dns: DNSView;
  readonly #clock: Clock;
  readonly #refusals = new Refusals();
  readonly #proxied = new DomainSet();
  #url = "";

  constructor(options: CloudflareSimulatorOptions) {
    const { clock } = options;
    const limits = { ...documentedLimits, ...options.limits };
    this.#clock = clock;
    this.#dns = new DNSView(options.resolver);
    this.#access = new Access(clock, limits, options.tokens);
    const context: LifecycleContext = {
      clock,
      dns: this.#dns,
      work: this.#work,
      timings: { ...documentedTimings, ...options.timings },
    };
    for (const zone of options.zones) this.#zones.set(zone.id, this.#newZone(zone, context, limits));
    this.#server = new SimulatorServer({
      clock,
      state: () => ({ rows: this.rows(), ledger: this.ledger() }),
      around: (request, handler) => this.#around(request, handler),
      observe: (request) => this.#observe(request),
      onError: (error) => (error instanceof APIError ? error : new APIError(500, 1500, String(error))).toResponse(),
      notFound: (request) => {
        throw new APIError(400, 7003, `Could not route to ${request.path}, perhaps your object identifier is invalid?`);
      },
    });
    addRoutes(this.#server, this.#zones, this.#access);
    addAdminRoutes(this.#server, this);
  }

  async listen(port: number): Promise<void> {
    this.#url = await this.#server.listen("127.0.0.1", port);
  }

  /** Root of the server, where `/admin/` is. */
  get url(): string {
    return this.#url;
  }

  /** What a client takes as base URL. */
  get apiURL(): string {
    return `${this.#url}${API_PREFIX}`;
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.#work.idle();
    for (const zone of this.#zones.values()) zone.close();
    this.#dns.close();
  }

  /** Resolves once no look at DNS is under way: then every effect of an earlier jump of the clock has happened. */
  idle(): Promise<void> {
    return this.#work.idle();
  }

  /** Calls per "METHOD route". */
  counters(): Readonly<Record<string, number>> {
    return this.#server.counters();
  }

  resetCounters(): void {
    this.#server.resetCounters();
  }

  ledger(): LedgerFigures {
    return this.#ledger.figures();
  }

  /** Rows as the API would show them. */
  rows(zoneID?: string): readonly Readonly<Record<string, unknown>>[] {
    const zones = zoneID === undefined ? [...this.#zones.values()] : [this.#zone(zoneID)];
    return zones.flatMap((zone) => zone.rows().map((row) => renderRow(row, zone.delegationUUID)));
  }

  edgeView(hostname: string): EdgeView | undefined {
    return viewOf(hostname, [...this.#zones.values()]);
  }

  /** Undefined: unset. */
  setFallbackOrigin(status: FallbackOriginStatus | undefined, zoneID?: string, origin?: string): void {
    const zone = this.#zone(zoneID);
    zone.fallbackOrigin.force(origin ?? `origin.${zone.name}`, status);
  }

  /** Undefined: the feature is switched off for the zone (1404). */
  setQuota(quota: Quota | undefined, zoneID?: string): void {
    this.#zone(zoneID).setQuota(quota);
  }

  /** The owner of `domain` holds it and all below it: the next check of such a hostname ends in `blocked`. */
  holdZone(domain: string): void {
    this.#refusals.hold(domain);
  }

  releaseZone(domain: string): void {
    this.#refusals.release(domain);
  }

  /** The customer's own zone is proxied there too: TXT tokens alone no longer activate hostnames at or below `domain`. */
  markProxied(domain: string): void {
    this.#proxied.add(domain);
  }

  /** As the abuse desk would: `blocked` at once, and again after every PATCH until {@link unblock}. */
  block(hostname: string): void {
    this.#refusals.flag(hostname);
    for (const zone of this.#zones.values()) zone.block(hostname, FLAGGED);
  }

  /** Takes the cause away; the hostname itself needs a PATCH. */
  unblock(hostname: string): void {
    this.#refusals.unflag(hostname);
  }

  /** Somebody else deletes the row, past the API's counters. False when there is none. */
  deleteUpstream(hostname: string, zoneID?: string): boolean {
    const zone = this.#zone(zoneID);
    const row = zone.row(hostname);
    if (row !== undefined) zone.remove(row.id);
    return row !== undefined;
  }

  /** Somebody else creates a row, past the API's counters. Returns its id. */
  addForeignRow(foreign: ForeignRow): string {
    const request = { ...minimalRequest(foreign.hostname, foreign.method), originServer: foreign.originServer };
    return this.#zone(foreign.zoneID).insertForeign(request, foreign.createdAt ?? this.#clock.now()).id;
  }

  addToken(token: Token): void {
    this.#access.add(token);
  }

  revokeToken(value: string): void {
    this.#access.revoke(value);
  }

  addFault(fault: Fault): void {
    this.#server.addFault(fault);
  }

  clearFaults(): void {
    this.#server.clearFaults();
  }

  #newZone(options: ZoneOptions, context: LifecycleContext, limits: Limits): SimulatedZone {
    const surroundings = {
      refusal: (hostname: string) => this.#refusals.of(hostname),
      isProxied: (hostname: string) => this.#proxied.covers(hostname),
      activated: (row: Row) => {
        for (const zone of this.#zones.values()) if (zone.id !== row.zoneID) zone.yield(row.hostname);
      },
      created: (row: Row) => {
        const rows = [...this.#zones.values()].filter((zone) => zone.row(row.hostname) !== undefined).length;
        this.#ledger.created(row.hostname, rows);
      },
    };
    return new SimulatedZone(options, context, surroundings, new CreateBudget(context.clock, limits));
  }

  #zone(zoneID: string | undefined): SimulatedZone {
    const zone = zoneID === undefined ? this.#zones.values().next().value : this.#zones.get(zoneID);
    if (zone === undefined) throw new RangeError(`no zone ${zoneID ?? ""}`);
    return zone;
  }

  async #around(request: SimulatorRequest, handler: Handler): Promise<SimulatorResponse> {
    const { token, budget } = this.#access.authenticate(request);
    const zoneID = request.params.zone;
    let response: SimulatorResponse;
    try {
      if (zoneID !== undefined) this.#access.authorize(token, zoneID, request.method);
      response = await handler(request);
    } catch (error) {
      if (!(error instanceof APIError)) throw error;
      response = error.toResponse();
    }
    return { ...response, headers: { ...budget.headers(), ...response.headers } };
  }

  #observe(request: SimulatorRequest): () => void {
    const hostname = affectedHostname(request, this.#zones);
    return hostname === undefined ? () => {} : this.#ledger.begin(request.method, hostname);
  }
}
