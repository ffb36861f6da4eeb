import { randomUUID } from "node:crypto";
import { APIError, type Message } from "./api-error.ts";
import { FallbackOrigin } from "./fallback-origin.ts";
import type { HostnameSurroundings, LifecycleContext } from "./hostname-lifecycle.ts";
import type { HostnameRequest } from "./hostname-request.ts";
import { acceptHostname, acceptOrigin } from "./hostname-rules.ts";
import { basicPlan, type Plan } from "./plan.ts";
import type { Row } from "./row.ts";
import { RowLifecycle } from "./row-lifecycle.ts";
import { RowStore } from "./row-store.ts";
import type { FallbackOriginStatus } from "./statuses.ts";
import type { CreateBudget } from "./throttle.ts";

export interface Quota {
  /** Beyond it every hostname is billed. */
  readonly allocated: number;
  /** Beyond it none is created. */
  readonly hardCap: number;
}

export interface ZoneOptions {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** Names a customer's CNAME may lead to; the fallback origin is always one too. */
  readonly targets: readonly string[];
  /** Addresses of apex proxying, with the plan feature of that name. */
  readonly addresses?: readonly string[];
  /** Undefined: the feature is not enabled, every call is answered 1404. */
  readonly quota?: Quota;
  readonly plan?: Partial<Plan>;
  readonly fallbackOrigin?: { readonly origin: string; readonly status: FallbackOriginStatus };
  /** 1000 unless an older API is to be imitated. */
  readonly maxPerPage?: number;
}

export interface ZoneSurroundings extends Omit<HostnameSurroundings, "zone" | "expired"> {
  created(row: Row): void;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The custom hostnames of one zone, with what drives them. */
export class SimulatedZone {
  readonly id: string;
  readonly name: string;
  readonly maxPerPage: number;
  readonly delegationUUID: string;
  readonly plan: Plan;
  readonly fallbackOrigin: FallbackOrigin;
  readonly #options: ZoneOptions;
  readonly #context: LifecycleContext;
  readonly #surroundings: ZoneSurroundings;
  readonly #createBudget: CreateBudget;
  readonly #store = new RowStore();
  readonly #lifecycles = new WeakMap<Row, RowLifecycle>();
  #quota: Quota | undefined;

