import { join } from "node:path";
import type { BillingAccount } from "../../src/api/v1/billing-account.ts";
import type { CustomDomain } from "../../src/api/v1/custom-domain.ts";
import type { DomainClaim } from "../../src/api/v1/domain-claim.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { type ControlPlane, startControlPlane } from "../control-plane/control-plane.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import { SkewedClock } from "../simulators/clock.ts";
import { classSpecFor, manifestsFor, platform } from "../simulators/platform.ts";
import { startWorld, type World, type WorldOptions } from "../simulators/world.ts";
import { installChart, RELEASE } from "../tools/helm.ts";
import type { Allowance } from "./evidence.ts";
import { EvidenceRecord } from "./evidence-record.ts";
import { Operator } from "./operator.ts";
import { pathOf } from "./paths.ts";

export const CLASS = "storefronts";
export const OPERATOR_USER = `system:serviceaccount:${RELEASE.namespace}:custom-domain-operator`;
const DEADLINE_MS = 60_000;

/** An object as somebody would write it in a file. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [member: string]: unknown;
}

export interface EnvironmentOptions {
  /** Names the evidence that is left behind: as the test file is called, with a suffix where it starts several. */
  readonly name: string;
  /** What the checks over the whole suite shall not hold against this environment. */
  readonly allow?: readonly Allowance[];
  readonly world?: WorldOptions;
  readonly apiServerArgs?: readonly string[];
  /** Changes the class before it is applied. */
  readonly classSpec?: (spec: ReturnType<typeof classSpecFor>) => unknown;
}

/**
 * A real control plane with the chart installed, the simulated world, and operators that run under the chart's
 * ServiceAccount, all on one clock that tests move. What happened is kept as evidence for the checks over the whole suite.
 */
