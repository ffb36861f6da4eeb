import { type BillingAccount, billingAccountSpecSchema } from "./api/v1/billing-account.ts";
import { type CustomDomain, customDomainSpecSchema } from "./api/v1/custom-domain.ts";
import { type CustomDomainClass, customDomainClassSpecSchema } from "./api/v1/custom-domain-class.ts";
import type { CustomDomainRoute } from "./api/v1/custom-domain-route.ts";
import type { DomainClaim } from "./api/v1/domain-claim.ts";
import { API_VERSION } from "./api/v1/group.ts";
import { BillingTriggers } from "./controllers/billing-account/billing-triggers.ts";
import { StoreBillingSources } from "./controllers/billing-account/kube-ports.ts";
import { BillingMemory } from "./controllers/billing-account/memory.ts";
import { createLedger, type Ledger } from "./controllers/ledger.ts";
import type { HTTPRoute } from "./core/http-route.ts";
import { KubeClient } from "./kube/client.ts";
import type { Collection } from "./kube/collection.ts";
import { type KubeObject, keyOf, type ObjectKey, type ObjectMeta } from "./kube/objects.ts";
import { KubeTransport } from "./kube/transport.ts";
import { Controller } from "./runtime/controller.ts";
import { createLogger } from "./runtime/logger.ts";
import { ManualClock } from "./runtime/manual-clock.testing.ts";
import { Metrics } from "./runtime/metrics.ts";
import { Timers } from "./runtime/timers.ts";
import { Priority } from "./runtime/work-queue.ts";
import { type Controllers, Triggers } from "./triggers.ts";

const QUEUES = ["domains", "claims", "accounts", "classes", "routes"] as const;

/** The caches of a small platform with the triggers on them, and controllers that only collect keys: nobody works on them. */
export class TriggerBench {
  readonly ledger: Ledger;
  readonly triggers: Triggers;
  readonly #controllers: Controllers;
  #version = 0;

