import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { request } from "undici";

const ROOT = join(import.meta.dirname, "../..");
const BUNDLE = "dist/main.js";
/** Reconciles in flight may finish; past this the process is killed. */
const GRACE_MS = 10_000;
const TAIL_CHARACTERS = 64_000;

export interface ShippedOperatorOptions {
  /** Of the user that the operator runs as. */
  readonly kubeconfig: string;
  readonly namespace: string;
  /** A free port. */
  readonly healthPort: number;
  /** Everything that the process writes. */
  readonly logFile: string;
}

/** `node dist/main.js operator`: what is shipped, in a process of its own, with nothing but flags and a kubeconfig. */
export class ShippedOperator {
  readonly command: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #health: string;
  /** Resolves when the process has ended and all that it wrote is in the log. */
  readonly #ended: Promise<void>;
  #tail = "";

  constructor(options: ShippedOperatorOptions) {
    const health = `127.0.0.1:${options.healthPort}`;
    const args = [BUNDLE, "operator", "--namespace", options.namespace, "--health-address", health];
    this.command = ["node", ...args].join(" ");
    this.logFile = options.logFile;
    this.#health = `http://${health}`;
    this.#child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? "", KUBECONFIG: options.kubeconfig },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.once("error", (error) => this.#keep(`${error.message}\n`));
    const file = createWriteStream(options.logFile);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        file.write(text);
        this.#keep(text);
      });
    }
    this.#ended = new Promise((resolve) => this.#child.once("close", () => file.end(resolve)));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @throws Error when the process has ended. */
  checkAlive(): void {
    const { exitCode, signalCode } = this.#child;
    if (this.#child.pid === undefined || exitCode !== null || signalCode !== null) {
      throw new Error(`the operator's process ended by itself (${signalCode ?? `exit code ${exitCode}`})`);
    }
  }

  /** Whether /readyz answers 200: its caches are filled. */
  async isReady(): Promise<boolean> {
    try {
      const { statusCode, body } = await request(`${this.#health}/readyz`);
      await body.dump();
      return statusCode === 200;
    } catch {
      return false;
    }
  }

  /** The last lines of its log. */
  tail(lines: number): readonly string[] {
    return this.#tail.trimEnd().split("\n").slice(-lines);
  }

  async stop(): Promise<void> {
    if (this.#child.pid === undefined) return;
    this.#child.kill("SIGTERM");
    const impatient = setTimeout(() => this.#child.kill("SIGKILL"), GRACE_MS);
    await this.#ended;
    clearTimeout(impatient);
  }

  /** For when nothing can be awaited any more. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #keep(text: string): void {
    this.#tail = `${this.#tail}${text}`.slice(-TAIL_CHARACTERS);
  }
}
