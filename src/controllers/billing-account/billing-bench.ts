import { Agent } from "undici";
import type { ChargebeeSimulator, ChargebeeSimulatorOptions } from "../../../test/simulators/chargebee/chargebee-simulator.ts";
import { ADDON, startSite } from "../../../test/simulators/chargebee/fixture.ts";
import { SkewedClock } from "../../../test/simulators/clock.ts";
import type { BillingAccount, BillingAccountSpec, BillingAccountStatus } from "../../api/v1/billing-account.ts";
import type { ChargebeeSettings } from "../../api/v1/chargebee-settings.ts";
import type { Condition } from "../../api/v1/conditions.ts";
import { type CustomDomainClass, customDomainClassSpecSchema } from "../../api/v1/custom-domain-class.ts";
import type { DomainClaim, DomainClaimSpec } from "../../api/v1/domain-claim.ts";
import { API_VERSION } from "../../api/v1/group.ts";
import { ChargebeeSites } from "../../chargebee/sites.ts";
import { findCondition } from "../../core/conditions.ts";
import { type KubeObject, keyOf, type ObjectKey, type ObjectMeta } from "../../kube/objects.ts";
import type { SecretValue } from "../../kube/secrets.ts";
import { Store } from "../../kube/store.ts";
import { TryAgain } from "../../runtime/controller.ts";
import { Timers } from "../../runtime/timers.ts";
import { type BillingController, createBillingController } from "./billing-controller.ts";
import { billingAccountIndexers, domainClaimBillingIndexers, StoreBillingSources } from "./kube-ports.ts";
import type { AccountWriter } from "./ports.ts";

export interface RecordedEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
}

/** Chargebee settings of a bench's class that a test may change. */
export type BenchSettings = Partial<Omit<ChargebeeSettings, "apiURL" | "apiKeySecretRef">>;

export interface BenchOptions {
  readonly site?: Partial<ChargebeeSimulatorOptions>;
  readonly settings?: BenchSettings;
  /** Real milliseconds of one exchange with Chargebee. */
  readonly timeoutMs?: number;
}

/**
 * The controller against the Chargebee simulator over sockets, with the cluster in memory: the real stores, and writes that are
 * refused, as the API server refuses them, unless they carry the current resourceVersion. Time is a SkewedClock.
 */
export class BillingBench implements AccountWriter {
  readonly clock: SkewedClock;
  readonly chargebee: ChargebeeSimulator;
  readonly events: RecordedEvent[] = [];
  /** Writes of BillingAccounts that were carried out. */
  writes = 0;
  apiKey: string | undefined = "test_key";
  mayWrite = true;
  /** Called before each write of an account, to change it under the controller's feet. */
  beforeWrite: () => void = () => {};
  readonly #timeoutMs: number;
  readonly #accounts = new Store<BillingAccount>(billingAccountIndexers);
  readonly #claims = new Store<DomainClaim>(domainClaimBillingIndexers);
  readonly #classes = new Store<CustomDomainClass>();
  readonly #namespaces = new Store<KubeObject>();
  readonly #agent = new Agent();
  readonly #due = new Map<ObjectKey, number>();
  #timers: Timers;
  #controller: BillingController;
  #version = 1_000;

