import { type ControlPlane, startControlPlane } from "../../test/control-plane/control-plane.ts";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { bundleOurs } from "../bundle.ts";
import { prepareStage } from "../stage.ts";
import { ExternalServer } from "./external-server.ts";
import { StackProcess } from "./stack-process.ts";

const SEEN = "controller_runtime_reconcile_total";
const POLL_MS = 20;
const DEADLINE_MS = 600_000;

/** A control plane of its own, prepared for the stack, the external system and the stack's bundle. */
export class BenchSetup implements AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly external: ExternalServer;
  /** Of the stack's ServiceAccount. */
  readonly kubeconfig: string;
  readonly #bundle: string;

  static async open(): Promise<BenchSetup> {
    const bundle = await bundleOurs();
    const controlPlane = await startControlPlane({ audit: false });
    return new BenchSetup(controlPlane, await prepareStage(controlPlane), await ExternalServer.start(), bundle);
  }

  private constructor(controlPlane: ControlPlane, kubeconfig: string, external: ExternalServer, bundle: string) {
    this.controlPlane = controlPlane;
    this.external = external;
    this.kubeconfig = kubeconfig;
    this.#bundle = bundle;
  }

  /** Another external system tells the replicas of a stack apart. */
  startStack(options: { readonly identity?: string; readonly external?: ExternalServer } = {}): Promise<StackProcess> {
    const { identity, external = this.external } = options;
    return StackProcess.start({
      bundle: this.#bundle,
      kubeconfig: this.kubeconfig,
      externalUrl: external.url,
      ...(identity === undefined ? {} : { identity }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.external[Symbol.asyncDispose]();
    await this.controlPlane.stop();
  }
}

/** Resolves, at the earliest moment that can be told from outside, when its readiness probe is answered with 200. */
export function whenReady(stack: StackProcess): Promise<boolean> {
  return waitUntil("the stack to be ready", () => stack.isReady(), { timeoutMs: DEADLINE_MS, intervalMs: POLL_MS / 2 });
}

/** How many reconciles have ended well since it started. */
export function reconciles(stack: StackProcess): Promise<number> {
  return stack.metric(SEEN, { result: "success" });
}

export function whenReconciled(stack: StackProcess, count: number): Promise<boolean> {
  const enough = async (): Promise<boolean> => (await reconciles(stack)) >= count;
  return waitUntil(`${count} reconciles`, enough, { timeoutMs: DEADLINE_MS, intervalMs: POLL_MS });
}
