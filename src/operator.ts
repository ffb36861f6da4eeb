import { randomBytes } from "node:crypto";
import { getServers } from "node:dns";
import { Agent } from "undici";
import { ChargebeeSites } from "./chargebee/sites.ts";
import { CloudflareSessions } from "./cloudflare/sessions.ts";
import type { Config } from "./config.ts";
import { createBillingController } from "./controllers/billing-account/billing-controller.ts";
import { KubeAccountWriter, StoreBillingSources } from "./controllers/billing-account/kube-ports.ts";
import { CustomDomainReconciler } from "./controllers/custom-domain/reconciler.ts";
import { CustomDomainClassReconciler } from "./controllers/custom-domain-class/reconciler.ts";
import { CustomDomainRouteReconciler } from "./controllers/custom-domain-route/reconciler.ts";
import { ReleaseProgress } from "./controllers/domain-claim/progress.ts";
import { DomainClaimReconciler } from "./controllers/domain-claim/reconciler.ts";
import { collectionsOf, createLedger, HTTP_ROUTES, type Ledger, secretRefsOf } from "./controllers/ledger.ts";
import { Providers } from "./controllers/providers.ts";
import { MANAGED_BY } from "./core/http-route.ts";
import { KubeClient } from "./kube/client.ts";
import type { CredentialSource } from "./kube/credentials.ts";
import { EventBroadcaster } from "./kube/events.ts";
import { LEASES, type Lease, LeaseElector } from "./kube/lease.ts";
import type { KubeObject } from "./kube/objects.ts";
import { Reflector, type ReflectorOptions, withoutManagedFields } from "./kube/reflector.ts";
import { type SecretReader, SecretStore } from "./kube/secrets.ts";
import { Store } from "./kube/store.ts";
import { KubeTransport } from "./kube/transport.ts";
import type { Clock } from "./runtime/clock.ts";
import { Controller } from "./runtime/controller.ts";
import { HealthServer } from "./runtime/health.ts";
import { KeyedLock } from "./runtime/keyed-lock.ts";
import type { Logger } from "./runtime/logger.ts";
import { type Background, Manager } from "./runtime/manager.ts";
import { Metrics } from "./runtime/metrics.ts";
import { Timers } from "./runtime/timers.ts";
import { Priority } from "./runtime/work-queue.ts";
import { Triggers } from "./triggers.ts";

export const CONTROLLER_NAME = "customdomains.dev/operator";
const LEASE_NAME = "custom-domain-operator";
const OURS = Object.entries(MANAGED_BY)
  .map(([name, value]) => `${name}=${value}`)
  .join();
const PROVIDER_TIMEOUT_MS = 30_000;

/** What a run is made of besides its configuration; tests start the same composition with another clock. */
export interface OperatorDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly credentials: CredentialSource;
  readonly version: string;
}

