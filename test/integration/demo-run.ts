import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { isAlive } from "../control-plane/lock-file.ts";
import { waitUntil } from "../control-plane/wait-until.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The demo as a person starts it, with its output in a pipe. */
export class DemoRun implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  #output = "";

  /** `evidence`: the name under which it leaves what the verdict over the whole suite judges; undefined when it will start nothing. */
  constructor(evidence: string | undefined, env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, ["test/demo/main.ts"], {
      cwd: ROOT,
      env: { ...process.env, KEEP: "", DEMO_BREAK: "", DEMO_STEP_SECONDS: "", DEMO_EVIDENCE: evidence ?? "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#exit = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
      });
    }
  }

  get output(): string {
    return this.#output;
  }

  /** The first group of the pattern, in what was printed so far. @throws Error when nothing matches. */
  found(pattern: RegExp): string {
    const match = pattern.exec(this.#output)?.[1];
    if (match === undefined) throw new Error(`the demo printed nothing like ${pattern}:\n${this.#output}`);
    return match;
  }

  /** Resolves once a text was printed. @throws Error with all that was printed when the demo ends before. */
  async printed(text: string, timeoutMs: number): Promise<void> {
    const has = () => {
      if (this.#output.includes(text)) return true;
      if (this.#child.exitCode !== null) throw new Error(`the demo ended with ${this.#child.exitCode}:\n${this.#output}`);
      return false;
    };
    await waitUntil(`the demo to print "${text}"`, has, { timeoutMs });
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  /** The exit code, once the process and its output have ended. */
  async exitCode(): Promise<number | null> {
    await this.#exit;
    return this.#child.exitCode;
  }

  /** What of what it told to have started still runs. */
  async leftovers(): Promise<readonly string[]> {
    const operator = Number(this.found(/process (\d+), as system:/));
    const apiServer = Number(this.found(/Kubernetes at https:\/\/127\.0\.0\.1:(\d+)/));
    return [
      ...(isAlive(operator) ? [`the operator, process ${operator}`] : []),
      ...((await isListening(apiServer)) ? [`the API server, port ${apiServer}`] : []),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGTERM");
    await this.#exit;
  }
}

function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
