import { Agent } from "undici";
import { SkewedClock } from "../../test/simulators/clock.ts";
import { type PublishedRecord, startWorld, type World } from "../../test/simulators/world.ts";
import type { CustomDomain } from "../api/v1/custom-domain.ts";
import { customDomainSpecSchema } from "../api/v1/custom-domain.ts";
import type { DomainClaim } from "../api/v1/domain-claim.ts";
import { API_VERSION, LABEL_TENANT } from "../api/v1/group.ts";
import { proofRecord } from "../check/proof.ts";
import { findCondition } from "../core/conditions.ts";
import { KubeTransport } from "../kube/transport.ts";
import { TryAgain } from "../runtime/controller.ts";
import { createLogger } from "../runtime/logger.ts";
import { Metrics } from "../runtime/metrics.ts";
import { type ClassChanges, classSpec } from "./claim-class.fixture.ts";
import { bootProcess, kindsOf, type Process } from "./claim-process.fixture.ts";
import type { Ledger } from "./ledger.ts";
import { MemoryAPI, type Stored } from "./memory-api.fixture.ts";

/**
 * The two controllers that carry the claim protocol, with everything below them real: the API server is in memory, DNS,
 * Cloudflare and the edge are simulated servers. The test decides who is reconciled when, and when the process dies.
 */
export class ClaimBench implements AsyncDisposable {
  readonly world: World;
  readonly api: MemoryAPI;
  readonly events: string[] = [];
  readonly #clock: SkewedClock;
  readonly #metrics = new Metrics();
  readonly #logger = createLogger({ level: "silent" });
  readonly #dispatcher = new Agent({ allowH2: false });
  readonly #transport: KubeTransport;
  #process: Process;
  #namespaceVersion = 1;
  #writes = 0;
  #dieAfter = Number.POSITIVE_INFINITY;
  /** While true no watch event arrives. */
  lagging = false;
  /** Whether Cloudflare's token is known, missing, or still being read. */
  secret: "value" | "missing" | "unknown" = "value";

  static async start(): Promise<ClaimBench> {
    const clock = new SkewedClock();
    const world = await startWorld({ clock });
    const api = new MemoryAPI(() => clock.now());
    return new ClaimBench(world, api, await api.listen(), clock);
  }

  private constructor(world: World, api: MemoryAPI, server: URL, clock: SkewedClock) {
    this.world = world;
    this.api = api;
    this.#clock = clock;
    const source = { load: async () => ({ server, tls: {} }) };
    this.#transport = new KubeTransport({ source, userAgent: "test", metrics: this.#metrics, logger: this.#logger });
    this.#process = this.#boot();
    api.afterWrite = () => this.#wrote();
    api.changed = (plural, object, gone) => this.#watch(plural, object, gone);
    this.putClass("default", {}, true);
  }

  get ledger(): Ledger {
    return this.#process.ledger;
  }

  /** The resolver that everybody asks, for faults. */
  get resolver(): string {
    return (this.world.connection.resolvers[0] ?? "").replace(/:\d+$/, "");
  }

  get now(): number {
    return this.#clock.now();
  }

  /** Writes anywhere, API server and Cloudflare, since the last {@link dieAfter}. */
  get writes(): number {
    return this.#writes;
  }

  /** The process dies right after its nth write from now on, before it sees the answer. */
  dieAfter(writes: number): void {
    this.#writes = 0;
    this.#dieAfter = writes;
  }

  /** A new process on what is stored. */
  async restart(): Promise<void> {
    await this.#process.sessions.closeAll();
    this.api.closed = false;
    this.#dieAfter = Number.POSITIVE_INFINITY;
    this.#process = this.#boot();
  }

  putClass(name: string, changes: ClassChanges = {}, isDefault = false): void {
    const spec = classSpec(this.world.connection, changes, isDefault);
    this.api.put("customdomainclasses", { apiVersion: API_VERSION, kind: "CustomDomainClass", metadata: { name }, spec });
  }