  constructor() {
    const logger = createLogger({ level: "silent" });
    const metrics = new Metrics();
    const clock = new ManualClock();
    const timers = new Timers(clock);
    const source = { load: () => Promise.reject(new Error("there is no API server")) };
    this.ledger = createLedger(new KubeClient(new KubeTransport({ source, userAgent: "test", metrics, logger })));
    const idle = (name: string): Controller =>
      new Controller({
        name,
        source: { settle: async () => {}, keys: () => [] },
        reconciler: { reconcile: async () => ({}) },
        maxConcurrent: 1,
        clock,
        timers,
        logger,
        metrics,
      });
    const [domains, claims, accounts, classes, routes] = QUEUES.map(idle) as [
      Controller,
      Controller,
      Controller,
      Controller,
      Controller,
    ];
    this.#controllers = { domains, claims, accounts, classes, routes };
    const { ledger } = this;
    const stores = {
      accounts: ledger.accounts.store,
      classes: ledger.classes.store,
      claims: ledger.claims.store,
      namespaces: ledger.namespaces.store,
    };
    const billing = new BillingTriggers({ sources: new StoreBillingSources(stores), memory: new BillingMemory(), clock });
    this.triggers = new Triggers({ ledger, controllers: this.#controllers, billing });
    this.triggers.connect();
  }

  /** What the change queued: "<queue> <key>", with " low" behind what waits for all live changes. */
  queuedBy(change: () => void): string[] {
    this.#drain();
    change();
    return this.#drain();
  }

  /** A list that the API server gives: what is cached already, without `gone`, and with what nobody has seen yet. */
  list<T extends KubeObject>(collection: Collection<T>, more: readonly T[], gone?: ObjectKey): void {
    const kept = [...collection.store.list()].filter((object) => keyOf(object) !== gone);
    const added = more.map((object) => collection.project(this.#versioned(object)));
    collection.store.replace([...kept, ...added], String(this.#version));
  }

  /** A watch event: the object is new, or what it is now. */
  put<T extends KubeObject>(collection: Collection<T>, object: T): void {
    collection.store.apply(collection.project(this.#versioned(object)));
  }

  remove<T extends KubeObject>(collection: Collection<T>, key: ObjectKey): void {
    collection.store.remove(this.#versioned(this.#known(collection, key)));
  }

  /** A change of what is there, by whoever may write that part. Without a change of spec the generation stays. */
  edit<T extends KubeObject>(
    collection: Collection<T>,
    key: ObjectKey,
    changes: Partial<Omit<T, "metadata">>,
    metadata: Partial<ObjectMeta> = {},
  ): void {
    const before = this.#known(collection, key);
    const { generation = 1 } = before.metadata;
    const next = { ...before.metadata, generation: changes.spec === undefined ? generation : generation + 1, ...metadata };
    this.put(collection, { ...before, ...changes, metadata: next });
  }

  #known<T extends KubeObject>(collection: Collection<T>, key: ObjectKey): T {
    const object = collection.get(key);
    if (object === undefined) throw new Error(`${key} is not there`);
    return object;
  }

  #versioned<T extends KubeObject>(object: T): T {
    this.#version += 1;
    const { uid = `uid-of-${keyOf(object)}`, generation = 1 } = object.metadata;
    return { ...object, metadata: { ...object.metadata, uid, generation, resourceVersion: String(this.#version) } };
  }

  #drain(): string[] {
    const found: string[] = [];
    for (const name of QUEUES) {
      const { queue } = this.#controllers[name];
      for (let item = queue.take(); item !== undefined; item = queue.take()) {
        queue.done(item.key);
        found.push(`${name} ${item.key}${item.priority === Priority.Low ? " low" : ""}`);
      }
    }
    return found.sort();
  }
}

export function namespace(name: string, more: Partial<ObjectMeta> = {}): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, ...more } };
}

export function classNamed(name: string, changes: Readonly<Record<string, unknown>> = {}): CustomDomainClass {
  const spec = customDomainClassSpecSchema.parse({
    cloudflare: { zoneID: "0".repeat(32), apiTokenSecretRef: { name: `token-${name}`, key: "token" } },
    dns: { target: "edge.platform.dev" },
    ownership: { issuer: "test" },
    check: { egress: "Off" },
    billing: {},
    ...changes,
  });
  return { apiVersion: API_VERSION, kind: "CustomDomainClass", metadata: { name }, spec };
}

export function domainAt(
  key: ObjectKey,
  domain: string,
  status: CustomDomain["status"] = { domain, className: "default" },
): CustomDomain {
  const spec = customDomainSpecSchema.parse({ domain, className: status?.className ?? "default" });
  return {
    apiVersion: API_VERSION,
    kind: "CustomDomain",
    metadata: metaOf(key),
    spec,
    ...(status === undefined ? {} : { status }),
  };
}

export function claimOf(name: string, holder: ObjectKey, changes: Partial<DomainClaim["spec"]> = {}): DomainClaim {
  const { namespace: tenant = "", name: object } = metaOf(holder);
  const spec = {
    state: "Proven",
    domain: name,
    holder: { namespace: tenant, name: object, uid: `uid-of-${holder}` },
    tenant,
    className: "default",
    createdTime: "2026-01-01T00:00:00Z",
    rows: [],
    ...changes,
  } as const;
  return { apiVersion: API_VERSION, kind: "DomainClaim", metadata: { name }, spec };
}

export function accountAt(key: ObjectKey, subscriptionID: string, status: BillingAccount["status"] = {}): BillingAccount {
  const spec = billingAccountSpecSchema.parse({ subscriptionID });
  return { apiVersion: API_VERSION, kind: "BillingAccount", metadata: metaOf(key), spec, status };
}

export function routeAt(key: ObjectKey, domain: string): CustomDomainRoute {
  const spec = { domainRef: { name: domain }, path: "/", backendRef: { name: "web", port: 80 } };
  return { apiVersion: API_VERSION, kind: "CustomDomainRoute", metadata: metaOf(key), spec };
}

export function httpRouteOf(key: ObjectKey, owner: string, kind = "CustomDomainRoute"): HTTPRoute {
  const ownerReferences = [{ apiVersion: API_VERSION, kind, name: owner, uid: `uid-of-${owner}`, controller: true }];
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { ...metaOf(key), ownerReferences },
    spec: {},
  };
}

function metaOf(key: ObjectKey): ObjectMeta {
  const [space = "", name = ""] = key.split("/");
  return { namespace: space, name };
}
