import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { freePort } from "../control-plane/ports.ts";
import { waitUntil } from "../control-plane/wait-until.ts";
import type { ClockMessage } from "./operator-process.ts";

/** What stands in the log when a process has come that far. */
const LOGGED = { leading: "starting the controllers", running: '"message":"started"' } as const;

export interface OperatorOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Everything that the process writes is appended here. */
  readonly logFile: string;
  readonly args?: readonly string[];
  /** How far the shared clock has been moved already. */
  readonly clockOffsetMs: number;
  /** Who holds the Lease; "operator-under-test" unless given. */
  readonly identity?: string;
  /** What the start waits for: that it leads, or, for a standby, that it runs. "leading" unless given. */
  readonly awaits?: "leading" | "running";
  /** Told of every complete line that the process writes. */
  readonly onLine?: (line: string) => void;
}

/** How a process ended. */
export interface OperatorExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running operator process. */
export class Operator {
  readonly healthPort: number;
  /** Resolves when the process has ended and all that it wrote was read. */
  readonly exited: Promise<OperatorExit>;
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
      options.identity ?? "operator-under-test",
    ];
    const child = fork(
      join(import.meta.dirname, "operator-process.ts"),
      [...flags, "--log-level", "debug", ...(options.args ?? [])],
      {
        env: { PATH: process.env.PATH ?? "", KUBECONFIG: options.kubeconfig },
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      },
    );
    const operator = new Operator(child, healthPort, options);
    await operator.advance(options.clockOffsetMs);
    await operator.waitForLog(LOGGED[options.awaits ?? "leading"]);
    return operator;
  }

  private constructor(child: ChildProcess, healthPort: number, { logFile, onLine }: OperatorOptions) {
    this.#child = child;
    this.healthPort = healthPort;
    const file = createWriteStream(logFile, { flags: "a" });
    const take = (line: string): void => {
      file.write(`${line}\n`);
      onLine?.(line);
    };
    // Several processes may write to one file: whole lines only.
    const rests = ["", ""];
    for (const [index, stream] of [child.stdout, child.stderr].entries()) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => {
        this.#log += text;
        const lines = `${rests[index]}${text}`.split("\n");
        rests[index] = lines.pop() ?? "";
        for (const line of lines) take(line);
      });
    }
    this.exited = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        // The half that a SIGKILL left says nothing.
        for (const rest of rests) if (rest !== "" && signal !== "SIGKILL") take(rest);
        file.end(() => resolve({ code, signal }));
      });
    });
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
  advance(ms: number): Promise<void> {
    return this.#tell({ advanceMs: ms });
  }

  /** Sets the process's wall clock wrong by that much more, back as well as forward; its timers do not notice. */
  jumpWallClock(ms: number): Promise<void> {
    return this.#tell({ jumpMs: ms });
  }

  /** SIGSTOP, SIGCONT and the like: nothing is awaited. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async #tell(message: Omit<ClockMessage, "id">): Promise<void> {
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
    this.#child.send({ ...message, id } satisfies ClockMessage);
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