  private constructor(clock: SkewedClock, chargebee: ChargebeeSimulator, timeoutMs: number) {
    this.clock = clock;
    this.chargebee = chargebee;
    this.#timeoutMs = timeoutMs;
    this.#timers = new Timers(clock);
    this.#controller = this.#newController();
    this.#claims.onChange(({ before, after }) => this.#enqueue(this.#controller.triggers.claimChanged(before, after)));
    this.#accounts.onChange(({ before, after }) => this.#enqueue(this.#controller.triggers.accountChanged(before, after)));
    for (const store of [this.#accounts, this.#classes, this.#namespaces]) store.replace([], "0");
  }

  static async start(options: BenchOptions = {}): Promise<BillingBench> {
    const clock = new SkewedClock();
    const chargebee = await startSite(clock, { requestsPerMinute: 100_000, ...options.site });
    const bench = new BillingBench(clock, chargebee, options.timeoutMs ?? 5_000);
    bench.#claims.replace([], "0");
    bench.putClass("default", options.settings);
    return bench;
  }

  async close(): Promise<void> {
    this.#timers.clear();
    await this.#agent.destroy();
    await this.chargebee.close();
  }

  /** A new process: everything in memory is lost, everything in the cluster is there. */
  restart(options: { readonly claimsSynced?: boolean } = {}): void {
    this.#timers.clear();
    this.#timers = new Timers(this.clock);
    this.#due.clear();
    this.#controller = this.#newController({ claimsSynced: options.claimsSynced ?? true });
    this.#enqueue([...this.#accounts.list()].map(keyOf));
  }

  putClass(name: string, settings: BenchSettings = {}): void {
    const spec = customDomainClassSpecSchema.parse({
      cloudflare: { zoneID: "0".repeat(32), apiTokenSecretRef: { name: "cloudflare", key: "token" } },
      dns: { target: "edge.example.net" },
      ownership: { issuer: "test" },
      check: { egress: "Off" },
      billing: {
        chargebee: {
          site: "localhost",
          apiURL: `${this.chargebee.url}/api/v2`,
          apiKeySecretRef: { name: "chargebee", key: "apiKey" },
          itemPriceID: ADDON,
          requestsPerMinute: 10_000,
          ...settings,
        },
      },
    });
    this.#classes.apply({ apiVersion: API_VERSION, kind: "CustomDomainClass", metadata: this.#meta({ name }, 1), spec });
    this.#enqueue([...this.#accounts.list()].filter((account) => account.metadata.name === name).map(keyOf));
  }

  /** Creates the account or changes its spec; annotations replace those there. */
  putAccount(key: ObjectKey, spec: Partial<BillingAccountSpec> = {}, annotations?: Readonly<Record<string, string>>): void {
    const [namespace = "", name = ""] = key.split("/");
    const before = this.#accounts.get(key);
    const next: BillingAccountSpec = { subscriptionID: "sub_A", suspend: false, ...before?.spec, ...spec };
    const generation = (before?.metadata.generation ?? 0) + 1;
    const meta = { ...before?.metadata, name, namespace, ...(annotations === undefined ? {} : { annotations }) };
    const status = before?.status === undefined ? {} : { status: before.status };
    this.#accounts.apply({
      apiVersion: API_VERSION,
      kind: "BillingAccount",
      metadata: this.#meta(meta, generation),
      spec: next,
      ...status,
    });
  }

  annotate(key: ObjectKey, annotations: Readonly<Record<string, string>>): void {
    const account = this.account(key);
    this.#accounts.apply({ ...account, metadata: { ...account.metadata, annotations, resourceVersion: this.#next() } });
  }

  /** The status subresource loses everything, as after a restore. */
  dropStatus(key: ObjectKey): void {
    const { status: _, ...account } = this.account(key);
    this.#accounts.apply({ ...account, metadata: { ...account.metadata, resourceVersion: this.#next() } });
  }

  deleteAccount(key: ObjectKey): void {
    const account = this.account(key);
    const metadata = {
      ...account.metadata,
      deletionTimestamp: new Date(this.clock.now()).toISOString(),
      resourceVersion: this.#next(),
    };
    this.#storeOrRemove({ ...account, metadata });
  }

  /** Claims `<prefix>0.test` … of the namespace, proven and served. */
  addClaims(namespace: string, count: number, prefix = "d", className = "default"): void {
    for (let index = 0; index < count; index += 1)
      this.putClaim(`${prefix}${index}.test`, { holder: holderIn(namespace), className });
  }

