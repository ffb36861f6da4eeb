import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { SYSTEM_NAMESPACE } from "../stage.ts";
import type { Command } from "./stacks.ts";

const GRACE_MS = 15_000;

export interface ProcessOptions {
  readonly command: Command;
  readonly kubeconfig: string;
  readonly externalUrl: string;
  /** Everything that the process writes. */
  readonly logFile: string;
}

/** One running operator, whatever it is written in: the same environment for all. */
export class StackProcess implements AsyncDisposable {
  readonly pid: number;
  /** On the clock of `performance.now()`, before the process exists. */
  readonly startedAt: number;
  /** Rejects, with the end of the log, when the process ends without having been told to. */
  readonly failure: Promise<never>;
  readonly #child: ChildProcess;
  readonly #endWithDriver: () => void;
  #stopping = false;

  static async start(options: ProcessOptions): Promise<StackProcess> {
    await mkdir(dirname(options.logFile), { recursive: true });
    const log = openSync(options.logFile, "w");
    const startedAt = performance.now();
    const child = spawn(options.command.file, options.command.args, {
      env: {
        PATH: process.env.PATH ?? "",
        HOME: process.env.HOME ?? "",
        KUBECONFIG: options.kubeconfig,
        BENCH_NAMESPACE: SYSTEM_NAMESPACE,
        BENCH_EXTERNAL_URL: options.externalUrl,
        BENCH_WORKERS: "64",
        BENCH_CONNECTIONS: "64",
      },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    await once(child, "spawn");
    return new StackProcess(child, startedAt, options.logFile);
  }

  private constructor(child: ChildProcess, startedAt: number, logFile: string) {
    if (child.pid === undefined) throw new Error("the process has no id");
    this.#child = child;
    this.#endWithDriver = () => void child.kill("SIGKILL");
    process.once("exit", this.#endWithDriver);
    this.pid = child.pid;
    this.startedAt = startedAt;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.failure = promise;
    child.once("exit", async (code, signal) => {
      if (this.#stopping) return;
      const log = await readFile(logFile, "utf8").catch(() => "");
      reject(new Error(`the process ended by itself (${signal ?? `exit code ${code}`}):\n${log.slice(-2_000)}`));
    });
  }

  /** SIGTERM, then SIGKILL for one that does not end. Resolves to the seconds that it took. */
  async stop(): Promise<number> {
    const started = performance.now();
    this.#stopping = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      const impatient = setTimeout(() => this.#child.kill("SIGKILL"), GRACE_MS);
      await exited;
      clearTimeout(impatient);
    }
    process.off("exit", this.#endWithDriver);
    return (performance.now() - started) / 1_000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