  putNamespace(name: string, tenant?: string, more: { readonly terminating?: boolean } = {}): void {
    const labels = tenant === undefined ? {} : { [LABEL_TENANT]: tenant };
    // Only its own version counts for the cache, and it must not fall behind.
    this.#namespaceVersion += 1;
    const going = more.terminating === true ? { deletionTimestamp: new Date(this.now).toISOString() } : {};
    const metadata = { name, uid: `uid-of-${name}`, labels, resourceVersion: String(this.#namespaceVersion), ...going };
    this.ledger.namespaces.store.apply({ apiVersion: "v1", kind: "Namespace", metadata });
  }

  putDomain(key: string, spec: Readonly<Record<string, unknown>>, metadata: Partial<CustomDomain["metadata"]> = {}): void {
    const [namespace = "", name = ""] = key.split("/");
    const parsed = customDomainSpecSchema.parse(spec);
    this.api.put("customdomains", {
      apiVersion: API_VERSION,
      kind: "CustomDomain",
      metadata: { name, namespace, ...metadata },
      spec: parsed,
    });
  }

  domain(key: string): CustomDomain | undefined {
    return this.api.get("customdomains", key) as CustomDomain | undefined;
  }

  claim(name: string): DomainClaim | undefined {
    return this.api.get("domainclaims", name) as DomainClaim | undefined;
  }

  condition(key: string, type: string) {
    return findCondition(this.domain(key)?.status?.conditions, type);
  }

  /** As a tenant can: the finalizer is taken off, and the object is gone at once. */
  strip(key: string): void {
    const domain = this.api.get("customdomains", key);
    if (domain === undefined) return;
    this.api.put("customdomains", { ...domain, metadata: { ...domain.metadata, finalizers: [] } });
    this.api.delete("customdomains", key);
  }

  /** As a backup brings it back: without status, with a uid of its own. */
  restore(key: string): void {
    const domain = this.domain(key);
    this.strip(key);
    if (domain !== undefined) this.putDomain(key, domain.spec);
  }

  /** Rewrites a claim by hand. */
  editClaim(name: string, changes: Readonly<Record<string, unknown>>): void {
    const claim = this.api.get("domainclaims", name);
    if (claim !== undefined) this.api.put("domainclaims", { ...claim, spec: { ...(claim.spec as object), ...changes } });
  }

  /** Forgets every domain and claim, and everything that was told. */
  clear(): void {
    for (const { metadata } of this.api.list("customdomains")) this.strip(`${metadata.namespace}/${metadata.name}`);
    for (const { metadata } of this.api.list("domainclaims")) this.api.delete("domainclaims", metadata.name);
    this.events.length = 0;
    this.secret = "value";
  }

  /** The cache has not seen any object of this kind yet. */
  forget(plural: string): void {
    kindsOf(this.ledger)
      .get(plural)
      ?.store.replace([], String(Number(this.api.version) + 1));
  }

  /** Names at Cloudflare that are not deleted. */
  hostnames(): string[] {
    const rows = this.world.cloudflare.rows().filter(({ status }) => status !== "deleted" && status !== "pending_deletion");
    return rows.map(({ hostname }) => String(hostname)).sort();
  }

  /** Publishes what the domain's status asks its owner for. */
  publish(key: string): void {
    const records = (this.domain(key)?.status?.verificationRecords ?? []).filter(({ required }) => required);
    this.world.publish(records as readonly PublishedRecord[]);
  }

  /** Takes back what {@link publish} published for ownership. */
  unpublishProof(tenant: string, name: string): void {
    this.world.retract([{ type: "TXT", ...this.proofOf(tenant, name) }]);
  }

  publishProof(tenant: string, name: string): void {
    this.world.publish([{ type: "TXT", ...this.proofOf(tenant, name) }]);
  }

  proofOf(tenant: string, hostname: string, className = "default") {
    const issuer = this.ledger.classes.get(className)?.spec.ownership.issuer ?? "";
    return proofRecord({ issuer, tenant, hostname });
  }

  /** One reconcile; what a controller would do about its end is the caller's affair. */
  async reconcile(key: string): Promise<number | undefined> {
    const signal = AbortSignal.timeout(20_000);
    const reconciler = key.includes("/") ? this.#process.domains : this.#process.claims;
    try {
      return (await reconciler.reconcile(key, signal)).requeueAfterMs;
    } catch (error) {
      if (error instanceof TryAgain) return error.afterMs;
      if (this.api.closed) return undefined;
      throw error;
    }
  }

  /** Everybody once, then `ms` pass. */
  async round(ms = 5_000): Promise<void> {
    for (const { metadata } of this.api.list("customdomains")) await this.reconcile(`${metadata.namespace}/${metadata.name}`);
    for (const { metadata } of this.api.list("domainclaims")) await this.reconcile(metadata.name);
    await this.world.pass(ms);
  }

  /** Rounds until `done`; a process that died meanwhile is started again. */
  async until(what: string, done: () => boolean, ms = 20_000, limit = 80): Promise<void> {
    for (let round = 0; round < limit; round += 1) {
      if (this.api.closed) await this.restart();
      if (done()) return;
      await this.round(ms);
    }
    const claims = this.api.list("domainclaims").map(({ spec }) => JSON.stringify(spec));
    const domains = this.api.list("customdomains").map(({ metadata }) => {
      const { reason, message } = this.condition(`${metadata.namespace}/${metadata.name}`, "Ready") ?? {};
      return `${metadata.namespace}/${metadata.name}: ${reason} ${message}`;
    });
    throw new Error(`${what} did not happen:\n${[...claims, ...domains].join("\n")}`);
  }

  /** From nothing to live. */
  async connect(key: string, domain: string, spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    this.putDomain(key, { domain, ...spec });
    await this.until(`${key} asks for records`, () => (this.domain(key)?.status?.verificationRecords ?? []).length >= 2);
    this.publish(key);
    await this.until(`${key} is live`, () => this.condition(key, "Ready")?.status === "True");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.sessions.closeAll();
    await Promise.all([this.#transport.close(), this.#dispatcher.destroy(), this.api.close(), this.world.close()]);
  }

  #wrote(): boolean {
    this.#writes += 1;
    if (this.#writes === this.#dieAfter) this.api.closed = true;
    return !this.api.closed;
  }

  #boot(): Process {
    const before = this.#process as Process | undefined;
    return bootProcess({
      api: this.api,
      clock: this.#clock,
      dispatcher: this.#dispatcher,
      transport: this.#transport,
      namespaces: before?.ledger.namespaces.store.list() ?? [],
      read: (key) => this.#read(key),
      onCloudflareWrite: () => void this.#wrote(),
      onEvent: (reason) => void this.events.push(reason),
    });
  }

  #read(key: string) {
    const { cloudflareToken, signingKey } = this.world.connection;
    if (this.secret === "unknown") return { kind: "unknown" as const };
    if (this.secret === "missing") return { kind: "missing" as const, message: "the Secret does not exist" };
    return { kind: "value" as const, value: Buffer.from(key === "token" ? cloudflareToken : signingKey), version: "1" };
  }

  #watch(plural: string, object: Stored, gone: boolean): void {
    if (this.lagging) return;
    const store = kindsOf(this.ledger).get(plural)?.store;
    if (gone) store?.remove(object as never);
    else store?.apply(object as never);
  }
}
