import { KubeClient } from "../../src/kube/client.ts";
import { Collection } from "../../src/kube/collection.ts";
import type { CredentialSource } from "../../src/kube/credentials.ts";
import { LeaseElector } from "../../src/kube/lease.ts";
import { Reflector } from "../../src/kube/reflector.ts";
import { Store } from "../../src/kube/store.ts";
import { KubeTransport } from "../../src/kube/transport.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { Controller } from "../../src/runtime/controller.ts";
import { HealthServer } from "../../src/runtime/health.ts";
import type { Logger } from "../../src/runtime/logger.ts";
import { Manager } from "../../src/runtime/manager.ts";
import { Metrics } from "../../src/runtime/metrics.ts";
import { Timers } from "../../src/runtime/timers.ts";
import { Priority } from "../../src/runtime/work-queue.ts";
import { ExternalSystem } from "./external-system.ts";
import { WidgetReconciler } from "./reconciler.ts";
import { isNews, projectWidget, WIDGETS, type Widget } from "./widget.ts";

const LEASE_NAME = "bench-ours";

export interface StackConfig {
  /** Holds the Lease. */
  readonly namespace: string;
  readonly externalUrl: string;
  readonly workers: number;
  readonly connections: number;
  readonly identity: string;
  readonly healthAddress: string;
}

export interface StackDependencies {
  readonly credentials: CredentialSource;
  readonly logger: Logger;
  /** Told once the stack runs, of what has every Widget looked at once more. */
  readonly onStart: (resync: () => void) => void;
}

/** The operator's own runtime, put together as src/operator.ts does it, around the reconciler of Widgets. Runs until aborted. */
export async function runStack(config: StackConfig, dependencies: StackDependencies, signal: AbortSignal): Promise<void> {
  const { namespace, identity } = config;
  const { logger, credentials } = dependencies;
  const clock = systemClock;
  const metrics = new Metrics();
  const health = new HealthServer(metrics);
  const transport = new KubeTransport({ source: credentials, userAgent: "bench-ours", metrics, logger });
  const client = new KubeClient(transport);
  const widgets = new Collection<Widget>({ resource: WIDGETS, store: new Store<Widget>(), client, project: projectWidget });
  const timers = new Timers(clock);
  const elector = new LeaseElector({ client, namespace, name: LEASE_NAME, identity, logger, metrics });
  const external = new ExternalSystem({ url: config.externalUrl, connections: config.connections });
  const controller = new Controller({
    name: "widget",
    source: widgets,
    maxConcurrent: config.workers,
    clock,
    timers,
    logger,
    metrics,
    reconciler: new WidgetReconciler({ widgets, external, guard: elector, clock }),
  });
  widgets.store.onChange(({ key, before, after, initial }) => {
    if (isNews(before, after)) controller.queue.add(key, initial ? Priority.Low : Priority.Live);
  });
  const reflector = new Reflector<Widget>({
    resource: WIDGETS,
    store: widgets.store,
    project: widgets.project,
    transport,
    metrics,
    logger,
    random: Math.random,
  });
  const manager = new Manager({
    logger,
    health,
    elector,
    caches: [reflector],
    synced: () => widgets.store.synced,
    onLead: () => {},
    controllers: [controller],
    flush: async () => {},
  });
  const port = await health.listen(config.healthAddress);
  logger.info({ namespace, identity, healthPort: port }, "started");
  dependencies.onStart(() => controller.resync());
  try {
    await manager.run(signal);
  } finally {
    timers.clear();
    await Promise.all([transport.close(), external.close(), health.close()]);
    logger.info("stopped");
  }
}
