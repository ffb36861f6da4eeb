import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CustomDomain } from "../../api/v1/custom-domain.ts";
import type { CustomDomainRoute } from "../../api/v1/custom-domain-route.ts";
import { API_VERSION } from "../../api/v1/group.ts";
import { findCondition } from "../../core/conditions.ts";
import { KubeClient } from "../../kube/client.ts";
import type { ObjectMeta } from "../../kube/objects.ts";
import { KubeTransport } from "../../kube/transport.ts";
import { createLogger } from "../../runtime/logger.ts";
import { ManualClock } from "../../runtime/manual-clock.testing.ts";
import { Metrics } from "../../runtime/metrics.ts";
import { createLedger, type Ledger } from "../ledger.ts";
import { MemoryAPI } from "../memory-api.fixture.ts";
import { CustomDomainRouteReconciler } from "./reconciler.ts";

let api: MemoryAPI;
let transport: KubeTransport;
let ledger: Ledger;
let reconciler: CustomDomainRouteReconciler;
let version = 0;

beforeEach(async () => {
  api = new MemoryAPI(() => 0);
  const server = await api.listen();
  const logger = createLogger({ level: "silent" });
  transport = new KubeTransport({
    source: { load: async () => ({ server, tls: {} }) },
    userAgent: "test",
    metrics: new Metrics(),
    logger,
  });
  ledger = createLedger(new KubeClient(transport));
  // No Gateway API: nothing that is told here depends on HTTPRoutes.
  ledger.httpRoutes.store.markAbsent();
  api.changed = (plural, object) => {
    if (plural === "customdomainroutes") ledger.routes.store.apply(object as unknown as CustomDomainRoute);
  };
  reconciler = new CustomDomainRouteReconciler({ ledger, clock: new ManualClock() });
});
afterEach(async () => {
  await Promise.all([transport.close(), api.close()]);
});

function putRoute(metadata: Partial<ObjectMeta> = {}): void {
  const spec = { domainRef: { name: "shop" }, path: "/", backendRef: { name: "web", port: 80 } };
  const kind = "CustomDomainRoute";
  api.put("customdomainroutes", {
    apiVersion: API_VERSION,
    kind,
    metadata: { name: "web", namespace: "acme", ...metadata },
    spec,
  });
}

function putDomain(uid: string, status?: CustomDomain["status"], more: Partial<ObjectMeta> = {}): void {
  version += 1;
  ledger.domains.store.apply({
    apiVersion: API_VERSION,
    kind: "CustomDomain",
    metadata: { name: "shop", namespace: "acme", uid, generation: 1, resourceVersion: String(version), ...more },
    spec: { domain: "shop.acme.com", wwwRedirect: "Auto", deletionPolicy: "Delete", suspend: false },
    ...(status === undefined ? {} : { status }),
  });
}

function putClass(gateway: boolean): void {
  version += 1;
  const parentRef = { name: "edge", namespace: "gateways" };
  ledger.classes.store.apply({
    apiVersion: API_VERSION,
    kind: "CustomDomainClass",
    metadata: { name: "default", resourceVersion: String(version) },
    spec: { cloudflare: { apiTokenSecretRef: {} }, billing: {}, check: {}, ...(gateway ? { gateway: { parentRef } } : {}) },
  } as never);
}

const route = () => api.get("customdomainroutes", "acme/web") as unknown as CustomDomainRoute | undefined;
const reconcile = () => reconciler.reconcile("acme/web", AbortSignal.timeout(10_000));

/** What the conditions say, which is the same for all of them. */
function told() {
  const conditions = route()?.status?.conditions ?? [];
  const { reason, message } = findCondition(conditions, "Ready") ?? {};
  expect(conditions.map((found) => [found.type, found.status, found.reason])).toEqual([
    ["Ready", "False", reason],
    ["Programmed", "False", reason],
    ["Reconciling", "True", reason],
  ]);
  return { reason, message };
}

