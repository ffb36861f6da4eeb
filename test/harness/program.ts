import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { waitUntil } from "../control-plane/wait-until.ts";

const ROOT = join(import.meta.dirname, "../..");

/** One of the repository's own programs, as a person starts it, with what it prints in pipes. */
export class Program implements AsyncDisposable {
  readonly #script: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stdout = "";
  #stderr = "";

  constructor(script: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    this.#script = script;
    this.#child = spawn(process.execPath, [script, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#closed = once(this.#child, "close");
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves with the first match of the pattern's first group. @throws Error with all that was printed when it ends before. */
  printed(pattern: RegExp, timeoutMs: number): Promise<string> {
    const match = (): string | undefined => {
      const found = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
      if (found !== null) return found[1] ?? found[0];
      if (this.#ended) throw new Error(`${this.#script} ended with ${this.#how}:\n${this.#stdout}\n${this.#stderr}`);
      return undefined;
    };
    return waitUntil(`${this.#script} to print ${pattern}`, match, { timeoutMs });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The exit code, or the signal that ended it, once the process has ended and nobody holds its output any more. */
  async end(): Promise<number | string | null> {
    await this.#closed;
    return this.#how;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#closed;
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get #how(): number | string | null {
    return this.#child.exitCode ?? this.#child.signalCode;
  }
}

/** Whether somebody accepts connections there. */
export function isListening(port: number, address = "127.0.0.1"): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, address);
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
