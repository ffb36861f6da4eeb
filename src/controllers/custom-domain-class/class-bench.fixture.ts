import { Agent } from "undici";
import { SkewedClock } from "../../../test/simulators/clock.ts";
import { classSpecFor } from "../../../test/simulators/platform.ts";
import { startWorld, type World } from "../../../test/simulators/world.ts";
import { type BillingAccount, billingAccountSpecSchema } from "../../api/v1/billing-account.ts";
import {
  type CustomDomainClass,
  type CustomDomainClassSpec,
  customDomainClassSpecSchema,
} from "../../api/v1/custom-domain-class.ts";
import type { DomainClaimSpec } from "../../api/v1/domain-claim.ts";
import { API_VERSION } from "../../api/v1/group.ts";
import { CloudflareSessions } from "../../cloudflare/sessions.ts";
import { findCondition } from "../../core/conditions.ts";
import { KubeClient } from "../../kube/client.ts";
import type { SecretValue } from "../../kube/secrets.ts";
import type { Store } from "../../kube/store.ts";
import { KubeTransport } from "../../kube/transport.ts";
import { TryAgain } from "../../runtime/controller.ts";
import { createLogger } from "../../runtime/logger.ts";
import { Metrics } from "../../runtime/metrics.ts";
import { Timers } from "../../runtime/timers.ts";
import { ReleaseProgress } from "../domain-claim/progress.ts";
import { createLedger, type Ledger } from "../ledger.ts";
import { MemoryAPI, type Stored } from "../memory-api.fixture.ts";
import { Providers } from "../providers.ts";
import { CustomDomainClassReconciler } from "./reconciler.ts";

type Changes = { readonly [Section in keyof CustomDomainClassSpec]?: Readonly<Record<string, unknown>> | boolean };

/**
 * The class controller with everything below it real: the API server is in memory, Cloudflare and DNS are simulated servers.
 * The test says which Secrets there are, which site Chargebee refuses the key for, and who is reconciled when.
 */
export class ClassBench implements AsyncDisposable {
  readonly world: World;
  readonly api: MemoryAPI;
  readonly ledger: Ledger;
  readonly events: string[] = [];
  readonly progress = new ReleaseProgress();
  /** By "name/key"; what is not in it does not exist. */
  readonly secrets = new Map<string, SecretValue>();
  /** Credentials, as "site name/key", that Chargebee refuses. */
  readonly refusedKeys = new Set<string>();
  readonly #dispatcher = new Agent({ allowH2: false });
  readonly #transport: KubeTransport;
  readonly #sessions: CloudflareSessions;
  readonly #providers: Providers;
  readonly #reconciler: CustomDomainClassReconciler;

  static async start(): Promise<ClassBench> {
    const clock = new SkewedClock();
    const world = await startWorld({ clock });
    const api = new MemoryAPI(() => clock.now());
    return new ClassBench(world, api, await api.listen());
  }