describe("a route that cannot be served says why", () => {
  it("DomainNotFound, and looks again", async () => {
    putRoute();
    expect(await reconcile()).toEqual({ requeueAfterMs: 60_000 });
    expect(told()).toEqual({
      reason: "DomainNotFound",
      message: "CustomDomain shop does not exist in this namespace: create it.",
    });
    expect(route()?.status).not.toHaveProperty("domain");
    expect(route()?.metadata.ownerReferences).toBeUndefined();
  });

  it("DomainNotFound, also while the domain is being deleted", async () => {
    putRoute();
    putDomain("uid-1", { domain: "shop.acme.com", verified: true }, { deletionTimestamp: "2026-01-01T00:00:00Z" });
    await reconcile();
    expect(told().reason).toBe("DomainNotFound");
  });

  it.each([
    ["that has no status", undefined],
    ["that is not live", { domain: "shop.acme.com", verified: false }],
    ["that has no name yet", { verified: true }],
  ])("DomainNotVerified, of a domain %s; the domain brings it back", async (_, status) => {
    putRoute();
    putDomain("uid-1", status);
    expect(await reconcile()).toEqual({});
    expect(told()).toEqual({
      reason: "DomainNotVerified",
      message: "CustomDomain shop is not live yet: see its status for what is missing.",
    });
  });

  it("NoGateway, where the class names none", async () => {
    putRoute();
    putClass(false);
    putDomain("uid-1", { domain: "shop.acme.com", verified: true, className: "default" });
    expect(await reconcile()).toEqual({ requeueAfterMs: 60_000 });
    expect(told()).toEqual({
      reason: "NoGateway",
      message: "The class of CustomDomain shop names no Gateway: requests are routed by other means.",
    });
    expect(route()?.status?.domain).toBe("shop.acme.com");
  });

  it("NoGateway, where the cluster has no Gateway API", async () => {
    putRoute();
    putClass(true);
    putDomain("uid-1", { domain: "shop.acme.com", verified: true, className: "default" });
    await reconcile();
    expect(told()).toEqual({
      reason: "NoGateway",
      message: "The cluster does not serve HTTPRoutes (gateway.networking.k8s.io/v1): install the Gateway API.",
    });
  });

  it("once: what is told already is not written again", async () => {
    putRoute();
    await reconcile();
    const before = route()?.metadata.resourceVersion;
    await reconcile();
    expect(route()?.metadata.resourceVersion).toBe(before);
  });
});

describe("the owner of a route", () => {
  const owner = (uid: string) => ({
    apiVersion: API_VERSION,
    kind: "CustomDomain",
    name: "shop",
    uid,
    controller: true,
    blockOwnerDeletion: true,
  });
  const foreign = { apiVersion: "v1", kind: "ConfigMap", name: "app", uid: "uid-of-app" };

  it("is its domain, beside what others say", async () => {
    putRoute({ ownerReferences: [foreign] });
    putDomain("uid-1");
    await reconcile();
    expect(route()?.metadata.ownerReferences).toEqual([foreign, owner("uid-1")]);
    const before = route()?.metadata.resourceVersion;
    await reconcile();
    expect(route()?.metadata.resourceVersion).toBe(before);
  });

  it("is replaced when the domain is another one of the same name: a reference to the old one would delete the route", async () => {
    putRoute({ ownerReferences: [owner("uid-1"), foreign] });
    putDomain("uid-2");
    await reconcile();
    expect(route()?.metadata.ownerReferences).toEqual([foreign, owner("uid-2")]);
  });

  it("is replaced wherever it stands, also where somebody took the controller's mark off", async () => {
    putRoute({ ownerReferences: [{ ...owner("uid-0"), controller: false }, owner("uid-1"), foreign] });
    putDomain("uid-2");
    await reconcile();
    expect(route()?.metadata.ownerReferences).toEqual([foreign, owner("uid-2")]);
  });

  it("that controls the route and is something else gives way: there can be only one", async () => {
    putRoute({ ownerReferences: [{ ...foreign, controller: true }] });
    putDomain("uid-1");
    await reconcile();
    expect(route()?.metadata.ownerReferences).toEqual([owner("uid-1")]);
  });

  it("of a route that is being deleted is left as it is", async () => {
    putRoute({ finalizers: ["example.org/backup"] });
    putDomain("uid-1");
    api.delete("customdomainroutes", "acme/web");
    expect(await reconcile()).toEqual({});
    expect(route()?.metadata.ownerReferences).toBeUndefined();
  });
});