  constructor(options: ZoneOptions, context: LifecycleContext, surroundings: ZoneSurroundings, createBudget: CreateBudget) {
    this.#options = options;
    this.#context = context;
    this.#surroundings = surroundings;
    this.#createBudget = createBudget;
    this.#quota = options.quota;
    this.id = options.id;
    this.name = options.name;
    this.maxPerPage = options.maxPerPage ?? 1000;
    this.delegationUUID = options.id.slice(0, 16);
    this.plan = { ...basicPlan, ...options.plan };
    this.fallbackOrigin = new FallbackOrigin({ ...context, hasRecord: (origin) => this.#hasRecord(origin) });
    if (options.fallbackOrigin !== undefined)
      this.fallbackOrigin.force(options.fallbackOrigin.origin, options.fallbackOrigin.status);
  }

  rows(): readonly Row[] {
    return this.#store.rows();
  }

  row(hostname: string): Row | undefined {
    return this.#store.byName(hostname);
  }

  hostnameOf(id: string): string | undefined {
    return this.#store.byID(id, this.#context.clock.now())?.hostname;
  }

  setQuota(quota: Quota | undefined): void {
    this.#quota = quota;
  }

  /** Throws 1404 while the feature is not enabled. */
  quota(): Quota {
    if (this.#quota === undefined) {
      throw new APIError(400, 1404, "No quota has been allocated for this zone or for this account. Please contact support.");
    }
    return this.#quota;
  }

  renderQuota(): Readonly<Record<string, unknown>> {
    const { allocated, hardCap } = this.quota();
    const used = this.#store.size;
    return { allocated, used, exceeded: used >= allocated, hard_cap: hardCap };
  }

  async create(request: HostnameRequest): Promise<{ readonly row: Row; readonly messages: readonly Message[] }> {
    const hostname = acceptHostname(request.hostname ?? "");
    if (request.ssl !== undefined && hostname.length > 64 && !request.ssl.branding) {
      throw new APIError(400, 1469, "No hostname of 64 characters or less: cloudflare_branding is required.");
    }
    if (request.originServer !== undefined) await this.#acceptOrigin(request.originServer);
    const { allocated, hardCap } = this.quota();
    if (this.#store.size >= hardCap) throw new APIError(403, 1405, "Quota exceeded.");
    if (this.row(hostname) !== undefined) throw new APIError(409, 1406, "Duplicate custom hostname found.");
    this.#createBudget.check();
    this.#createBudget.succeeded();
    // [?] That there is a message is documented, its wording and code are not.
    const billed = { code: 1405, message: "The included quota of custom hostnames is used up: this hostname will be billed." };
    return {
      row: this.#insert(hostname, request, this.#context.clock.now()),
      messages: this.#store.size > allocated ? [billed] : [],
    };
  }

  /** A row that somebody else made at `createdAt` (Unix ms); it goes through the same states as any other. */
  insertForeign(request: HostnameRequest & { readonly hostname: string }, createdAt: number): Row {
    if (this.row(request.hostname) !== undefined) throw new RangeError(`${request.hostname} exists`);
    return this.#insert(acceptHostname(request.hostname), request, createdAt);
  }

  /** Throws 1435 for what is no id, 1436 for an unknown one. Gone rows are found for a while. */
  find(id: string): Row {
    if (!UUID.test(id)) throw new APIError(400, 1435, "The custom hostname ID is invalid.");
    const row = this.#store.byID(id, this.#context.clock.now());
    if (row === undefined) throw new APIError(404, 1436, "The custom hostname was not found.");
    return row;
  }

  async change(id: string, request: HostnameRequest): Promise<Row> {
    const row = this.find(id);
    if (request.hostname !== undefined && request.hostname !== row.hostname) {
      throw new APIError(409, 1439, "Modifying the custom hostname is not supported.");
    }
    if (request.originServer !== undefined) await this.#acceptOrigin(request.originServer);
    // Only now: it may have been deleted while DNS was asked.
    const lifecycle = this.#lifecycles.get(row);
    if (lifecycle === undefined) throw new APIError(404, 1436, "The custom hostname was not found.");
    this.#revive(row);
    row.originServer = request.originServer ?? row.originServer;
    row.originSNI = request.originSNI ?? row.originSNI;
    if (request.metadata !== undefined) row.metadata = Object.keys(request.metadata).length > 0 ? request.metadata : undefined;
    lifecycle.change(request.ssl);
    return row;
  }

  /** Throws 1436 when it does not exist (any more). */
  remove(id: string): void {
    const row = this.find(id);
    if (!this.#store.isLive(id)) throw new APIError(404, 1436, "The custom hostname was not found.");
    row.status = "pending_deletion";
    if (row.certificate !== undefined) row.certificate.status = "pending_deletion";
    this.#bury(row);
    this.#lifecycles.delete(row);
  }

  /** Loses an active name to another zone that validated it later. */
  yield(hostname: string): void {
    const row = this.row(hostname);
    if (row?.status === "active") this.#lifecycles.get(row)?.move();
  }

  block(hostname: string, reason: string): void {
    const row = this.row(hostname);
    if (row !== undefined) this.#lifecycles.get(row)?.block(reason);
  }

  close(): void {
    for (const row of this.rows()) this.#lifecycles.get(row)?.stop();
    this.fallbackOrigin.stop();
  }

  #insert(hostname: string, request: HostnameRequest, createdAt: number): Row {
    const row: Row = {
      id: randomUUID(),
      zoneID: this.id,
      hostname,
      createdAt,
      ownershipToken: randomUUID(),
      status: undefined,
      errors: [],
      originServer: request.originServer,
      originSNI: request.originSNI,
      metadata: request.metadata,
      certificate: undefined,
    };
    this.#store.insert(row);
    const surroundings: HostnameSurroundings = {
      ...this.#surroundings,
      zone: this.#routing(),
      expired: (expired) => this.#bury(expired),
    };
    const lifecycle = new RowLifecycle(row, this.#context, surroundings);
    this.#lifecycles.set(row, lifecycle);
    lifecycle.begin(request.ssl);
    this.#surroundings.created(row);
    return row;
  }

  /** A PATCH brings back even a row that had become `deleted` by itself, unless the name was taken since. */
  #revive(row: Row): void {
    if (this.#store.isLive(row.id)) return;
    if (this.row(row.hostname) !== undefined) throw new APIError(409, 1406, "Duplicate custom hostname found.");
    this.#store.insert(row);
  }

  #bury(row: Row): void {
    this.#lifecycles.get(row)?.stop();
    this.#store.bury(row, this.#context.clock.now(), this.#context.timings.deletedReadableMs);
  }

  #routing() {
    const { targets, addresses, fallbackOrigin } = this.#options;
    return {
      targets: [...targets, ...(fallbackOrigin === undefined ? [] : [fallbackOrigin.origin])],
      addresses: this.plan.apexProxying ? (addresses ?? []) : [],
      delegationUUID: this.delegationUUID,
      apexProxying: this.plan.apexProxying,
      fallbackOriginActive: () => this.fallbackOrigin.isActive(),
    };
  }

  #acceptOrigin(server: string): Promise<void> {
    return acceptOrigin(server, this.name, (name) => this.#hasRecord(name));
  }

  async #hasRecord(name: string): Promise<boolean> {
    const [addresses, alias] = await Promise.all([this.#context.dns.addresses(name), this.#context.dns.alias(name)]);
    return addresses.kind === "records" || alias.kind === "records";
  }
}
