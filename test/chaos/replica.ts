import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { writeKubeconfigFile } from "../control-plane/kubeconfig.ts";
import { Operator, type OperatorExit } from "../harness/operator.ts";
import type { FaultyProxy } from "./faulty-proxy.ts";

export interface ReplicaOptions {
  readonly name: string;
  readonly proxy: FaultyProxy;
  /** Where the kubeconfig, the token and the log are kept. */
  readonly directory: string;
  readonly namespace: string;
  /** A new token of the operator's ServiceAccount. */
  readonly issueToken: () => Promise<string>;
}

/** Why a process ended. Only the last is held against the operator. */
export type EndCause = "killed by the test" | "stopped by the test" | "lost the Lease" | "by itself";

export interface ReplicaEnd extends OperatorExit {
  readonly cause: EndCause;
  /** Unix milliseconds. */
  readonly at: number;
  /** What it wrote last. */
  readonly lastLine: string;
}

/** A line of the logger, as far as it is looked at. */
export interface LogLine {
  readonly message: string;
  readonly level: string;
  /** Unix milliseconds of true time. */
  readonly at: number;
  readonly durationMs: number | undefined;
}

const lineSchema = z.object({
  message: z.string(),
  level: z.string(),
  time: z.string(),
  durationMs: z.number().optional(),
  err: z.object({ type: z.string() }).optional(),
});
const LEASE_LOST = "LeadershipLost";
const RESTART_AFTER_MS = 1_000;
const RENEWAL_TRIES = 100;

/** One replica of the operator: a process behind a proxy of its own, which is started again when it ends, as a pod would be. */
export class Replica {
  readonly name: string;
  readonly proxy: FaultyProxy;
  readonly logFile: string;
  readonly ends: ReplicaEnd[] = [];
  /** External mutations that the present and the former processes told of. */
  readonly mutations: LogLine[] = [];
  /** Lines that are none of the logger's: stack traces and warnings of Node.js. */
  readonly strangeLines: string[] = [];
  readonly #options: ReplicaOptions;
  readonly #tokenFile: string;
  #token = "";
  #operator: Operator | undefined;
  #lastLine = "";
  #lastError = "";
  #expected: EndCause | undefined;
  #restarts = true;
  /** What a restart waits for. */
  #back: Promise<unknown> = Promise.resolve();
  readonly #stopping = Promise.withResolvers<void>();
  #restarting: Promise<void> = Promise.resolve();
  #wallOffsetMs = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.name = options.name;
    this.proxy = options.proxy;
    this.logFile = join(options.directory, `${options.name}.log`);
    this.#tokenFile = join(options.directory, options.name, "token");
  }

  get running(): boolean {
    return this.#operator?.running === true;
  }

  /** @throws Error while it does not run. */
  get pid(): number {
    return this.#running.pid;
  }

  /** What it is known by in the API server's eyes. */
  get token(): string {
    return this.#token;
  }

  /** Resolves when the process runs, not when it is ready. */
  async start(): Promise<void> {
    await mkdir(dirname(this.#tokenFile), { recursive: true });
    if (this.#token === "") await this.replaceToken();
    await writeKubeconfigFile(this.#kubeconfig, this.proxy.cluster, { tokenFile: "token" });
    this.#expected = undefined;
    this.#lastError = "";
    const operator = await Operator.start({
      kubeconfig: this.#kubeconfig,
      namespace: this.#options.namespace,
      logFile: this.logFile,
      clockOffsetMs: 0,
      identity: this.name,
      awaits: "running",
      args: ["--log-level", "info"],
      onLine: (line) => this.#hear(line),
    });
    this.#operator = operator;
    if (this.#wallOffsetMs !== 0) await operator.jumpWallClock(this.#wallOffsetMs);
    this.#restarting = operator.exited.then((exit) => this.#ended(exit));
  }

  /** Whether `/readyz` says that the caches are complete. */
  async isReady(): Promise<boolean> {
    if (!this.running) return false;
    const answer = await fetch(`http://127.0.0.1:${this.#running.healthPort}/readyz`).catch(() => undefined);
    await answer?.arrayBuffer();
    return answer?.status === 200;
  }

  /** SIGKILL; the process is started again once `back` has settled. */
  async kill(back: Promise<unknown> = Promise.resolve()): Promise<void> {
    this.#expected = "killed by the test";
    this.#back = back;
    await this.#running.kill();
  }

  /** SIGTERM; resolves with the exit code when it has ended. It is started again after a while. */
  async terminate(): Promise<number | null> {
    this.#expected = "stopped by the test";
    return this.#running.stop();
  }

  /** SIGSTOP: its timers, its renewals and its answers stop; the connections stay. */
  freeze(): void {
    this.#running.signal("SIGSTOP");
  }

  thaw(): void {
    this.#running.signal("SIGCONT");
  }

  /** As when somebody sets the clock of the machine; it stays so for later processes. */
  async jumpWallClock(ms: number): Promise<void> {
    this.#wallOffsetMs += ms;
    if (this.running) await this.#running.jumpWallClock(ms);
  }

  /** Puts a new token into the file, as the kubelet does. @throws Error while the API server issues none. */
  async replaceToken(): Promise<void> {
    this.#token = await this.#options.issueToken();
    await writeFile(this.#tokenFile, this.#token, { mode: 0o600 });
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#restarts = false;
    this.#stopping.resolve();
    if (this.running) await this.terminate();
    await this.#restarting;
    // It may have been about to be started again.
    if (this.running) await this.terminate();
    await this.#restarting;
  }

  /** For when nothing can be awaited any more; also ends a process that is stopped. */
  killAtOnce(): void {
    this.#restarts = false;
    if (this.running) this.#running.signal("SIGKILL");
  }

  get #kubeconfig(): string {
    return join(dirname(this.#tokenFile), "kubeconfig");
  }

  get #running(): Operator {
    if (this.#operator === undefined || !this.#operator.running) throw new Error(`${this.name} does not run`);
    return this.#operator;
  }

  #hear(text: string): void {
    if (text.trim() === "") return;
    this.#lastLine = text;
    const line = parsed(text);
    if (line === undefined) {
      this.strangeLines.push(text);
      return;
    }
    const { message, level, time, durationMs, err } = line;
    if (level === "fatal") this.#lastError = err?.type ?? "";
    if (message === "external mutation")
      this.mutations.push({ message, level, at: Date.parse(time) - this.#wallOffsetMs, durationMs });
  }

  async #ended(exit: OperatorExit): Promise<void> {
    const lost = exit.code === 1 && this.#lastError === LEASE_LOST;
    const cause = this.#expected ?? (lost ? "lost the Lease" : "by itself");
    this.ends.push({ ...exit, cause, at: Date.now(), lastLine: this.#lastLine });
    await Promise.race([this.#back, this.#stopping.promise]);
    this.#back = Promise.resolve();
    for (let tries = 0; this.#restarts && tries < RENEWAL_TRIES; tries += 1) {
      await delay(RESTART_AFTER_MS);
      if (!this.#restarts) return;
      try {
        await this.start();
        return;
      } catch (error) {
        this.strangeLines.push(`${this.name} could not be started: ${String(error)}`);
      }
    }
  }
}

function parsed(text: string): z.infer<typeof lineSchema> | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