export class Environment implements AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly world: World;
  readonly clock: SkewedClock;
  /** Of the user that operators run as. */
  readonly kubeconfig: string;
  readonly #record: EvidenceRecord;
  #offsetMs = 0;
  operator: Operator | undefined;

  static async start(options: EnvironmentOptions): Promise<Environment> {
    const clock = new SkewedClock();
    const { apiServerArgs = [] } = options;
    const [controlPlane, world] = await Promise.all([
      startControlPlane({ apiServerArgs }),
      startWorld({ ...options.world, clock }),
    ]);
    const record = await EvidenceRecord.open({ name: options.name, allow: options.allow ?? [] });
    const environment = new Environment(controlPlane, world, clock, record);
    try {
      await installChart(controlPlane.kubeconfig);
      await controlPlane.restartControllerManager();
      const manifests = manifestsFor(world.connection, { namespace: RELEASE.namespace, className: CLASS });
      const spec = options.classSpec?.(classSpecFor(world.connection));
      for (const manifest of manifests) {
        const object = manifest.kind === "CustomDomainClass" && spec !== undefined ? { ...manifest, spec } : manifest;
        await environment.apply(object);
      }
      const token = await controlPlane.serviceAccountToken(RELEASE.namespace, "custom-domain-operator");
      record.keepSecret("ServiceAccount token", token);
      await controlPlane.writeKubeconfig(environment.kubeconfig, { token });
      return environment;
    } catch (error) {
      await environment.stop();
      throw error;
    }
  }

  private constructor(controlPlane: ControlPlane, world: World, clock: SkewedClock, record: EvidenceRecord) {
    this.controlPlane = controlPlane;
    this.world = world;
    this.clock = clock;
    this.#record = record;
    this.kubeconfig = join(controlPlane.dir, "operator.kubeconfig");
    record.keepSecretsOf(world);
  }

  get logFile(): string {
    return this.#record.logFile;
  }

  get evidence(): string {
    return this.#record.directory;
  }

  /** A value that may not appear in anything that the operator writes. */
  keepSecret(name: string, value: string): void {
    this.#record.keepSecret(name, value);
  }

  async startOperator(args: readonly string[] = []): Promise<Operator> {
    this.operator = await Operator.start({
      kubeconfig: this.kubeconfig,
      namespace: RELEASE.namespace,
      logFile: this.logFile,
      clockOffsetMs: this.#offsetMs,
      args,
    });
    return this.operator;
  }

  /** Moves everybody's clock: the simulators first, so that the operator sees what time has done to them. */
  async pass(ms: number): Promise<void> {
    this.#offsetMs += ms;
    await this.world.pass(ms);
    if (this.operator?.running === true) await this.operator.advance(ms);
  }

  /**
   * Moves the clock in steps until `done`, at most `limitMs` of it: what needs several rounds (a check, then Cloudflare, then
   * a check) gets them, without a test knowing how many.
   */
  async passUntil(what: string, done: () => Promise<boolean> | boolean, limitMs: number, stepMs = 5_000): Promise<void> {
    for (let passed = 0; passed <= limitMs; passed += stepMs) {
      const settled = await this.#within(done, 400);
      if (settled) return;
      await this.pass(stepMs);
    }
    await waitUntil(what, done, { timeoutMs: 5_000 });
  }

  async #within(done: () => Promise<boolean> | boolean, ms: number): Promise<boolean> {
    const until = performance.now() + ms;
    do {
      if (await done()) return true;
      await new Promise((resolve) => setTimeout(resolve, 25));
    } while (performance.now() < until);
    return false;
  }

  async namespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  }

  /** Server-side apply as an administrator. @throws Error with the API server's message when it refuses. */
  async apply(object: Manifest): Promise<void> {
    const path = `${pathOf(object)}?fieldManager=test&force=true&fieldValidation=Strict`;
    const { status, body } = await this.controlPlane.request("PATCH", path, object, "application/apply-patch+yaml");
    if (status >= 300)
      throw new Error(`apply ${object.kind} ${object.metadata.name}: ${status} ${(body as { message?: string }).message}`);
  }

  async domain(namespace: string, name: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
    await this.apply({ apiVersion: "customdomains.dev/v1", kind: "CustomDomain", metadata: { name, namespace }, spec });
  }

  async get<T extends KubeObject>(kind: string, name: string, namespace?: string): Promise<T | undefined> {
    const apiVersion = "customdomains.dev/v1";
    const metadata = namespace === undefined ? { name } : { name, namespace };
    const { status, body } = await this.controlPlane.request("GET", pathOf({ apiVersion, kind, metadata }));
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${kind} ${name}: ${status}`);
    return body as T;
  }

  getDomain(namespace: string, name: string): Promise<CustomDomain | undefined> {
    return this.get<CustomDomain>("CustomDomain", name, namespace);
  }

  claim(name: string): Promise<DomainClaim | undefined> {
    return this.get<DomainClaim>("DomainClaim", name);
  }

  account(namespace: string): Promise<BillingAccount | undefined> {
    return this.get<BillingAccount>("BillingAccount", CLASS, namespace);
  }

  async patch(kind: string, namespace: string, name: string, patch: unknown): Promise<void> {
    const path = pathOf({ apiVersion: "customdomains.dev/v1", kind, metadata: { name, namespace } });
    const { status, body } = await this.controlPlane.request("PATCH", path, patch, "application/merge-patch+json");
    if (status >= 300) throw new Error(`patch ${kind} ${name}: ${status} ${JSON.stringify(body)}`);
  }

  async delete(kind: string, namespace: string, name: string): Promise<void> {
    await this.controlPlane.request(
      "DELETE",
      pathOf({ apiVersion: "customdomains.dev/v1", kind, metadata: { name, namespace } }),
    );
  }

  /** Polls without moving the clock. */
  async until(what: string, done: () => Promise<boolean> | boolean, timeoutMs = DEADLINE_MS): Promise<void> {
    await waitUntil(what, done, { timeoutMs });
  }

  /** Ends everything and keeps the audit log and the simulators' counters. */
  async stop(): Promise<void> {
    await this.operator?.stop();
    await this.#record.close(this.controlPlane, this.world);
    await Promise.all([this.controlPlane.stop(), this.world.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export { platform };
