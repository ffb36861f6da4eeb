import { join } from "node:path";
import { getDomain } from "tldts";
import { z } from "zod";
import { billingAccountSpecSchema } from "../../src/api/v1/billing-account.ts";
import { customDomainSpecSchema } from "../../src/api/v1/custom-domain.ts";
import { type Binaries, ensureBinaries } from "../control-plane/binaries.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { freePort } from "../control-plane/ports.ts";
import { demonstrationTimings } from "../simulators/cloudflare/timings.ts";
import { startWorld, type World } from "../simulators/world.ts";
import { installChart, RELEASE } from "../tools/helm.ts";
import { kubectl } from "../tools/kubectl.ts";
import { ensureTool } from "../tools/tools.ts";
import { type Narrator, seconds } from "./narrator.ts";
import type { Runner, StepTools } from "./runner.ts";
import { Samples } from "./samples.ts";
import { ShippedOperator } from "./shipped-operator.ts";

/** Compiling Kubernetes takes minutes, once per machine. */
const BINARIES_MS = 45 * 60_000;
const START_MS = 180_000;
/** A demo that is left running must outlive the usual hour. */
const TOKEN_SECONDS = 7 * 24 * 3600;
const LABEL_WIDTH = 14;
/** Of a log that tells why the operator does not start. */
const LOG_LINES = 15;
/** How long resolvers remember that a customer's record was missing. */
const NEGATIVE_TTL_SECONDS = 5;

const whoamiSchema = z.looseObject({ status: z.looseObject({ userInfo: z.looseObject({ username: z.string() }) }) });

/** What runs while the story is told. */
export interface Stage {
  readonly controlPlane: ControlPlane;
  readonly world: World;
  readonly samples: Samples;
  readonly operator: ShippedOperator;
}

interface Setup {
  readonly runner: Runner;
  readonly narrator: Narrator;
  /** Everything that is started is left to it, to be ended in reverse order. */
  readonly stack: AsyncDisposableStack;
}

type Phase<T> = (tools: StepTools) => Promise<{ readonly result: string; readonly made: T }>;

/** Starts all of it, and says how long each part took. */
export async function setStage(setup: Setup): Promise<Stage> {
  const { narrator, stack } = setup;
  narrator.heading("Setting up");
  const binaries = await phase(setup, "binaries", BINARIES_MS, (tools) => obtainBinaries(narrator, tools));
  const controlPlane = await phase(setup, "control plane", START_MS, async ({ signal }) => {
    const made = await startControlPlane({ binaries, signal });
    stack.defer(() => made.stop());
    return { made, result: `Kubernetes at ${made.server}` };
  });
  const world = await phase(setup, "simulators", START_MS, async () => {
    const made = await startWorld({ timings: demonstrationTimings });
    stack.defer(() => made.close());
    return { made, result: "Cloudflare, Chargebee, DNS (two authoritative servers, one recursive) and an edge with its origin" };
  });
  await phase(setup, "chart", START_MS, async () => {
    await installChart(controlPlane.kubeconfig);
    // Lets the garbage collector know the new kinds now, instead of within 30 s.
    await controlPlane.restartControllerManager();
    return { made: undefined, result: "CRDs, ServiceAccount and RBAC installed by helm" };
  });
  const samples = await Samples.load(world.connection);
  prepareTenants(world, samples);
  const operator = await phase(setup, "operator", START_MS, (tools) => startOperator(controlPlane, setup, tools));
  return { controlPlane, world, samples, operator };
}

async function phase<T>({ runner, narrator }: Setup, label: string, deadlineMs: number, work: Phase<T>): Promise<T> {
  const { value, tookMs } = await runner.run(`Setting up: ${label}`, deadlineMs, work);
  narrator.success(`${label.padEnd(LABEL_WIDTH)}${seconds(tookMs).padStart(7)}  ${value.result}`);
  return value.made;
}

/** What tenants have before the story begins: a subscription, and a zone at a DNS provider. */
function prepareTenants(world: World, samples: Samples): void {
  for (const { subscriptionID } of samples.specs("BillingAccount", billingAccountSpecSchema)) {
    world.addSubscription(subscriptionID);
  }
  const apexes = samples.specs("CustomDomain", customDomainSpecSchema).map(({ domain }) => getDomain(domain) ?? domain);
  for (const apex of new Set(apexes)) world.dns.addZone(apex, { negativeTTL: NEGATIVE_TTL_SECONDS });
}

async function obtainBinaries(narrator: Narrator, { signal }: StepTools): Promise<{ result: string; made: Binaries }> {
  const onProgress = (line: string) => narrator.say(line);
  const made = await ensureBinaries({ onProgress, signal });
  await ensureTool("helm", { onProgress, signal });
  return { made, result: "etcd, kube-apiserver, kube-controller-manager, kubectl and helm" };
}

async function startOperator(controlPlane: ControlPlane, { runner, narrator, stack }: Setup, { until, signal }: StepTools) {
  const { namespace } = RELEASE;
  const token = await controlPlane.serviceAccountToken(namespace, "custom-domain-operator", { expirationSeconds: TOKEN_SECONDS });
  const kubeconfig = join(controlPlane.dir, "operator.kubeconfig");
  await controlPlane.writeKubeconfig(kubeconfig, { token });
  const logFile = join(controlPlane.dir, "operator.log");
  const healthPort = await freePort();
  signal.throwIfAborted();
  const made = new ShippedOperator({ kubeconfig, namespace, healthPort, logFile });
  const kill = () => made.kill();
  process.once("exit", kill);
  stack.defer(async () => {
    runner.checkAlive = () => {};
    await made.stop();
    process.off("exit", kill);
  });
  runner.checkAlive = () => made.checkAlive();
  narrator.command(made.command);
  await until("the operator to be ready", () => made.isReady()).catch((error: Error) => {
    throw new Error([error.message, ...made.tail(LOG_LINES)].join("\n"), { cause: error });
  });
  const { stdout } = await kubectl(controlPlane.kubectl, kubeconfig, ["auth", "whoami", "-o", "json"]);
  const { username } = whoamiSchema.parse(JSON.parse(stdout)).status.userInfo;
  return { made, result: `process ${made.pid}, as ${username}` };
}
