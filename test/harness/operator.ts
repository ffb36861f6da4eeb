import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { freePort } from "../control-plane/ports.ts";
import { waitUntil } from "../control-plane/wait-until.ts";

const STARTED = "starting the controllers";

export interface OperatorOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Everything that the process writes is appended here. */
  readonly logFile: string;
  readonly args?: readonly string[];
  /** How far the shared clock has been moved already. */
  readonly clockOffsetMs: number;
}

/** One running operator process. */
export class Operator {
  readonly healthPort: number;
  readonly #child: ChildProcess;
  #nextId = 1;
  #log = "";

  static async start(options: OperatorOptions): Promise<Operator> {
    const healthPort = await freePort();
    const flags = [
      "--namespace",
      options.namespace,
      "--health-address",
      `127.0.0.1:${healthPort}`,
      "--identity",
      "operator-under-test",
    ];
    const child = fork(
      join(import.meta.dirname, "operator-process.ts"),
      [...flags, "--log-level", "debug", ...(options.args ?? [])],
      {
        env: { PATH: process.env.PATH ?? "", KUBECONFIG: options.kubeconfig },
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      },
    );
    const operator = new Operator(child, healthPort, options.logFile);
    await operator.advance(options.clockOffsetMs);
    await operator.waitForLog(STARTED);
    return operator;
  }

  private constructor(child: ChildProcess, healthPort: number, logFile: string) {
    this.#child = child;
    this.healthPort = healthPort;
    const file = createWriteStream(logFile, { flags: "a" });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => {
        this.#log += text;
        file.write(text);
      });
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("the operator has no process id");
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return this.#log;
  }

  async waitForLog(text: string): Promise<void> {
    await waitUntil(
      `the operator to log "${text}"`,
      () => {
        if (!this.running)
          throw new Error(
            `the operator ended with ${this.#child.exitCode ?? this.#child.signalCode}:\n${this.#log.slice(-4000)}`,
          );
        return this.#log.includes(text);
      },
      { timeoutMs: 60_000 },
    );
  }

  /** Moves the process's clock; resolves when its timers have fired. */
  async advance(ms: number): Promise<void> {
    const id = this.#nextId++;
    const answered = new Promise<void>((resolve, reject) => {
      const onMessage = (message: { readonly id: number }): void => {
        if (message.id !== id) return;
        this.#child.off("message", onMessage);
        this.#child.off("exit", onExit);
        resolve();
      };
      const onExit = (): void => reject(new Error(`the operator ended:\n${this.#log.slice(-4000)}`));
      this.#child.on("message", onMessage);
      this.#child.once("exit", onExit);
    });
    this.#child.send({ id, advanceMs: ms });
    await answered;
  }

  /** SIGTERM, and the exit code. */
  async stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  /** SIGKILL: nothing of the process runs any more. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    if (!this.running) return this.#child.exitCode;
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    await exited;
    return this.#child.exitCode;
  }
}