/** Puts the operator together and runs it until `signal` is aborted. Rejects when the Lease is lost: the process must end then. */
export async function runOperator(config: Config, dependencies: OperatorDependencies, signal: AbortSignal): Promise<void> {
  const { clock, logger } = dependencies;
  const metrics = new Metrics();
  const health = new HealthServer(metrics);
  const userAgent = `custom-domain-operator/${dependencies.version} (${process.platform}/${process.arch})`;
  const transport = new KubeTransport({ source: dependencies.credentials, userAgent, metrics, logger });
  const client = new KubeClient(transport);
  const ledger = createLedger(client);
  const timers = new Timers(clock);
  const dispatcher = new Agent({ allowH2: false, connections: 16, pipelining: 1 });
  const { identity, namespace } = config;
  const leases = new Store<Lease>();
  const elector = new LeaseElector({ client, namespace, name: LEASE_NAME, identity, logger, metrics, seen: leases });
  const assertMayWrite = (): void => {
    if (config.leaderElect) elector.assertMayWrite();
  };
  const events = new EventBroadcaster({ transport, logger, controller: CONTROLLER_NAME, instance: identity });

  // Secrets and snapshots report to the triggers, which need the controllers, which need them: the knot is tied by this variable.
  let triggers: Triggers | undefined;
  const secrets = new SecretStore({
    namespace,
    transport,
    metrics,
    logger,
    random: Math.random,
    onChange: (name) => triggers?.secretChanged(name),
  });
  const sessions = new CloudflareSessions({
    clock,
    timers,
    dispatcher,
    assertMayWrite,
    log: { record: (entry) => logger.info({ provider: "cloudflare", ...entry }, "external mutation") },
    onChange: (hostname) => triggers?.hostnameChanged(hostname),
    onSnapshotFailure: (classes, error) => logger.warn({ classes, err: error }, "the zone could not be listed"),
  });
  const providers = new Providers({ ledger, secrets, sessions });
  const sites = new ChargebeeSites({
    dispatcher,
    clock,
    timers,
    timeoutMs: PROVIDER_TIMEOUT_MS,
    assertMayWrite,
    log: { record: (entry) => logger.info({ provider: "chargebee", ...entry }, "external mutation") },
  });
  const progress = new ReleaseProgress();
  const locks = new KeyedLock();
  const billing = createBillingController({
    sources: new StoreBillingSources({
      accounts: ledger.accounts.store,
      classes: ledger.classes.store,
      claims: ledger.claims.store,
      namespaces: ledger.namespaces.store,
    }),
    writer: new KubeAccountWriter(ledger.accounts),
    secrets,
    sites,
    events,
    clock,
    enqueue: (key) => controllers.accounts.queue.add(key, Priority.Low),
  });
  const check = {
    clock,
    randomBytes: (size: number) => randomBytes(size),
    systemResolvers: getServers,
    deniedCIDRs: config.deniedCIDRs,
    secrets,
  };
  const common = { clock, timers, logger, metrics };
  const controllers = {
    domains: new Controller({
      ...common,
      name: "customdomain",
      source: ledger.domains,
      maxConcurrent: config.workers,
      reconciler: new CustomDomainReconciler({ ledger, providers, locks, progress, events, check, clock }),
    }),
    claims: new Controller({
      ...common,
      name: "domainclaim",
      source: ledger.claims,
      maxConcurrent: 8,
      reconciler: new DomainClaimReconciler({ ledger, providers, locks, progress, clock, logger }),
    }),
    // Calls wait for the site's budget, which may be a few a minute.
    accounts: new Controller({
      ...common,
      name: "billingaccount",
      source: ledger.accounts,
      maxConcurrent: 4,
      timeoutMs: 300_000,
      reconciler: billing.reconciler,
    }),
    classes: new Controller({
      ...common,
      name: "customdomainclass",
      source: ledger.classes,
      maxConcurrent: 2,
      reconciler: new CustomDomainClassReconciler({ ledger, providers, sites, secrets, progress, events, clock }),
    }),
    routes: new Controller({
      ...common,
      name: "customdomainroute",
      source: ledger.routes,
      maxConcurrent: 2,
      reconciler: new CustomDomainRouteReconciler({ ledger, clock }),
    }),
  };
  triggers = new Triggers({ ledger, controllers, billing: billing.triggers });
  triggers.connect();
  progress.onFailure((domain) => triggers?.releaseFailed(domain));

  const reflecting = { transport, metrics, logger, random: Math.random };
  const leaseWatch = new Reflector<Lease>({
    ...reflecting,
    resource: LEASES,
    namespace,
    fieldSelector: `metadata.name=${LEASE_NAME}`,
    store: leases,
    project: withoutManagedFields,
  });
  const manager = new Manager({
    logger,
    health,
    ...(config.leaderElect ? { elector } : {}),
    caches: [...reflectorsOf(ledger, reflecting), secrets, ...(config.leaderElect ? [leaseWatch] : [])],
    synced: () => collectionsOf(ledger).every(({ store }) => store.synced) && secretsAreKnown(ledger, secrets),
    onLead: () => billing.reconciler.leaseGained(),
    controllers: Object.values(controllers),
    flush: (timeoutMs) => events.flush(timeoutMs),
  });
  const port = await health.listen(config.healthAddress);
  logger.info({ version: dependencies.version, namespace, identity, healthPort: port }, "started");
  try {
    await manager.run(signal);
  } finally {
    await sessions.closeAll();
    timers.clear();
    await Promise.all([transport.close(), dispatcher.destroy(), health.close()]);
    logger.info("stopped");
  }
}

/**
 * Whether every Secret that a class names has been looked for, which the first call begins. Without that, each start would tell of
 * classes that wait for their credential, and take it back a moment later.
 */
function secretsAreKnown(ledger: Ledger, secrets: SecretReader): boolean {
  const refs = [...ledger.classes.store.list()].flatMap(secretRefsOf);
  return refs.map((ref) => secrets.read(ref).kind).every((kind) => kind !== "unknown");
}

function reflectorsOf(
  ledger: Ledger,
  common: Pick<ReflectorOptions<KubeObject>, "transport" | "metrics" | "logger" | "random">,
): readonly Background[] {
  return collectionsOf(ledger).map(({ resource, store, project }) => {
    const ours = resource === HTTP_ROUTES ? { optional: true, labelSelector: OURS } : {};
    return new Reflector({ ...common, resource, store, project, ...ours });
  });
}