  private constructor(world: World, api: MemoryAPI, server: URL) {
    this.world = world;
    this.api = api;
    const { clock } = world;
    const source = { load: async () => ({ server, tls: {} }) };
    const logger = createLogger({ level: "silent" });
    this.#transport = new KubeTransport({ source, userAgent: "test", metrics: new Metrics(), logger });
    this.ledger = createLedger(new KubeClient(this.#transport));
    const { cloudflareToken, chargebeeKey, signingKey } = world.connection;
    this.putSecret("cloudflare/token", cloudflareToken);
    this.putSecret("chargebee/apiKey", chargebeeKey);
    this.putSecret("domain-check/signingKey", signingKey);
    this.#sessions = new CloudflareSessions({
      clock,
      timers: new Timers(clock),
      dispatcher: this.#dispatcher,
      assertMayWrite: () => {},
      log: { record: () => {} },
      onChange: () => {},
      onSnapshotFailure: () => {},
    });
    const secrets = { read: (ref: { readonly name: string; readonly key: string }) => this.#read(ref) };
    this.#providers = new Providers({ ledger: this.ledger, secrets, sessions: this.#sessions });
    this.#reconciler = new CustomDomainClassReconciler({
      ledger: this.ledger,
      providers: this.#providers,
      secrets,
      sites: { isRefused: ({ site, credential }) => this.refusedKeys.has(`${site} ${credential}`) },
      progress: this.progress,
      events: { event: (_, type, reason) => void this.events.push(`${type} ${reason}`) },
      clock,
    });
    api.changed = (plural, object, gone) => {
      const store = this.#stores().get(plural);
      if (gone) store?.remove(object);
      else store?.apply(object);
    };
  }

  /** The caches have been filled. */
  sync(...plurals: readonly ("domainclaims" | "billingaccounts")[]): void {
    for (const plural of plurals) this.#stores().get(plural)?.replace(this.api.list(plural), this.api.version);
  }

  putSecret(ref: string, value: string): void {
    this.secrets.set(ref, { kind: "value", value: Buffer.from(value), version: value });
  }

  putClass(name: string, changes: Changes = {}): void {
    const base: Changes = { ...classSpecFor(this.world.connection), default: false };
    const merged = Object.entries({ ...base, ...changes }).map(([key, value]) => {
      const known = Reflect.get(base, key);
      return [key, typeof value === "object" && typeof known === "object" ? { ...known, ...value } : value];
    });
    const spec = customDomainClassSpecSchema.parse(Object.fromEntries(merged));
    this.api.put("customdomainclasses", { apiVersion: API_VERSION, kind: "CustomDomainClass", metadata: { name }, spec });
  }

  putClaim(name: string, spec: Partial<DomainClaimSpec> = {}): void {
    const holder = { namespace: "acme", name: "shop", uid: "uid-of-shop" };
    const times = { createdTime: "2026-01-01T00:00:00Z", provenTime: "2026-01-01T00:00:00Z" };
    const whole = { state: "Proven", domain: name, holder, tenant: "acme", className: "default", ...times, rows: [], ...spec };
    this.api.put("domainclaims", { apiVersion: API_VERSION, kind: "DomainClaim", metadata: { name }, spec: whole });
  }

  putAccount(namespace: string, className: string, lines: NonNullable<BillingAccount["status"]>["lines"]): void {
    const spec = billingAccountSpecSchema.parse({ subscriptionID: "sub-1" });
    const metadata = { name: className, namespace };
    this.api.put("billingaccounts", { apiVersion: API_VERSION, kind: "BillingAccount", metadata, spec, status: { lines } });
  }

  class(name = "default"): CustomDomainClass | undefined {
    return this.api.get("customdomainclasses", name) as CustomDomainClass | undefined;
  }

  condition(type: string, name = "default") {
    const found = findCondition(this.class(name)?.status?.conditions, type);
    return found === undefined ? undefined : { status: found.status, reason: found.reason, message: found.message };
  }

  /** One reconcile. @returns when it wants to be called again, ms. */
  async reconcile(name = "default"): Promise<number | undefined> {
    try {
      return (await this.#reconciler.reconcile(name, AbortSignal.timeout(20_000))).requeueAfterMs;
    } catch (error) {
      if (error instanceof TryAgain) return error.afterMs;
      throw error;
    }
  }

  /** The zone is listed, as it is while somebody watches it. */
  async listZone(): Promise<void> {
    await this.#session().snapshot.refresh(AbortSignal.timeout(10_000));
  }

  /** Somebody asks for the row by its id, and what the answer says is known from then on. */
  async lookUp(id: string): Promise<void> {
    const calls = { subject: "test", why: "look", hostnames: [], priority: "normal" } as const;
    const session = this.#session();
    await session.api(calls).get(session.zoneID, id, AbortSignal.timeout(10_000));
  }

  /** Requests that Cloudflare has had, whatever they asked. */
  calls(): number {
    return Object.values(this.world.cloudflare.counters()).reduce((sum, count) => sum + count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sessions.closeAll();
    await Promise.all([this.#transport.close(), this.#dispatcher.destroy(), this.api.close(), this.world.close()]);
  }

  #session() {
    const provider = this.#providers.cloudflare("default");
    if (provider.kind !== "ready") throw new Error(provider.message);
    return provider.session;
  }

  #read({ name, key }: { readonly name: string; readonly key: string }): SecretValue {
    const message = `Secret ${name} does not exist in namespace operator`;
    return this.secrets.get(`${name}/${key}`) ?? { kind: "missing", message };
  }

  /** As the watch fills them. */
  #stores(): ReadonlyMap<string, Store<Stored>> {
    const { classes, claims, accounts } = this.ledger;
    const stores = { customdomainclasses: classes.store, domainclaims: claims.store, billingaccounts: accounts.store };
    return new Map(Object.entries(stores as unknown as Record<string, Store<Stored>>));
  }
}
