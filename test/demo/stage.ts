import { basename, join } from "node:path";
import { getDomain } from "tldts";
import { billingAccountSpecSchema } from "../../src/api/v1/billing-account.ts";
import { customDomainSpecSchema } from "../../src/api/v1/custom-domain.ts";
import { type Binaries, ensureBinaries } from "../control-plane/binaries.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { freePort } from "../control-plane/ports.ts";
import { EvidenceRecord } from "../harness/evidence-record.ts";
import { demonstrationTimings } from "../simulators/cloudflare/timings.ts";
import { startWorld, type World } from "../simulators/world.ts";
import { installChart, RELEASE } from "../tools/helm.ts";
import { ensureTool } from "../tools/tools.ts";
import { type Narrator, seconds } from "./narrator.ts";
import type { Processes } from "./processes.ts";
import { installed, userOf } from "./readings.ts";
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
/** As which program the operator's requests stand in the audit log. */
const USER_AGENT = "custom-domain-operator/";

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
  readonly processes: Processes;
  /** The name of the evidence to leave, where it is to be left. */
  readonly evidence: string | undefined;
}

type Phase<T> = (tools: StepTools) => Promise<{ readonly result: string; readonly made: T }>;

/** Starts all of it, and says how long each part took. */
export async function setStage(setup: Setup): Promise<Stage> {
  const { narrator, stack, processes, evidence } = setup;
  narrator.heading("Setting up");
  const binaries = await phase(setup, "binaries", BINARIES_MS, (tools) => obtainBinaries(narrator, tools));
  const controlPlane = await phase(setup, "control plane", START_MS, async ({ signal }) => {
    const made = await startControlPlane({ binaries, signal });
    stack.defer(() => made.stop());
    processes.watch(() => made.pids);
    return { made, result: `Kubernetes at ${made.server}` };
  });
  const world = await phase(setup, "simulators", START_MS, async () => {
    const made = await startWorld({ timings: demonstrationTimings });
    stack.defer(() => made.close());
    const { length } = made.dns.nameservers;
    return { made, result: `Cloudflare, Chargebee, DNS (authoritative servers: ${length}) and an edge with its origin` };
  });
  const record = evidence === undefined ? undefined : await EvidenceRecord.open({ name: evidence, allow: [] });
  record?.keepSecretsOf(world);
  stack.defer(() => record?.close(controlPlane, world));
  await phase(setup, "chart", START_MS, async () => {
    await installChart(controlPlane.kubeconfig);
    // Lets the garbage collector know the new kinds now, instead of within 30 s.
    await controlPlane.restartControllerManager();
    return { made: undefined, result: await installed(controlPlane) };
  });
  const samples = await Samples.load(world.connection);
  prepareTenants(world, samples);
  const operator = await phase(setup, "operator", START_MS, (tools) => startOperator({ controlPlane, record }, setup, tools));
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
  const helm = await ensureTool("helm", { onProgress, signal });
  return { made, result: [...Object.values(made), helm].map((path) => basename(path)).join(", ") };
}

interface OperatorSetting {
  readonly controlPlane: ControlPlane;
  readonly record: EvidenceRecord | undefined;
}

async function startOperator(
  { controlPlane, record }: OperatorSetting,
  { runner, narrator, stack, processes }: Setup,
  { until, signal }: StepTools,
) {
  const { namespace } = RELEASE;
  const token = await controlPlane.serviceAccountToken(namespace, "custom-domain-operator", { expirationSeconds: TOKEN_SECONDS });
  record?.keepSecret("ServiceAccount token", token);
  const kubeconfig = join(controlPlane.dir, "operator.kubeconfig");
  await controlPlane.writeKubeconfig(kubeconfig, { token });
  const logFile = record?.logFile ?? join(controlPlane.dir, "operator.log");
  const healthPort = await freePort();
  signal.throwIfAborted();
  const made = new ShippedOperator({ kubeconfig, namespace, healthPort, logFile });
  processes.watch(() => (made.pid === undefined ? {} : { operator: made.pid }));
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
  const username = await until("the API server to tell who the operator is", () => userOf(USER_AGENT, controlPlane));
  return { made, result: `process ${made.pid}, as ${username}` };
}
