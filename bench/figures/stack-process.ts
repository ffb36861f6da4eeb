import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "undici";
import { waitUntil } from "../../test/control-plane/wait-until.ts";
import { SYSTEM_NAMESPACE } from "../stage.ts";

export interface StackOptions {
  /** Path of the bundle. */
  readonly bundle: string;
  readonly kubeconfig: string;
  readonly externalUrl: string;
  readonly identity?: string;
  readonly nodeArgs?: readonly string[];
}

/** One running process of bench/ours. */
export class StackProcess implements AsyncDisposable {
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;
  readonly #child: ChildProcess;
  #log = "";

  /** Resolves as soon as the process serves its health address. */
  static async start(options: StackOptions): Promise<StackProcess> {
    const stack = new StackProcess(options);
    await stack.waitForLog('"message":"started"');
    return stack;
  }

  private constructor({ bundle, kubeconfig, externalUrl, identity, nodeArgs = [] }: StackOptions) {
    this.startedAt = performance.now();
    this.#child = spawn(process.execPath, [...nodeArgs, bundle], {
      env: {
        PATH: process.env.PATH ?? "",
        KUBECONFIG: kubeconfig,
        BENCH_NAMESPACE: SYSTEM_NAMESPACE,
        BENCH_EXTERNAL_URL: externalUrl,
        BENCH_WORKERS: "64",
        BENCH_CONNECTIONS: "64",
        ...(identity === undefined ? {} : { BENCH_IDENTITY: identity }),
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8");
    this.#child.stdout?.on("data", (text: string) => {
      this.#log += text;
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("the stack has no process id");
    return this.#child.pid;
  }

  get log(): string {
    return this.#log;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get healthPort(): number {
    return Number(/"healthPort":(\d+)/.exec(this.#log)?.[1]);
  }

  async waitForLog(text: string, timeoutMs = 60_000): Promise<void> {
    await waitUntil(
      `the stack to log ${text}`,
      () => {
        if (!this.running) throw new Error(`the stack ended:\n${this.#log.slice(-4_000)}`);
        return this.#log.includes(text);
      },
      { timeoutMs, intervalMs: 5 },
    );
  }

  async isReady(): Promise<boolean> {
    const { statusCode, body } = await request(`http://127.0.0.1:${this.healthPort}/readyz`);
    await body.dump();
    return statusCode === 200;
  }

  /** The sum of the values of a metric, over those of its series that have all of these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { body } = await request(`http://127.0.0.1:${this.healthPort}/metrics`);
    const series = (await body.text()).split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return series
      .filter((line) => wanted.every((pair) => line.includes(pair)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it by the signal and waits until it is gone; SIGKILL follows after half a minute. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    const impatient = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
    await exited;
    clearTimeout(impatient);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