  putClaim(domain: string, changes: Partial<DomainClaimSpec> = {}): void {
    const before = this.#claims.get(domain);
    const now = new Date(this.clock.now()).toISOString();
    const spec: DomainClaimSpec = {
      domain,
      state: "Proven",
      tenant: "tenant",
      holder: holderIn("a"),
      id: `id-${domain}`,
      className: "default",
      createdTime: now,
      provenTime: now,
      rows: [{ hostname: domain, role: "Primary", zoneID: "0".repeat(32), id: `row-${domain}` }],
      ...before?.spec,
      ...changes,
    };
    this.#claims.apply({
      apiVersion: API_VERSION,
      kind: "DomainClaim",
      metadata: this.#meta({ ...before?.metadata, name: domain }, 1),
      spec,
    });
  }

  /** As the claim protocol does it: Releasing, then gone. */
  releaseClaim(domain: string): void {
    this.putClaim(domain, { state: "Releasing" });
    this.loseClaim(domain);
  }

  /** Gone from one moment to the next. */
  loseClaim(domain: string): void {
    const claim = this.#claims.get(domain);
    if (claim !== undefined) this.#claims.remove({ ...claim, metadata: { ...claim.metadata, resourceVersion: this.#next() } });
  }

  terminateNamespace(name: string): void {
    const metadata = { ...this.#meta({ name }, 1), deletionTimestamp: new Date(this.clock.now()).toISOString() };
    this.#namespaces.apply({ apiVersion: "v1", kind: "Namespace", metadata });
  }

  has(key: ObjectKey): boolean {
    return this.#accounts.get(key) !== undefined;
  }

  account(key: ObjectKey): BillingAccount {
    const account = this.#accounts.get(key);
    if (account === undefined) throw new Error(`no BillingAccount ${key}`);
    return account;
  }

  status(key: ObjectKey): BillingAccountStatus {
    return this.account(key).status ?? {};
  }

  condition(key: ObjectKey, type: string): Condition | undefined {
    return findCondition(this.status(key).conditions, type);
  }

  /** What the watch of the Secret would cause. */
  setKey(apiKey: string | undefined): void {
    this.apiKey = apiKey;
    this.#enqueue([...this.#accounts.list()].map(keyOf));
  }

  /** Lets `ms` of the clock pass and reconciles whatever becomes due, in due order. */
  async run(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    for (;;) {
      const [next] = [...this.#due].sort(([, a], [, b]) => a - b);
      if (next === undefined || next[1] > end) break;
      const [key, due] = next;
      this.clock.advance(Math.max(0, due - this.clock.monotonic()));
      await this.reconcile(key);
    }
    this.clock.advance(Math.max(0, end - this.clock.monotonic()));
  }

  /** One reconcile now; what it asks for is queued. Returns what it threw, LostRace excepted. */
  async reconcile(key: ObjectKey): Promise<void> {
    this.#due.delete(key);
    try {
      const { requeueAfterMs } = await this.#controller.reconciler.reconcile(key, AbortSignal.timeout(60_000));
      if (requeueAfterMs !== undefined) this.#enqueueAt(key, this.clock.monotonic() + requeueAfterMs);
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      this.#enqueueAt(key, this.clock.monotonic() + error.afterMs);
    }
  }

  async putStatus(account: BillingAccount, status: BillingAccountStatus): Promise<BillingAccount> {
    return this.#write(account, (current) => ({ ...current, status }));
  }

  async setFinalizers(account: BillingAccount, finalizers: readonly string[]): Promise<BillingAccount> {
    return this.#write(account, (current) => ({ ...current, metadata: { ...current.metadata, finalizers } }));
  }

  async removeAnnotation(account: BillingAccount, name: string): Promise<BillingAccount> {
    return this.#write(account, (current) => {
      const { [name]: _, ...annotations } = current.metadata.annotations ?? {};
      return { ...current, metadata: { ...current.metadata, annotations } };
    });
  }

  #write(account: BillingAccount, change: (current: BillingAccount) => BillingAccount): BillingAccount {
    const hook = this.beforeWrite;
    this.beforeWrite = () => {};
    hook();
    const current = this.#accounts.get(keyOf(account));
    if (current === undefined || current.metadata.resourceVersion !== account.metadata.resourceVersion)
      throw new TryAgain("conflict");
    const next = change(current);
    const written = { ...next, metadata: { ...next.metadata, resourceVersion: this.#next() } };
    this.writes += 1;
    this.#storeOrRemove(written);
    return written;
  }

  #storeOrRemove(account: BillingAccount): void {
    const { deletionTimestamp, finalizers = [] } = account.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.#accounts.remove(account);
    else this.#accounts.apply(account);
  }

  #enqueue(keys: readonly ObjectKey[]): void {
    for (const key of keys) this.#enqueueAt(key, this.clock.monotonic());
  }

  #enqueueAt(key: ObjectKey, due: number): void {
    this.#due.set(key, Math.min(this.#due.get(key) ?? Number.POSITIVE_INFINITY, due));
  }

  #newController(options: { readonly claimsSynced: boolean } = { claimsSynced: true }): BillingController {
    const { clock } = this;
    const claims = options.claimsSynced ? this.#claims : new Store<DomainClaim>(domainClaimBillingIndexers);
    const sources = new StoreBillingSources({
      accounts: this.#accounts,
      classes: this.#classes,
      claims,
      namespaces: this.#namespaces,
    });
    const sites = new ChargebeeSites({
      dispatcher: this.#agent,
      clock,
      timers: this.#timers,
      timeoutMs: this.#timeoutMs,
      assertMayWrite: () => {
        if (!this.mayWrite) throw new Error("not the leader");
      },
    });
    return createBillingController({
      sources,
      writer: this,
      secrets: { read: () => this.#secret() },
      sites,
      events: { event: (_, type, reason, __, note) => void this.events.push({ type, reason, note }) },
      clock,
      enqueue: (key) => this.#enqueue([key]),
    });
  }

  #secret(): SecretValue {
    if (this.apiKey === undefined) return { kind: "missing", message: "Secret chargebee does not exist" };
    return { kind: "value", value: Buffer.from(`${this.apiKey}\n`), version: this.apiKey };
  }

  #meta(meta: ObjectMeta, generation: number): ObjectMeta {
    return {
      uid: `uid-${meta.namespace ?? ""}-${meta.name}-${this.#version}`,
      ...meta,
      generation,
      resourceVersion: this.#next(),
    };
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }
}

function holderIn(namespace: string) {
  return { namespace, name: "domain", uid: `holder-${namespace}` };
}
