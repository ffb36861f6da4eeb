import { join } from "node:path";
import type { ControlPlane } from "../../test/control-plane/control-plane.ts";
import { SYSTEM_NAMESPACE } from "../stage.ts";
import { clearWidgets, createWidgets, deleteWidgets, widgetName } from "../widgets.ts";
import { type ApiRequests, readApiRequests, requestsBetween } from "./api-metrics.ts";
import { ExternalServer } from "./external-server.ts";
import { cpuOf, ProcessMeter } from "./process-meter.ts";
import { settle } from "./settle.ts";
import { StackProcess } from "./stack-process.ts";
import type { Command, Stack } from "./stacks.ts";
import { WidgetWatch } from "./widget-watch.ts";

const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM_NAMESPACE}/leases`;
const LOGS = join(import.meta.dirname, "..", "..", ".tmp", "bench");

/** What all runs of one invocation share. */
export interface Scene {
  readonly controlPlane: ControlPlane;
  readonly kubeconfig: string;
  /** How long converging, and then deleting, may take. */
  readonly timeoutMs: number;
}

export interface RunResult {
  /** From the start of the process to the event of the last write. */
  readonly convergeSeconds: number;
  /** Finalizers and statuses written a second, from the event of the first write to that of the last. */
  readonly writesPerSecond: number;
  /** Of the operator, until all are converged, and in the whole run. */
  readonly cpuSeconds: number;
  readonly cpuSecondsInAll: number;
  readonly peakRssBytes: number;
  readonly peakConnections: number;
  /** Of kube-apiserver and etcd, until all are converged. */
  readonly serverCpuSeconds: number;
  /** Until all are converged; `deletion` from there until all are gone. */
  readonly requests: ApiRequests;
  readonly deletionRequests: ApiRequests | undefined;
  readonly externalCalls: number;
  /** From the requests to delete all until the event of the last one's end. */
  readonly deleteSeconds: number | undefined;
  readonly stopSeconds: number;
  /** Of the driver, which must stay small beside the stacks. */
  readonly driverCpuSeconds: number;
}

/**
 * One run: Widgets are created, the operator is started, converges them, and removes them.
 *
 * @throws Error when a Widget was left out, when the number of external calls is not exactly one for each, or when time is up.
 */
export async function measureRun(scene: Scene, stack: Stack, command: Command, size: number, run: number): Promise<RunResult> {
  const { controlPlane } = scene;
  await controlPlane.request("DELETE", LEASES);
  await using watch = await WidgetWatch.start(controlPlane);
  try {
    await createWidgets(controlPlane, size);
    await within(scene, "all Widgets to exist", watch.untilPresent(size));
    return await operate(scene, stack, command, size, run, watch);
  } finally {
    if (watch.present > 0) await clearWidgets(controlPlane);
  }
}

async function operate(
  scene: Scene,
  stack: Stack,
  command: Command,
  size: number,
  run: number,
  watch: WidgetWatch,
): Promise<RunResult> {
  const { controlPlane } = scene;
  const { etcd = 0, "kube-apiserver": apiServer = 0, "kube-controller-manager": manager = 0 } = controlPlane.pids;
  await settle([etcd, apiServer, manager]);
  await using external = await ExternalServer.start();
  const before = await readApiRequests(controlPlane);
  const serverBefore = await cpuOf([etcd, apiServer]);
  const driver = process.cpuUsage();
  await using operator = await StackProcess.start({
    command,
    kubeconfig: scene.kubeconfig,
    externalUrl: external.url,
    logFile: join(LOGS, `${stack.name}-${size}-${run}.log`),
  });
  using meter = new ProcessMeter(operator.pid, new URL(controlPlane.server));

  const progress = (): string => `all to converge: ${watch.converged} of ${size} have`;
  await within(scene, progress, Promise.race([watch.untilConverged(size), operator.failure]));
  const convergedAt = performance.now();
  const serverCpuSeconds = (await cpuOf([etcd, apiServer])) - serverBefore;
  const converged = await meter.read();
  const driverUsed = process.cpuUsage(driver);
  const afterConverge = await readApiRequests(controlPlane);

  const deleteSeconds = stack.deletes ? await removeAll(scene, watch, operator) : undefined;
  const afterDelete = stack.deletes ? await readApiRequests(controlPlane) : undefined;
  const end = await meter.read();
  const stopSeconds = await operator.stop();
  const externalCalls = await countCalls(external, size);
  return {
    convergeSeconds: (convergedAt - operator.startedAt) / 1_000,
    writesPerSecond: (2 * size) / ((convergedAt - (watch.firstWriteAt ?? operator.startedAt)) / 1_000),
    cpuSeconds: converged.cpuSeconds,
    cpuSecondsInAll: end.cpuSeconds,
    peakRssBytes: end.peakRssBytes,
    peakConnections: end.peakConnections,
    serverCpuSeconds,
    requests: requestsBetween(before, afterConverge),
    deletionRequests: afterDelete === undefined ? undefined : requestsBetween(afterConverge, afterDelete),
    externalCalls,
    deleteSeconds,
    stopSeconds,
    driverCpuSeconds: (driverUsed.user + driverUsed.system) / 1e6,
  };
}

/** The API server gives up a collection after a minute and has then deleted a part of it, so it is asked until it has finished. */
async function removeAll(scene: Scene, watch: WidgetWatch, operator: StackProcess): Promise<number> {
  const started = performance.now();
  const ask = async (): Promise<void> => {
    while (watch.present > 0) {
      const accepted = await deleteWidgets(scene.controlPlane).then(
        () => true,
        () => false,
      );
      if (accepted) return;
    }
  };
  const gone = Promise.all([ask(), watch.untilPresent(0)]);
  await within(scene, () => `all to be gone: ${watch.present} are left`, Promise.race([gone, operator.failure]));
  return (performance.now() - started) / 1_000;
}

/** Resolves to the number of calls. @throws Error when a Widget was asked for more than once, or not at all. */
async function countCalls(external: ExternalServer, size: number): Promise<number> {
  const calls = await external.calls();
  const keys = Array.from({ length: size }, (_, index) => widgetName(index)).map(({ namespace, name }) => `${namespace}/${name}`);
  const wrong = [...new Set([...keys, ...calls.keys()])].filter((key) => calls.get(key) !== 1);
  if (wrong.length > 0) {
    const examples = wrong.slice(0, 5).map((key) => `${key}: ${calls.get(key) ?? 0}`);
    throw new Error(`${wrong.length} Widgets were not asked for exactly once: ${examples.join(", ")}`);
  }
  return calls.size;
}

async function within<T>(scene: Scene, what: string | (() => string), work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => {
    const text = typeof what === "string" ? what : what();
    reject(new Error(`gave up waiting for ${text} after ${scene.timeoutMs / 1_000} s`));
  };
  const timer = setTimeout(giveUp, scene.timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
